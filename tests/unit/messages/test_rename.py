from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.dynamo.budget import Budget
from switchboard.dynamo.values import from_item
from switchboard.ids import Uuid7Source, compose_uuid7
from switchboard.messages.errors import ErrorCode, Refused
from switchboard.messages.opening import create_message_group
from switchboard.messages.rename import rename_user, show_name
from switchboard.messages.runtime import Runtime
from switchboard.messages.table import MessagesTable
from switchboard.schema import messages as schema
from tests.fakes import messages_table as fakes
from tests.fakes.conversations import NOW, new_group, person
from tests.fakes.interleaving import every_interleaving
from tests.fakes.messages_table import TABLE, client_error
from tests.fakes.mishaps import Killed, kill_after, kill_at, live

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from switchboard.messages.keys import Key

NEW = {schema.HANDLE: "annie", schema.DISPLAY_NAME: "Annie"}


def one_by_one(call: Callable[[Key], bool], work: Sequence[Key]) -> list[bool]:
    return [call(piece) for piece in work]


@dataclass
class Place:
    """A table, and the operations on it."""

    table: fakes.MessagesTable = field(default_factory=fakes.MessagesTable)
    remaining: float = 60.0

    def runtime(self) -> Runtime:
        budget = Budget(remaining_seconds=lambda: self.remaining, sleep=lambda _: None, jitter=lambda: 0.5)
        table = MessagesTable(self.table, TABLE, budget=budget)  # type: ignore[arg-type]  # has the calls that are made
        return Runtime(table, clock=lambda: datetime.fromtimestamp(NOW, UTC), new_uuid7=Uuid7Source(lambda _: 1))

    def rename(self, user: str = "ann", **names: str) -> dict[str, Any]:
        return rename_user(self.runtime(), {schema.USER_UUID: user, **names}, together=one_by_one)

    def open(self, creator: str, other: str) -> dict[str, Any]:
        request = {
            schema.USER_UUID: creator,
            schema.OTHER_USER_UUID: other,
            schema.MESSAGE: "hello",
            schema.MESSAGE_UUID: compose_uuid7(int(NOW * 1_000), 1),
        }
        return create_message_group(self.runtime(), request)

    def names_shown(self, user: str) -> set[tuple[str, str, str]]:
        """The handles, display names and versions of `user` that others see, and those of the profile."""
        profile = self.table.items[schema.user_key(user), schema.PROFILE]
        rows = [
            (row[schema.OTHER_HANDLE]["S"], row[schema.OTHER_DISPLAY_NAME]["S"], row[schema.PROFILE_VERSION]["N"])
            for row in self.table.items.values()
            if row.get(schema.OTHER_USER_UUID) == {"S": user}
        ]
        own = profile[schema.HANDLE]["S"], profile[schema.DISPLAY_NAME]["S"], profile[schema.PROFILE_VERSION]["N"]
        return {own, *rows}

    def handles_of(self, user: str) -> list[str]:
        return [
            pk.removeprefix("HANDLE#")
            for (pk, _), entry in self.table.items.items()
            if pk.startswith("HANDLE#") and entry[schema.USER_UUID] == {"S": user}
        ]


def settled(conversations: int = 2) -> Place:
    """Ann talks with some people one by one, and with two of them in a group."""
    place = Place()
    others = [f"p{number}" for number in range(conversations)]
    for someone in ("ann", "zoe", *others):
        place.table.put(*person(someone))
    for other in others:
        place.table.put(*new_group(f"ann-{other}", "ann", other))
    place.table.put(*new_group("all", "ann", "zoe", "p0"), *new_group("zoe-p0", "zoe", "p0"))
    place.table.stream.clear()
    return place


def test_the_new_name_is_in_the_profile_the_directory_and_every_conversation() -> None:
    place = settled()

    answer = place.rename(**NEW)

    assert answer == {
        schema.USER_UUID: "ann",
        schema.HANDLE: "annie",
        schema.DISPLAY_NAME: "Annie",
        schema.PROFILE_VERSION: 2,
        "conversations": 2,
        "complete": True,
    }
    assert place.names_shown("ann") == {("annie", "Annie", "2")}
    assert place.handles_of("ann") == ["annie"]


