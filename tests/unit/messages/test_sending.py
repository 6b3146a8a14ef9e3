from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from switchboard.messages.table import ATTEMPTS
from tests.fakes.messages_table import client_error
from tests.fakes.mishaps import Killed, kill_after, kill_at, live
from tests.fakes.talks import ANN, BEN, CAT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.messages_table import MessagesTable
    from tests.fakes.talks import Talk


def texts(talk: Talk, group: str) -> list[str]:
    return [message["message"] for message in talk.do("list_messages", ANN, group_uuid=group)["messages"]]


def test_a_message_is_stored_once_however_often_it_is_sent(talk: Talk) -> None:
    group = talk.pair(text="first")
    request = {"group_uuid": group, "message": "second", "message_uuid": talk.new_uuid()}
    first = talk.do("create_message", BEN, **request)

    talk.later(hours=3)

    assert talk.do("create_message", BEN, **request) == first
    assert first == {"message_uuid": request["message_uuid"], "created_at": "2026-11-21T12:00:00.000Z"}
    assert texts(talk, group) == ["first", "second"]


@pytest.mark.parametrize("minutes", [0, 3], ids=["in time", "late"])
@pytest.mark.parametrize(("sender", "text"), [(BEN, "other"), (ANN, "second")])
def test_another_text_or_sender_under_the_same_id_is_a_conflict(
    talk: Talk, sender: str, text: str, minutes: int
) -> None:
    group = talk.pair(text="first")
    message_uuid = talk.do("create_message", BEN, group_uuid=group, message="second")["message_uuid"]
    talk.later(minutes=minutes)

    code = talk.refused("create_message", sender, group_uuid=group, message=text, message_uuid=message_uuid)

    assert code == "conflict"
    assert texts(talk, group) == ["first", "second"]


@pytest.mark.parametrize(("ahead_ms", "stored"), [(-120_001, False), (-120_000, True), (1_000, True), (1_001, False)])
def test_a_new_message_is_of_the_present(talk: Talk, ahead_ms: int, *, stored: bool) -> None:
    group = talk.pair()

    answer = talk.ask("create_message", BEN, group_uuid=group, message="x", message_uuid=talk.new_uuid(ahead_ms))

    assert ("error" not in answer) is stored
    if not stored:
        (field,) = answer["error"]["fields"]
        assert (answer["error"]["code"], field["path"], field["code"]) == ("invalid", "/message_uuid", "range")


def test_two_messages_of_the_same_millisecond_are_both_stored_in_a_stable_order(talk: Talk) -> None:
    group = talk.pair(text="0")

    for number in range(1, 20):
        talk.do("create_message", (ANN, BEN)[number % 2], group_uuid=group, message=str(number))

    assert texts(talk, group) == [str(number) for number in range(20)]


@pytest.mark.parametrize("who", [CAT, BEN], ids=["stranger", "unknown group"])
def test_only_members_write(table: MessagesTable, talk: Talk, who: str) -> None:
    group = talk.pair()
    talk.introduce(CAT)
    written, units = dict(table.items), table.write_units
    target = group if who == CAT else "99999999-0000-4000-8000-000000000000"

    assert talk.refused("create_message", who, group_uuid=target, message="x") == "not_a_member"
    assert (table.items, table.write_units) == (written, units)


def test_a_stranger_learns_nothing_of_a_group_that_there_is(talk: Talk) -> None:
    group = talk.pair()
    talk.introduce(CAT)

    answers = [
        talk.ask("create_message", CAT, group_uuid=target, message="x")
        for target in (group, "99999999-0000-4000-8000-000000000000")
    ]

    assert answers[0] == answers[1]


@pytest.mark.parametrize("kill", [kill_at, kill_after])
@pytest.mark.parametrize("call", range(2))
def test_killed_between_any_two_calls_the_next_run_completes(
    table: MessagesTable, talk: Talk, kill: Callable[[MessagesTable, int], None], call: int
) -> None:
    group = talk.pair(text="first")
    request = {"group_uuid": group, "message": "second", "message_uuid": talk.new_uuid()}
    kill(table, call)
    with pytest.raises(Killed):
        talk.do("create_message", BEN, **request)
    live(table)

    talk.do("create_message", BEN, **request)

    assert texts(talk, group) == ["first", "second"]


def colliding(table: MessagesTable, times: int) -> None:
    collisions = iter(range(times))

    def collide(name: str, _request: dict[str, Any]) -> None:
        if name == "put_item" and next(collisions, None) is not None:
            raise client_error("TransactionConflictException")

    table.before = collide


def test_a_write_that_meets_a_transaction_is_tried_again(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair(text="first")
    colliding(table, times=2)

    talk.do("create_message", BEN, group_uuid=group, message="second")

    assert len(talk.pauses) == 2
    assert texts(talk, group) == ["first", "second"]


def test_a_write_that_keeps_meeting_transactions_is_refused_for_now(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair(text="first")
    colliding(table, times=100)

    assert talk.refused("create_message", BEN, group_uuid=group, message="second") == "throttled"
    assert table.calls["put_item"] == ATTEMPTS


@pytest.mark.parametrize(
    "text",
    [
        "e\u0301e\u0301",
        "\u05e9\u05dc\u05d5\u05dd \u202e\u05e2\u05d5\u05dc\u05dd",
        "👨\u200d👩\u200d👧" * 100,
        "😀" * 1_024,
        " ",
        "line\nline",
        "\ufeff",
    ],
    ids=["combining", "right to left", "joined", "4,096 bytes", "space", "lines", "byte order mark"],
)
def test_text_is_stored_as_given(talk: Talk, text: str) -> None:
    group = talk.pair(text=text)

    talk.do("create_message", BEN, group_uuid=group, message=text)

    assert texts(talk, group) == [text, text]
