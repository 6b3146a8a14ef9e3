from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ConnectTimeoutError

from switchboard.dynamo.budget import Budget
from switchboard.messages.previews import RESERVE_SECONDS, Arrival, Code, Outcome, PreviewUpdate, Stop
from switchboard.schema import messages as schema
from tests.fakes.conversations import NOW, message, new_group, shown, sort_key
from tests.fakes.executors import Inline
from tests.fakes.messages_table import TABLE, MessagesTable, client_error

if TYPE_CHECKING:
    from tests.fakes.expressions import Item


@dataclass
class Desk:
    """The table, the quarantine and the time of one test."""

    table: MessagesTable = field(default_factory=MessagesTable)
    kept: list[tuple[str, Code]] = field(default_factory=list)
    quarantine_fails: bool = False
    remaining: float = 60.0

    def keep(self, arrival: Arrival, code: Code, reason: str) -> bool:
        assert reason
        if not self.quarantine_fails:
            self.kept.append((arrival.position, code))
        return not self.quarantine_fails

    def arrive(self, *items: Item, now: float = NOW) -> Outcome:
        self.table.calls.clear()
        arrivals = [Arrival(str(position), item) for position, item in enumerate(items)]
        budget = Budget(
            remaining_seconds=lambda: self.remaining,
            sleep=lambda _: None,
            jitter=lambda: 0.5,
            reserve_seconds=RESERVE_SECONDS,
        )
        update = PreviewUpdate(
            arrivals,
            client=self.table,  # type: ignore[arg-type]  # the fake has the calls that are made, not all of them
            table=TABLE,
            executor=Inline(),
            keep=self.keep,
            now=now,
            budget=budget,
        )
        return update.run()

    def shown(self, group: str, member: str) -> tuple[str, str, str]:
        return shown(self.table.items[schema.user_key(member), schema.membership_sort_key(group)])


@pytest.fixture
def desk() -> Desk:
    desk = Desk()
    desk.table.put(*new_group("g", "ann", "bob"), *new_group("h", "ann", "cem", "dot"))
    return desk


def fail_update_of(desk: Desk, *keys: tuple[str, str], error: Exception, sort_key: str | None = None) -> None:
    def before(name: str, request: dict[str, Any]) -> None:
        if name != "update_item" or (request["Key"][schema.PK]["S"], request["Key"][schema.SK]["S"]) not in keys:
            return
        if sort_key is None or request["ExpressionAttributeValues"][":sk"] == {"S": sort_key}:
            raise error

    desk.table.before = before


def test_every_member_sees_the_newest_message_and_nothing_else_of_the_row_changes(desk: Desk) -> None:
    before = dict(desk.table.items["USER#bob", "GRP#g"])

    outcome = desk.arrive(message("g", 7, "bob", text="hello"))

    assert outcome == Outcome(stopped_at=None, updated=2, kept=0)
    assert desk.shown("g", "ann") == desk.shown("g", "bob") == (sort_key(7), "hello", "bob")
    after = desk.table.items["USER#bob", "GRP#g"]
    assert {name for name in after if after[name] != before.get(name)} == {
        schema.LAST_MESSAGE_SK,
        schema.LAST_MESSAGE,
        schema.LAST_SENDER_UUID,
    }


def test_a_burst_is_one_read_and_one_update_for_each_member(desk: Desk) -> None:
    desk.arrive(*(message("g", number) for number in range(1, 101)))

    assert desk.table.calls == {"batch_get_item": 1, "update_item": 2}
    assert desk.shown("g", "ann")[0] == sort_key(100)


def test_the_newest_is_the_one_sent_last_and_not_the_one_that_arrives_last(desk: Desk) -> None:
    desk.arrive(message("g", 5), message("g", 9), message("g", 7))

    assert desk.shown("g", "bob")[0] == sort_key(9)


def test_an_older_batch_that_comes_later_changes_nothing(desk: Desk) -> None:
    desk.arrive(message("g", 9))

    outcome = desk.arrive(message("g", 5))

    assert outcome == Outcome(stopped_at=None, updated=0, kept=0)
    assert desk.shown("g", "bob")[0] == sort_key(9)


