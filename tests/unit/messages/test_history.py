from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from switchboard.ids import compose_uuid7
from switchboard.messages.errors import ErrorCode, Refused
from switchboard.messages.history import PastMessage, Written, ensure_person, write_history
from switchboard.messages.reconcile import reconcile_group
from tests.fakes.messages_table import MessagesTable
from tests.fakes.mishaps import Killed, kill_at, live
from tests.fakes.talks import ANN, BEN, CAT, START, Talk

if TYPE_CHECKING:
    import random

    from switchboard.messages.table import MessagesTable as Table

YEAR_AGO = int(START.timestamp() * 1_000) - 365 * 86_400_000


def past(count: int = 5, *, one: str = ANN, other: str = BEN) -> list[PastMessage]:
    """A conversation of a year ago, a message each second."""
    return [
        PastMessage(compose_uuid7(YEAR_AGO + 1_000 * number, number), (one, other)[number % 2], f"text {number}")
        for number in range(count)
    ]


def read(talk: Talk, group_uuid: str, user: str = BEN) -> list[tuple[str, str]]:
    page = talk.do("list_messages", user, group_uuid=group_uuid, limit=100)
    return [(message["user_uuid"], message["message"]) for message in page["messages"]]


@pytest.fixture
def direct(talk: Talk) -> Table:
    return talk.runtime.table


def test_a_past_conversation_reads_as_if_it_had_been_held(talk: Talk, direct: Table) -> None:
    talk.introduce(ANN, BEN)
    steps: list[int] = []
    written = write_history(direct, (ANN, BEN), past(), advanced=steps.append)
    assert written.new == sum(steps) == 5
    assert read(talk, written.group_uuid) == [(each.sender_uuid, each.text) for each in past()]
    assert reconcile_group(direct, written.group_uuid, now=START.timestamp()).changed == 2
    (listed,) = talk.do("list_message_groups", BEN)["message_groups"]
    assert (listed["other_handle"], listed["last_message"], listed["unread"]) == ("ann", "text 4", True)


def test_a_second_time_writes_nothing(table: MessagesTable, talk: Talk, direct: Table) -> None:
    talk.introduce(ANN, BEN)
    first = write_history(direct, (ANN, BEN), past())
    cost, stream = table.write_units, len(table.stream)
    assert write_history(direct, (BEN, ANN), past()) == Written(first.group_uuid, 0)
    assert (table.write_units, len(table.stream)) == (cost, stream)


def test_it_joins_the_conversation_that_the_two_have(talk: Talk, direct: Table) -> None:
    group_uuid = talk.pair()
    assert write_history(direct, (ANN, BEN), past()) == Written(group_uuid, 5)
    assert read(talk, group_uuid) == [(each.sender_uuid, each.text) for each in past()] + [(ANN, "hello")]


def test_killed_anywhere_and_run_again_it_is_whole(rng: random.Random) -> None:
    table, number, killed = MessagesTable(), 0, True
    while killed:
        table = MessagesTable()
        talk = Talk(table, rng=rng)
        talk.introduce(ANN, BEN)
        kill_at(table, number)
        try:
            write_history(talk.runtime.table, (ANN, BEN), past())
            killed = False
        except Killed:
            number += 1
        live(table)
        group_uuid = write_history(talk.runtime.table, (ANN, BEN), past()).group_uuid
        assert read(talk, group_uuid) == [(each.sender_uuid, each.text) for each in past()]
    assert number > 5


def test_the_same_lines_of_one_person_and_two_others_are_two_conversations(talk: Talk, direct: Table) -> None:
    talk.introduce(ANN, BEN, CAT)
    with_ben = write_history(direct, (ANN, BEN), past())
    moved = [PastMessage(compose_uuid7(YEAR_AGO, 99), ANN, "text 0"), *past(other=CAT)[1:]]
    assert write_history(direct, (ANN, CAT), moved).group_uuid != with_ben.group_uuid


def test_nobody_without_a_profile_takes_part(table: MessagesTable, talk: Talk, direct: Table) -> None:
    talk.introduce(ANN)
    before = len(table.stream)
    with pytest.raises(Refused) as refused:
        write_history(direct, (ANN, BEN), past())
    assert refused.value.code is ErrorCode.NOT_FOUND
    assert len(table.stream) == before


def test_a_person_is_made_once_and_found_again_under_any_handle(talk: Talk, direct: Table) -> None:
    user, is_new = ensure_person(direct, "mara", "Mara")
    assert is_new
    assert ensure_person(direct, "mara", "Somebody else") == (user, False)
    assert talk.do("get_user", user)["display_name"] == "Mara"
    talk.do("rename_user", user, handle="mara2")
    assert ensure_person(direct, "mara", "Mara") == (user, False)
    assert talk.do("get_user", user)["handle"] == "mara2"


def test_somebody_who_has_the_handle_takes_part(talk: Talk, direct: Table) -> None:
    talk.introduce(ANN)
    assert ensure_person(direct, "ann", "Another Ann") == (ANN, False)