def test_nothing_else_of_anybody_is_written() -> None:
    place = settled()
    before = dict(place.table.items)

    place.rename(**NEW)

    written = {
        (record["dynamodb"]["Keys"]["pk"]["S"], record["dynamodb"]["Keys"]["sk"]["S"]) for record in place.table.stream
    }
    assert written == {
        ("USER#ann", "PROFILE"), ("HANDLE#ann", "HANDLE#ann"), ("HANDLE#annie", "HANDLE#annie"),
        ("USER#p0", "GRP#ann-p0"), ("USER#p1", "GRP#ann-p1"),
    }  # fmt: skip
    after = place.table.items["USER#p0", "GRP#ann-p0"]
    changed = {name for name, value in after.items() if before["USER#p0", "GRP#ann-p0"][name] != value}
    assert changed == {schema.OTHER_HANDLE, schema.OTHER_DISPLAY_NAME, schema.PROFILE_VERSION}


def test_a_display_name_alone_leaves_the_handle() -> None:
    place = settled()

    place.rename(display_name="Annie")

    assert place.names_shown("ann") == {("ann", "Annie", "2")}
    assert place.handles_of("ann") == ["ann"]


def test_handles_are_stored_in_lower_case() -> None:
    place = settled()

    assert place.rename(handle="ANNIE")[schema.HANDLE] == "annie"
    assert place.handles_of("ann") == ["annie"]


def test_a_released_handle_is_free_for_others() -> None:
    place = settled()
    place.rename(**NEW)

    place.rename("zoe", handle="ann")

    assert place.handles_of("zoe") == ["ann"]
    assert place.names_shown("zoe") == {("ann", "Zoe", "2")}


def test_the_same_name_again_reads_and_writes_nothing() -> None:
    place = settled()
    first = place.rename(**NEW)
    units = place.table.write_units
    place.table.calls.clear()

    assert place.rename(**NEW) == first
    assert place.table.write_units == units
    assert place.table.calls == {"get_item": 1, "query": 1, "batch_get_item": 1}


def test_a_taken_handle_is_refused_and_nothing_written() -> None:
    place = settled()
    before = dict(place.table.items)

    with pytest.raises(Refused) as refused:
        place.rename(handle="zoe", display_name="Annie")

    assert refused.value.code is ErrorCode.HANDLE_TAKEN
    assert [error.path for error in refused.value.fields] == ["/handle"]
    assert place.table.items == before


def test_somebody_without_a_profile_is_not_found() -> None:
    with pytest.raises(Refused) as refused:
        settled().rename("nobody", display_name="Who")

    assert refused.value.code is ErrorCode.NOT_FOUND


def test_more_conversations_than_a_page() -> None:
    place = settled(250)

    assert place.rename(**NEW)["conversations"] == 250
    assert place.names_shown("ann") == {("annie", "Annie", "2")}


def test_without_time_the_answer_says_so_and_calling_again_goes_on_where_it_ended() -> None:
    place = settled(250)

    def pass_time(name: str, _request: dict[str, Any]) -> None:
        place.remaining -= name == "update_item"

    place.table.after = pass_time
    answers: list[dict[str, Any]] = []
    while not answers or not answers[-1]["complete"]:
        place.remaining = 100.0
        answers.append(place.rename(**NEW))

    following = [answer["conversations"] for answer in answers]
    assert 90 < following[0] < following[1] < following[2] == 250
    assert place.names_shown("ann") == {("annie", "Annie", "2")}
    assert place.table.calls["update_item"] == 250 + 1, "each conversation, and the mark that they follow"
    assert place.table.calls["transact_write_items"] == 1


def test_throttled_amid_the_conversations_it_completes_when_called_again() -> None:
    place = settled()
    updates = iter((None, client_error("ThrottlingException")))

    def before(name: str, _request: dict[str, Any]) -> None:
        if name == "update_item" and (error := next(updates, None)):
            raise error

    place.table.before = before
    with pytest.raises(Exception, match="ThrottlingException"):
        place.rename(**NEW)

    assert place.rename(**NEW)["complete"]
    assert place.names_shown("ann") == {("annie", "Annie", "2")}