def test_a_long_message_is_shown_by_its_beginning(desk: Desk) -> None:
    desk.arrive(message("g", 1, text="ü" * 1_024))

    assert desk.shown("g", "bob")[1] == "ü" * (schema.MAX_PREVIEW_BYTES // 2)


def test_a_member_without_a_membership_gets_none(desk: Desk) -> None:
    del desk.table.items["USER#bob", "GRP#g"]

    outcome = desk.arrive(message("g", 1))

    assert outcome.stopped_at is None
    assert ("USER#bob", "GRP#g") not in desk.table.items
    assert desk.shown("g", "ann")[0] == sort_key(1)


def test_an_expired_message_is_not_shown(desk: Desk) -> None:
    expired = message("g", 9, more={schema.EXPIRES_AT: {"N": str(int(NOW))}})
    alive = message("g", 8, more={schema.EXPIRES_AT: {"N": str(int(NOW) + 1)}})

    outcome = desk.arrive(alive, expired)

    assert outcome == Outcome(stopped_at=None, updated=2, kept=0)
    row = desk.table.items["USER#bob", "GRP#g"]
    assert row[schema.LAST_MESSAGE_SK] == {"S": sort_key(8)}
    assert row[schema.LAST_MESSAGE] == {"M": {"text": {"S": "message 8"}, "expires_at": {"N": str(int(NOW) + 1)}}}


def test_a_transient_fault_stops_at_the_first_message_of_its_group(desk: Desk) -> None:
    fail_update_of(desk, ("USER#bob", "GRP#g"), error=client_error("ThrottlingException"))

    outcome = desk.arrive(message("h", 1), message("g", 2), message("h", 3), message("g", 4))

    assert (outcome.stopped_at, outcome.why) == ("1", "ThrottlingException")
    assert {desk.shown("h", member)[0] for member in ("ann", "cem", "dot")} == {sort_key(3)}


def test_nothing_behind_a_fault_is_begun(desk: Desk) -> None:
    fail_update_of(desk, ("USER#ann", "GRP#g"), error=ConnectTimeoutError(endpoint_url="here"))

    outcome = desk.arrive(message("g", 1), message("h", 2))

    assert (outcome.stopped_at, outcome.why) == ("0", "ConnectTimeoutError")
    assert desk.table.calls["update_item"] == 1
    assert desk.shown("h", "cem")[0] == sort_key(0)


def test_a_fault_while_groups_are_read_stops_at_the_first_message(desk: Desk) -> None:
    desk.table.before = lambda _name, _request: raise_(client_error("InternalServerError"))

    outcome = desk.arrive(message("g", 1), message("h", 2))
    assert outcome == Outcome(stopped_at="0", updated=0, kept=0, why="InternalServerError")


def test_groups_left_unread_stop_at_the_first_message(desk: Desk) -> None:
    unread: dict[str, Any] = {"Responses": {}, "UnprocessedKeys": {TABLE: {"Keys": [{}]}}}
    desk.table.batch_get_item = lambda **_: unread  # type: ignore[method-assign]

    outcome = desk.arrive(message("g", 1), message("h", 2))
    assert outcome == Outcome(stopped_at="0", updated=0, kept=0, why=Stop.UNREAD)


def test_more_groups_than_one_request_reads(desk: Desk) -> None:
    for number in range(250):
        desk.table.put(*new_group(f"g{number}", "ann", "bob"))

    outcome = desk.arrive(*(message(f"g{number}", 1) for number in range(250)))

    assert outcome == Outcome(stopped_at=None, updated=500, kept=0)
    assert desk.table.calls == {"batch_get_item": 3, "update_item": 500}


def test_a_fault_in_a_later_page_keeps_what_stands_before_it(desk: Desk) -> None:
    for number in range(250):
        desk.table.put(*new_group(f"g{number}", "ann", "bob"))
    fail_update_of(desk, ("USER#bob", "GRP#g120"), error=client_error("ThrottlingException"))

    outcome = desk.arrive(*(message(f"g{number}", 1) for number in range(250)))

    assert outcome.stopped_at == "120"
    assert desk.table.calls["batch_get_item"] == 2


def test_with_little_time_left_nothing_is_begun(desk: Desk) -> None:
    desk.remaining = RESERVE_SECONDS - 0.1

    outcome = desk.arrive(message("g", 1))
    assert outcome == Outcome(stopped_at="0", updated=0, kept=0, why=Stop.OUT_OF_TIME)
    assert not desk.table.calls


def test_with_little_time_left_nothing_is_kept_either(desk: Desk) -> None:
    desk.remaining = RESERVE_SECONDS - 0.1

    assert desk.arrive({}).stopped_at == "0"
    assert not desk.kept


def test_time_that_runs_out_stops_at_the_first_group_not_settled(desk: Desk) -> None:
    def pass_time(name: str, request: dict[str, Any]) -> None:
        if name == "update_item" and request["Key"][schema.SK] == {"S": "GRP#h"}:
            desk.remaining = RESERVE_SECONDS - 0.1

    desk.table.after = pass_time

    outcome = desk.arrive(message("g", 1), message("h", 2), message("g", 3))

    assert outcome == Outcome(stopped_at="1", updated=3, kept=0, why=Stop.OUT_OF_TIME)


MALFORMED: dict[str, dict[str, Any]] = {
    "no text": {schema.MESSAGE: {"NULL": True}},
    "text of another type": {schema.MESSAGE: {"N": "1"}},
    "half a surrogate pair": {schema.MESSAGE: {"S": "\ud800"}},
    "no sender": {schema.USER_UUID: {"S": ""}},
    "a sort key above all others": {schema.SK: {"S": "zzz"}},
    "a sort key with more behind it": {schema.SK: {"S": sort_key(9) + "\n"}},
    "a group id of 129 bytes": {schema.PK: {"S": schema.messages_key("x" * 129)}},
    "no group id": {schema.PK: {"S": schema.MESSAGE_PREFIX}},
    "another partition": {schema.PK: {"S": "USER#ann"}},
    "a lifetime in words": {schema.EXPIRES_AT: {"N": "soon"}},
}


@pytest.mark.parametrize("wrong", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_message_is_kept_and_holds_nobody_up(desk: Desk, wrong: dict[str, Any]) -> None:
    outcome = desk.arrive(message("g", 1), {**message("g", 9), **wrong}, message("g", 2))

    assert outcome == Outcome(stopped_at=None, updated=2, kept=1)
    assert desk.kept == [("1", Code.MALFORMED_MESSAGE)]
    assert desk.shown("g", "bob")[0] == sort_key(2)


def test_a_message_without_an_image_is_kept(desk: Desk) -> None:
    desk.arrive({})

    assert desk.kept == [("0", Code.MALFORMED_MESSAGE)]


def test_messages_without_their_group_are_all_kept(desk: Desk) -> None:
    outcome = desk.arrive(message("ghost", 1), message("g", 2), message("ghost", 3))

    assert outcome == Outcome(stopped_at=None, updated=2, kept=2)
    assert desk.kept == [("0", Code.GROUP_MISSING), ("2", Code.GROUP_MISSING)]


@pytest.mark.parametrize("members", [{"S": "ann"}, {"SS": []}, {"SS": [""]}, {"SS": [f"{n}" for n in range(99)]}])
def test_messages_of_a_malformed_group_are_kept(desk: Desk, members: dict[str, Any]) -> None:
    desk.table.items["GROUP#g", "META"][schema.MEMBERS] = members

    assert desk.arrive(message("g", 1)) == Outcome(stopped_at=None, updated=0, kept=1)
    assert desk.kept == [("0", Code.MALFORMED_GROUP)]


def test_a_refused_message_is_kept_and_the_next_older_one_shown(desk: Desk) -> None:
    fail_update_of(
        desk, ("USER#ann", "GRP#g"), ("USER#bob", "GRP#g"),
        error=client_error("ValidationException"), sort_key=sort_key(9),
    )  # fmt: skip

    outcome = desk.arrive(message("g", 7), message("g", 9), message("g", 8))

    assert outcome == Outcome(stopped_at=None, updated=2, kept=1)
    assert desk.kept == [("1", Code.REFUSED)]
    assert desk.shown("g", "ann") == desk.shown("g", "bob") == (sort_key(8), "message 8", "ann")


def test_a_row_that_can_never_be_updated_does_not_keep_the_news_from_the_others(desk: Desk) -> None:
    fail_update_of(desk, ("USER#bob", "GRP#g"), error=client_error("ValidationException"))

    outcome = desk.arrive(message("g", 7), message("g", 8))

    assert outcome == Outcome(stopped_at=None, updated=1, kept=2)
    assert desk.shown("g", "ann")[0] == sort_key(8)


@pytest.mark.parametrize("item", [{}, message("ghost", 1)], ids=["malformed", "without its group"])
def test_where_the_quarantine_fails_its_message_is_the_stopping_point(desk: Desk, item: Item) -> None:
    desk.quarantine_fails = True

    outcome = desk.arrive(message("g", 1), item, message("h", 2))

    assert (outcome.stopped_at, outcome.why) == ("1", Stop.NOT_KEPT)
    assert desk.shown("g", "bob")[0] == sort_key(1)


def test_where_a_refused_message_cannot_be_kept_its_group_is_the_stopping_point(desk: Desk) -> None:
    desk.quarantine_fails = True
    fail_update_of(desk, ("USER#bob", "GRP#g"), error=client_error("ValidationException"))

    assert desk.arrive(message("h", 1), message("g", 2), message("g", 3)).stopped_at == "1"


@pytest.mark.parametrize(("messages", "units"), [(1, 7), (100, 106)])
def test_what_messages_of_two_people_cost(desk: Desk, messages: int, units: int) -> None:
    desk.table.write_units = 0
    items = [message("g", number) for number in range(1, messages + 1)]

    desk.table.put(*items)
    desk.arrive(*items)

    assert desk.table.write_units == units


def raise_(error: Exception) -> None:
    raise error
