from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.ids import compose_uuid7
from switchboard.messages import keys
from switchboard.messages.sending import message_item
from switchboard.messages.sort_keys import sort_key
from switchboard.schema import messages as schema
from tests.fakes.messages_table import MessagesTable
from tests.fakes.talks import ANN, BEN, CAT, Talk
from tests.fakes.turns import take_turns

if TYPE_CHECKING:
    import random


def say(talk: Talk, group: str, user: str, count: int = 1) -> list[str]:
    """Messages, a second apart; their ids."""
    said = []
    for _ in range(count):
        talk.later(seconds=1)
        said.append(str(talk.do("create_message", user, group_uuid=group, message="hm")["message_uuid"]))
    return said


def test_the_marker_moves_to_a_message_or_to_the_newest(talk: Talk) -> None:
    group = talk.pair(ANN, BEN)
    first, second, third = say(talk, group, ANN, 3)

    assert talk.do("mark_read", BEN, group_uuid=group, message_uuid=first) == {"last_read_uuid": first}
    assert talk.do("unread_count", BEN, group_uuid=group) == {"unread": 2, "more": False}
    assert talk.do("mark_read", BEN, group_uuid=group, message_uuid=second) == {"last_read_uuid": second}
    assert talk.do("mark_read", BEN, group_uuid=group) == {"last_read_uuid": third}
    assert talk.do("unread_count", BEN, group_uuid=group) == {"unread": 0, "more": False}


@settings(max_examples=30)
@given(st.permutations(range(5)))
def test_the_marker_never_moves_back(order: list[int]) -> None:
    talk = Talk(MessagesTable())
    group = talk.pair(ANN, BEN)
    said = say(talk, group, ANN, 5)

    for done, number in enumerate(order, start=1):
        answer = talk.do("mark_read", BEN, group_uuid=group, message_uuid=said[number])
        assert answer == {"last_read_uuid": said[max(order[:done])]}


def test_two_who_mark_at_once_leave_the_newest(rng: random.Random) -> None:
    for _ in range(30):
        table = MessagesTable()
        talk = Talk(table, rng=rng)
        group = talk.pair(ANN, BEN)
        said = say(talk, group, ANN, 2)

        answers = take_turns(
            table,
            [
                lambda number=number: talk.do("mark_read", BEN, group_uuid=group, message_uuid=said[number])  # type: ignore[misc]  # noqa: B023
                for number in range(2)
            ],
            rng,
        )

        assert answers[1] == {"last_read_uuid": said[1]}
        assert talk.do("mark_read", BEN, group_uuid=group, message_uuid=said[0]) == {"last_read_uuid": said[1]}


def test_a_marker_overtaken_meanwhile_is_answered_where_it_stands(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair(ANN, BEN)
    first, second = say(talk, group, ANN, 2)

    def overtake(name: str, _request: dict[str, Any]) -> None:
        if name == "update_item":
            membership = table.items[keys.membership_key(BEN, group)]
            membership[schema.LAST_READ_SK] = {"S": sort_key(second)}

    table.before = overtake

    assert talk.do("mark_read", BEN, group_uuid=group, message_uuid=first) == {"last_read_uuid": second}


def test_a_marker_that_stands_costs_no_write(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair(ANN, BEN)
    talk.do("mark_read", BEN, group_uuid=group)
    units = table.write_units

    talk.do("mark_read", BEN, group_uuid=group)

    assert table.write_units == units


def test_the_newest_is_not_ahead_of_the_clock(talk: Talk) -> None:
    group = talk.pair(ANN, BEN)
    (now,) = say(talk, group, ANN)
    ahead = talk.new_uuid(ahead_ms=900)
    talk.do("create_message", ANN, group_uuid=group, message="soon", message_uuid=ahead)

    assert talk.do("mark_read", BEN, group_uuid=group) == {"last_read_uuid": now}
    assert talk.do("mark_read", BEN, group_uuid=group, message_uuid=ahead) == {"last_read_uuid": ahead}


def test_what_is_gone_is_not_unread_for_ever(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair(ANN, BEN)
    (gone,) = [key for key in table.items if key[0] == schema.messages_key(group)]
    del table.items[gone]

    assert talk.do("mark_read", BEN, group_uuid=group) == {"last_read_uuid": gone[1].partition("#")[2]}
    assert [each["unread"] for each in talk.do("list_message_groups", BEN)["message_groups"]] == [False]


def test_what_the_list_shows_is_marked_only_once_it_is_not_ahead_of_the_clock(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair(ANN, BEN)
    for key in [key for key in table.items if key[0] == schema.messages_key(group)]:
        del table.items[key]
    talk.now -= timedelta(milliseconds=1)

    assert talk.do("mark_read", BEN, group_uuid=group) == {"last_read_uuid": None}


def test_a_message_of_another_group_cannot_be_marked(talk: Talk) -> None:
    group = talk.pair(ANN, BEN)
    (elsewhere,) = say(talk, talk.pair(ANN, CAT), ANN)

    assert talk.refused("mark_read", BEN, group_uuid=group, message_uuid=elsewhere) == "not_found"


def test_one_s_own_messages_are_not_unread(talk: Talk) -> None:
    group = talk.pair(ANN, BEN)
    say(talk, group, BEN, 3)
    say(talk, group, ANN, 2)

    assert talk.do("unread_count", BEN, group_uuid=group) == {"unread": 3, "more": False}
    assert talk.do("unread_count", ANN, group_uuid=group) == {"unread": 3, "more": False}


@pytest.mark.parametrize(("others", "unread", "more"), [(98, 99, False), (99, 99, True), (250, 99, True)])
def test_the_count_ends_at_99(table: MessagesTable, talk: Talk, others: int, unread: int, *, more: bool) -> None:
    group = talk.pair(ANN, BEN)
    now = talk.runtime.now()
    for number in range(others * 2):
        table.put(message_item(group, compose_uuid7(now + 1, number), (BEN, ANN)[number % 2], "x"))
    talk.later(seconds=1)

    assert talk.do("unread_count", BEN, group_uuid=group) == {"unread": unread, "more": more}


@pytest.mark.parametrize("operation", ["mark_read", "unread_count"])
def test_only_members_have_a_marker(table: MessagesTable, talk: Talk, operation: str) -> None:
    group = talk.pair(ANN, BEN)
    talk.introduce(CAT)
    written = dict(table.items)

    assert talk.refused(operation, CAT, group_uuid=group) == "not_a_member"
    assert table.items == written
