from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.messages import keys
from switchboard.messages.table import ATTEMPTS
from switchboard.schema import messages as schema
from tests.fakes.interleaving import every_interleaving
from tests.fakes.messages_table import MessagesTable, client_error
from tests.fakes.mishaps import Killed, kill_after, kill_at, live
from tests.fakes.openings import FIVE, PAIR, assert_whole, groups, introduced, stored
from tests.fakes.talks import ANN, BEN, Talk

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize("who", [PAIR, FIVE], ids=["pair", "five"])
@pytest.mark.parametrize("kill", [kill_at, kill_after])
def test_killed_between_any_two_calls_the_next_run_completes(
    who: dict[str, Any], kill: Callable[[MessagesTable, int], None]
) -> None:
    survived = 0
    for call in range(20):
        table, talk = introduced()
        request = {**who, "message": "Hello!", "message_uuid": talk.new_uuid()}
        kill(table, call)
        try:
            talk.do("create_message_group", ANN, **request)
            survived += 1
        except Killed:
            pass
        live(table)

        group = talk.do("create_message_group", ANN, **request)["group_uuid"]

        assert groups(table) == [group]
        assert_whole(table, group)
        assert len(talk.do("list_messages", BEN, group_uuid=group)["messages"]) == 1
        if survived:
            break
    assert call >= 2, "the request makes two calls at least"
    assert survived


def test_two_who_begin_at_once_get_one_conversation_with_both_messages() -> None:
    at: dict[str, Any] = {}

    def scene() -> tuple[MessagesTable, list[Callable[[], object]]]:
        table, talk = introduced()
        at.update(table=table, talk=talk, answers=[])

        def begin(one: str, other: str) -> None:
            request = {"other_user_uuid": other, "message": f"from {one}"}
            at["answers"].append(talk.do("create_message_group", one, **request))

        return table, [partial(begin, ANN, BEN), partial(begin, BEN, ANN)]

    makers = set()
    orders = 0
    for _ in every_interleaving(scene):
        orders += 1
        (group,) = groups(at["table"])
        assert {answer["group_uuid"] for answer in at["answers"]} == {group}
        assert sorted(answer["created"] for answer in at["answers"]) == [False, True]
        assert_whole(at["table"], group)
        shown = at["talk"].do("list_messages", ANN, group_uuid=group)["messages"]
        assert {message["message"] for message in shown} == {f"from {ANN}", f"from {BEN}"}
        makers.add(stored(at["table"], keys.group_key(group))[schema.CREATED_BY])
    assert orders >= 20, "each request makes at least three calls in some order"
    assert makers == {ANN, BEN}, "the orders let each of the two come first"


@pytest.mark.parametrize("who", [PAIR, FIVE], ids=["pair", "five"])
def test_one_request_sent_twice_at_once_makes_one_group_with_one_message(who: dict[str, Any]) -> None:
    at: dict[str, Any] = {}

    def scene() -> tuple[MessagesTable, list[Callable[[], object]]]:
        table, talk = introduced()
        request = {**who, "message": "Hello!", "message_uuid": talk.new_uuid()}
        at.update(table=table, talk=talk, answers=[])
        return table, [lambda: at["answers"].append(talk.do("create_message_group", ANN, **request))] * 2

    for _ in every_interleaving(scene):
        (group,) = groups(at["table"])
        assert {answer["group_uuid"] for answer in at["answers"]} == {group}
        assert_whole(at["table"], group)
        assert len(at["talk"].do("list_messages", BEN, group_uuid=group)["messages"]) == 1


def test_a_rename_that_races_with_a_new_conversation_is_shown_in_it() -> None:
    at: dict[str, Any] = {}

    def scene() -> tuple[MessagesTable, list[Callable[[], object]]]:
        table, talk = introduced()
        at.update(table=table, transactions=table.calls["transact_write_items"])
        return table, [
            lambda: talk.do("create_message_group", ANN, **PAIR, message="Hi"),
            lambda: talk.do("rename_user", BEN, display_name="Benjamin", handle="benjamin"),
        ]

    collided = 0
    for _ in every_interleaving(scene):
        (group,) = groups(at["table"])
        membership = stored(at["table"], keys.membership_key(ANN, group))
        shown = membership[schema.OTHER_DISPLAY_NAME], membership[schema.OTHER_HANDLE]
        assert shown == ("Benjamin", "benjamin")
        collided += at["table"].calls["transact_write_items"] - at["transactions"] > 2
    assert collided, "some order lets the rename come between reading the name and showing it"


def test_a_name_that_keeps_changing_is_tried_a_bounded_number_of_times(table: MessagesTable, talk: Talk) -> None:
    talk.introduce(ANN, BEN)

    def rename(name: str, _request: dict[str, Any]) -> None:
        if name == "transact_write_items":
            profile = table.items[keys.profile_key(BEN)]
            profile[schema.PROFILE_VERSION] = {"N": str(int(profile[schema.PROFILE_VERSION]["N"]) + 1)}

    table.before = rename

    assert talk.refused("create_message_group", ANN, **PAIR, message="Hi") == "throttled"
    assert table.calls["transact_write_items"] == 2 + ATTEMPTS
    assert len(talk.pauses) == ATTEMPTS - 1
    assert groups(table) == []


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_meets_others_is_begun_again(table: MessagesTable, talk: Talk, reason: str) -> None:
    talk.introduce(ANN, BEN)
    meetings = iter([reason, reason])

    def meet(name: str, request: dict[str, Any]) -> None:
        if name == "transact_write_items" and (code := next(meetings, None)):
            reasons = [{"Code": code}, *({"Code": "None"} for _ in request["TransactItems"][1:])]
            raise client_error("TransactionCanceledException", CancellationReasons=reasons)

    table.before = meet

    assert talk.do("create_message_group", ANN, **PAIR, message="Hi")["created"] is True
    assert len(talk.pauses) == 2


def test_no_time_for_another_try_is_said(table: MessagesTable, talk: Talk) -> None:
    talk.introduce(ANN, BEN)
    talk.seconds_left = 1.0
    conflict = client_error("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}] * 7)

    def meet(name: str, _request: dict[str, Any]) -> None:
        if name == "transact_write_items":
            raise conflict

    table.before = meet

    assert talk.refused("create_message_group", ANN, **PAIR, message="Hi") == "throttled"
    assert talk.pauses == []


def test_a_reason_that_no_retry_mends_is_reported(table: MessagesTable, talk: Talk) -> None:
    talk.introduce(ANN, BEN)
    fault = client_error("TransactionCanceledException", CancellationReasons=[{"Code": "ValidationError"}] * 7)

    def refuse(name: str, _request: dict[str, Any]) -> None:
        if name == "transact_write_items":
            raise fault

    table.before = refuse

    assert talk.refused("create_message_group", ANN, **PAIR, message="Hi") == "internal"
    assert talk.reported == [fault]