@pytest.mark.parametrize("kill", [kill_at, kill_after])
def test_killed_between_any_two_calls_the_next_run_completes(kill: Any) -> None:
    undisturbed = settled()
    undisturbed.rename(**NEW)
    calls = sum(undisturbed.table.calls.values())
    assert calls == 7

    for call in range(calls):
        place = settled()
        kill(place.table, call)
        with pytest.raises(Killed):
            place.rename(**NEW)
        live(place.table)

        assert place.rename(**NEW)["complete"]
        assert place.table.items == undisturbed.table.items, f"killed at call {call}"


@pytest.mark.parametrize("kill", [kill_at, kill_after])
def test_killed_anywhere_the_next_name_reaches_everybody_all_the_same(kill: Any) -> None:
    for call in range(7):
        place = settled()
        kill(place.table, call)
        with pytest.raises(Killed):
            place.rename(**NEW)
        live(place.table)

        place.rename(handle="nan", display_name="Nan")

        ((handle, name, _),) = place.names_shown("ann")
        assert (handle, name) == ("nan", "Nan")
        assert place.handles_of("ann") == ["nan"]


def test_the_conversations_of_an_older_name_may_follow_after_those_of_a_newer_one() -> None:
    place = settled()
    runtime = place.runtime()
    place.rename(**NEW)
    older = {schema.HANDLE: "annie", schema.DISPLAY_NAME: "Annie", schema.PROFILE_VERSION: 2}
    place.rename(handle="nan", display_name="Nan")

    followed = show_name(runtime.table, "ann", older, together=one_by_one)

    assert (followed.conversations, followed.complete) == (2, True)
    assert place.names_shown("ann") == {("nan", "Nan", "3")}


def test_two_renames_in_any_order_of_their_calls_end_with_the_newest_everywhere() -> None:
    places: list[Place] = []

    def scene() -> tuple[fakes.MessagesTable, tuple[Callable[[], object], ...]]:
        place = settled(1)
        places.append(place)
        return place.table, (lambda: place.rename(**NEW), lambda: place.rename(handle="nan", display_name="Nan"))

    endings = set()
    for order in every_interleaving(scene):
        ((handle, name, version),) = places[-1].names_shown("ann")
        assert places[-1].handles_of("ann") == [handle], order
        assert version == "3", order
        endings.add((handle, name))

    assert endings == {("annie", "Annie"), ("nan", "Nan")}
    assert len(places) > 200


@pytest.mark.parametrize(("creator", "other"), [("ann", "zoe"), ("zoe", "ann")])
def test_a_rename_that_races_with_a_new_conversation_is_seen_in_it(creator: str, other: str) -> None:
    places: list[Place] = []

    def scene() -> tuple[fakes.MessagesTable, tuple[Callable[[], object], ...]]:
        place = settled(0)
        places.append(place)
        return place.table, (lambda: place.rename(**NEW), lambda: place.open(creator, other))

    orders = list(every_interleaving(scene))

    for place, order in zip(places, orders, strict=True):
        assert place.names_shown("ann") == {("annie", "Annie", "2")}, order
        assert place.names_shown("zoe") == {("zoe", "Zoe", "1")}, order
        groups = [pk for pk, sk in place.table.items if sk == schema.META]
        assert len(groups) == 2 + 1, order
    assert len(set(orders)) == len(orders) > 10


def test_threads_do_what_one_by_one_does(rng: random.Random) -> None:
    place = settled(rng.randint(20, 40))

    answer = rename_user(place.runtime(), {schema.USER_UUID: "ann", **NEW})

    assert answer["complete"]
    assert place.names_shown("ann") == {("annie", "Annie", "2")}


def test_a_name_that_follows_still_is_marked_and_one_that_arrived_is_not() -> None:
    place = settled()
    profile = schema.user_key("ann"), schema.PROFILE
    place.remaining = 0.0
    assert not place.rename(**NEW)["complete"]
    assert schema.NAME_FOLLOWS in place.table.items[profile]
    older = dict(place.table.items[profile])

    place.rename(handle="nan")
    show_name(place.runtime().table, "ann", from_item(older), together=one_by_one)
    assert schema.NAME_FOLLOWS in place.table.items[profile], "the newer name follows, whatever the older one does"

    place.remaining = 60.0
    assert place.rename(handle="nan")["complete"]
    assert schema.NAME_FOLLOWS not in place.table.items[profile]
