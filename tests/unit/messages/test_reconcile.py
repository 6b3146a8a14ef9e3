from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.dynamo.budget import Budget
from switchboard.messages.preview_text import preview
from switchboard.messages.previews import Arrival, PreviewUpdate
from switchboard.messages.reconcile import GroupMissing, Reconciled, group_uuids, reconcile_group
from switchboard.messages.stored import MalformedItem
from switchboard.messages.table import MessagesTable
from switchboard.schema import messages as schema
from tests.fakes import messages_table as fakes
from tests.fakes.conversations import NOW, message, new_group, shown, sort_key
from tests.fakes.executors import Inline
from tests.fakes.interleaving import every_interleaving
from tests.fakes.messages_table import TABLE
from tests.fakes.mishaps import Killed, kill_after, kill_at, live

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.fakes.expressions import Item

BUDGET = Budget(remaining_seconds=lambda: 60.0, sleep=lambda _: None, jitter=lambda: 0.5)
EXPIRED: Item = {schema.EXPIRES_AT: {"N": str(int(NOW))}}
ALIVE: Item = {schema.EXPIRES_AT: {"N": str(int(NOW) + 1)}}


@dataclass
class Place:
    """Ann and Bob in one group."""

    table: fakes.MessagesTable = field(default_factory=fakes.MessagesTable)

    def __post_init__(self) -> None:
        self.table.put(*new_group("g", "ann", "bob"))

    def reconcile(self, group: str = "g") -> Reconciled:
        return reconcile_group(self.domain_table(), group, now=NOW)

    def domain_table(self) -> MessagesTable:
        return MessagesTable(self.table, TABLE, budget=BUDGET)  # type: ignore[arg-type]  # has the calls that are made

    def send(self, item: Item) -> None:
        """Store a message, and let the stream handler follow it."""
        self.table.put_item(TableName=TABLE, Item=item)
        PreviewUpdate(
            [Arrival("1", item)],
            client=self.table,  # type: ignore[arg-type]  # as above
            table=TABLE,
            executor=Inline(),
            keep=lambda *_: False,
            now=NOW,
            budget=BUDGET,
        ).run()

    def row(self, member: str) -> Item:
        return self.table.items[schema.user_key(member), schema.membership_sort_key("g")]

    def shown(self) -> set[tuple[str, str, str]]:
        return {shown(self.row("ann")), shown(self.row("bob"))}


@pytest.fixture
def place() -> Place:
    return Place()


def told(number: int) -> tuple[str, str, str]:
    return sort_key(number), f"message {number}", "ann"


def test_previews_that_are_right_are_not_written(place: Place) -> None:
    assert place.reconcile() == Reconciled(members=2, changed=0, missing=0)
    assert "update_item" not in place.table.calls


def test_a_message_the_stream_lost_is_shown(place: Place) -> None:
    place.table.put(message("g", 5), message("g", 4))

    assert place.reconcile() == Reconciled(members=2, changed=2, missing=0)
    assert place.shown() == {told(5)}
    assert place.reconcile().changed == 0


def test_a_preview_goes_back_to_the_newest_message_that_has_not_expired(place: Place) -> None:
    place.table.put(message("g", 3), message("g", 4, more=ALIVE), message("g", 8, more=EXPIRED))
    place.send(message("g", 9))
    del place.table.items[schema.messages_key("g"), sort_key(9)]

    assert place.reconcile().changed == 2
    assert place.shown() == {told(4)}


def test_what_went_back_does_not_come_forward_again_by_a_late_delivery(place: Place) -> None:
    gone = message("g", 9, more=EXPIRED)
    place.table.put(gone)
    place.reconcile()

    place.send(gone)

    assert place.shown() == {told(0)}


def test_more_expired_messages_than_a_page(place: Place) -> None:
    place.table.put(message("g", 1), *(message("g", number, more=EXPIRED) for number in range(2, 80)))

    place.reconcile()

    assert place.shown() == {told(1)}


def test_a_malformed_message_is_not_shown(place: Place) -> None:
    place.table.put(message("g", 5), {**message("g", 6), schema.MESSAGE: {"N": "1"}})

    place.reconcile()

    assert place.shown() == {told(5)}


