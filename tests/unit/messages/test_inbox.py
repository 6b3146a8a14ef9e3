from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.ids import compose_uuid7
from switchboard.messages import keys
from switchboard.messages.cursors import CursorScope
from switchboard.messages.reconcile import reconcile_group
from switchboard.messages.sending import message_item
from switchboard.messages.sort_keys import milliseconds, sort_key
from switchboard.messages.table import item
from switchboard.schema import messages as schema
from tests.fakes.messages_table import MessagesTable
from tests.fakes.talks import ANN, BEN, CAT, START, Talk

if TYPE_CHECKING:
    import random

KEY = sort_key(compose_uuid7(5, 5))
BOTH = pytest.mark.parametrize("consistent", [False, True], ids=["index", "consistent"])


def groups(answer: dict[str, Any]) -> list[str]:
    return [group["group_uuid"] for group in answer["message_groups"]]


def join(table: MessagesTable, number: int, newest_ms: int, sender: str = BEN) -> str:
    """A membership of Ann's whose newest message was sent then, and never read; its group."""
    group = f"{number:08x}-0000-8000-8000-000000000000"
    attributes = {
        schema.GROUP_UUID: group,
        schema.KIND: schema.GROUP,
        schema.TITLE: f"group {number}",
        schema.LAST_MESSAGE_SK: sort_key(compose_uuid7(milliseconds(START) + newest_ms, number)),
        schema.LAST_MESSAGE: "hi",
        schema.LAST_SENDER_UUID: sender,
        schema.INBOX_USER: ANN,
    }
    table.put(item(keys.membership_key(ANN, group), attributes))
    return group


@BOTH
def test_a_group_is_shown_with_its_newest_message_and_the_other_person(talk: Talk, *, consistent: bool) -> None:
    group = talk.pair(ANN, BEN, "Hello!")

    (shown,) = talk.do("list_message_groups", BEN, consistent=consistent)["message_groups"]

    assert shown == {
        "group_uuid": group,
        "kind": "dm",
        "other_user_uuid": ANN,
        "other_display_name": "Ann",
        "other_handle": "ann",
        "last_message": "Hello!",
        "last_message_at": "2026-11-21T12:00:00.000Z",
        "unread": True,
    }


def test_unread_means_a_newer_message_of_somebody_else(talk: Talk) -> None:
    group = talk.pair(ANN, BEN)

    def unread(user: str) -> bool:
        (shown,) = talk.do("list_message_groups", user)["message_groups"]
        return bool(shown["unread"])

    assert (unread(ANN), unread(BEN)) == (False, True)
    talk.do("mark_read", BEN, group_uuid=group)
    assert (unread(ANN), unread(BEN)) == (False, False)


@pytest.mark.parametrize(("sender", "unread"), [(ANN, False), (BEN, True)])
def test_one_s_own_message_is_never_unread(table: MessagesTable, talk: Talk, sender: str, *, unread: bool) -> None:
    join(table, 1, 1, sender)

    (shown,) = talk.do("list_message_groups", ANN)["message_groups"]

    assert shown["unread"] is unread


@BOTH
@settings(max_examples=30)
@given(st.lists(st.integers(0, 5), max_size=30), st.randoms(use_true_random=False))
def test_pages_hold_every_group_once_most_recent_first(
    consistent: bool,
    newest: list[int],
    rng: random.Random,
) -> None:
    table = MessagesTable()
    talk = Talk(table)
    joined = [(newest_ms, number, join(table, number, newest_ms)) for number, newest_ms in enumerate(newest)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        limit = rng.randint(1, 5)
        page = talk.do("list_message_groups", ANN, limit=limit, consistent=consistent, **cursor)
        found += groups(page)
        if "cursor" not in page:
            break
        assert len(groups(page)) == limit
        cursor = {"cursor": page["cursor"]}

    assert found == [group for _, _, group in sorted(joined, reverse=True)]


def test_a_cursor_serves_both_ways_of_reading(table: MessagesTable, talk: Talk) -> None:
    joined = [join(table, number, number) for number in range(4)]

    first = talk.do("list_message_groups", ANN, limit=2, consistent=True)
    second = talk.do("list_message_groups", ANN, limit=2, cursor=first["cursor"])

    assert groups(first) + groups(second) == joined[::-1]


@BOTH
def test_a_group_that_moves_up_between_two_pages_leaves_the_rest_complete(
    table: MessagesTable, talk: Talk, *, consistent: bool
) -> None:
    joined = [join(table, number, number) for number in range(5)]

    first = talk.do("list_message_groups", ANN, limit=2, consistent=consistent)
    join(table, 3, 99)
    second = talk.do("list_message_groups", ANN, consistent=consistent, cursor=first["cursor"])

    assert groups(first) + groups(second) == joined[::-1]


@BOTH
def test_the_text_of_a_message_past_its_ttl_is_not_shown(table: MessagesTable, talk: Talk, *, consistent: bool) -> None:
    group = talk.pair(ANN, BEN, "Hello!")
    expires_at = int(START.timestamp()) + 60
    secret = {**message_item(group, talk.new_uuid(1), ANN, "secret"), schema.EXPIRES_AT: {"N": str(expires_at)}}
    table.put(secret)
    reconcile_group(talk.runtime.table, group, now=START.timestamp())

    def texts() -> list[str | None]:
        found = talk.do("list_message_groups", BEN, consistent=consistent)["message_groups"]
        return [each.get("last_message") for each in found]

    talk.later(seconds=59)
    assert texts() == ["secret"]
    talk.later(seconds=1)
    assert texts() == [None]
    assert talk.do("mark_read", BEN, group_uuid=group) == {"last_read_uuid": secret[schema.MESSAGE_UUID]["S"]}
    assert [each["unread"] for each in talk.do("list_message_groups", BEN)["message_groups"]] == [False]
    reconcile_group(talk.runtime.table, group, now=talk.now.timestamp())
    assert texts() == ["Hello!"]


def test_somebody_without_groups_has_an_empty_list(talk: Talk) -> None:
    talk.pair()
    talk.introduce(CAT)

    assert talk.do("list_message_groups", CAT) == {"message_groups": []}


def test_a_cursor_does_not_cross_users(table: MessagesTable, talk: Talk) -> None:
    for number in range(2):
        join(table, number, number)
    cursor = talk.do("list_message_groups", ANN, limit=1)["cursor"]

    assert talk.refused("list_message_groups", BEN, cursor=cursor) == "invalid"


@pytest.mark.parametrize("keys_", [("x", "99999999-0000-8000-8000-000000000000"), (KEY, "x"), (KEY,), (KEY, KEY)])
def test_a_cursor_holds_a_place_in_the_list(talk: Talk, keys_: tuple[str, ...]) -> None:
    cursor = CursorScope(ANN, "list_message_groups").write(*keys_)

    assert talk.refused("list_message_groups", ANN, cursor=cursor) == "invalid"