def test_where_no_message_is_left_nothing_is_shown_and_the_place_in_the_list_stays(place: Place) -> None:
    del place.table.items[schema.messages_key("g"), sort_key(0)]

    assert place.reconcile().changed == 2
    for member in ("ann", "bob"):
        row = place.row(member)
        assert row[schema.LAST_MESSAGE_SK] == {"S": sort_key(0)}
        assert schema.LAST_MESSAGE not in row
        assert schema.LAST_SENDER_UUID not in row
    assert place.reconcile().changed == 0

    place.send(message("g", 5))

    assert place.shown() == {told(5)}


@pytest.mark.parametrize("damage", [None, {"S": "zzz"}], ids=["lost", "above all keys"])
def test_a_damaged_position_is_mended(place: Place, damage: dict[str, Any] | None) -> None:
    row = place.row("bob")
    row.pop(schema.LAST_MESSAGE_SK)
    if damage:
        row[schema.LAST_MESSAGE_SK] = damage

    assert place.reconcile().changed == 1
    assert place.shown() == {told(0)}


def test_a_wrong_text_at_the_right_position_is_mended(place: Place) -> None:
    place.row("bob")[schema.LAST_MESSAGE] = {"S": "something else"}

    assert place.reconcile().changed == 1
    assert place.shown() == {told(0)}


def test_a_member_without_a_row_is_counted_and_gets_none(place: Place) -> None:
    del place.table.items["USER#bob", "GRP#g"]

    assert place.reconcile() == Reconciled(members=2, changed=0, missing=1)
    assert ("USER#bob", "GRP#g") not in place.table.items


def test_a_group_that_does_not_exist_is_said_to_be_missing(place: Place) -> None:
    with pytest.raises(GroupMissing):
        place.reconcile("nowhere")


def test_a_group_whose_members_cannot_be_read_is_said_to_be_malformed(place: Place) -> None:
    del place.table.items["GROUP#g", "META"][schema.MEMBERS]

    with pytest.raises(MalformedItem, match=schema.MEMBERS):
        place.reconcile()


def test_every_group_is_found(place: Place) -> None:
    place.table.put(*new_group("h", "ann", "cem", "dot"))

    assert sorted(group_uuids(place.domain_table())) == ["g", "h"]


@pytest.mark.parametrize("kill", [kill_at, kill_after])
def test_killed_between_any_two_calls_the_next_run_completes(kill: Callable[..., None]) -> None:
    for call in range(5):
        place = Place()
        place.table.put(message("g", 5))
        kill(place.table, call)
        with pytest.raises(Killed):
            place.reconcile()
        live(place.table)

        place.reconcile()

        assert place.shown() == {told(5)}, f"killed at call {call}"


@pytest.mark.parametrize("standing", [0, 8, 9], ids=["behind", "right", "gone"])
def test_a_message_that_comes_meanwhile_stands_in_every_order_of_calls(standing: int) -> None:
    places: list[Place] = []

    def scene() -> tuple[fakes.MessagesTable, tuple[Callable[[], object], ...]]:
        place = Place()
        places.append(place)
        place.table.put(message("g", 8))
        if standing:
            place.send(message("g", standing))
        place.table.items.pop((schema.messages_key("g"), sort_key(9)), None)
        return place.table, (place.reconcile, lambda: place.send(message("g", 12)))

    for order in every_interleaving(scene):
        assert places[-1].shown() == {told(12)}, order
    assert len(places) > 20


def test_whatever_the_rows_showed_they_show_the_newest_message_alive(rng: random.Random) -> None:
    for case in range(300):
        place = Place()
        alive = {0}
        for number in rng.sample(range(1, 40), rng.randint(0, 30)):
            fate = rng.choice([EXPIRED, ALIVE, None])
            place.table.put(message("g", number, text="ü" * number, more=fate))
            if fate is not EXPIRED:
                alive.add(number)
        for member in ("ann", "bob"):
            place.row(member)[schema.LAST_MESSAGE_SK] = {"S": sort_key(rng.randrange(40))}

        place.reconcile()

        newest = max(alive)
        text = preview("ü" * newest) if newest else "message 0"
        assert place.shown() == {(sort_key(newest), text, "ann")}, f"case {case}"
        assert place.reconcile().changed == 0, f"case {case}"
