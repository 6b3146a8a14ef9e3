from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.contracts import MESSAGES_ANSWER, MESSAGES_REQUEST, contract
from switchboard.dynamo.values import to_attribute
from switchboard.ids import compose_uuid7
from switchboard.messages.sending import message_item
from switchboard.messages.sort_keys import milliseconds
from switchboard.messages.table import FOLLOWING_PAGE
from switchboard.schema import messages as schema
from tests.fakes.messages_table import MessagesTable
from tests.fakes.talks import ANN, BEN, CAT, START, Talk

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

NEW_YEAR = datetime.fromisoformat("2027-01-01T00:00:00+00:00")
WHENEVER = st.integers(-3, 3).map(lambda ms: NEW_YEAR + timedelta(milliseconds=ms))


def write(
    talk: Talk, table: MessagesTable, group: str, sent: Sequence[datetime], expired: Sequence[bool] = ()
) -> list[str]:
    """Messages sent at these times, put in any order; the ids of those that are not past their TTL, oldest first."""
    alive = []
    for number, at in enumerate(sent):
        message_uuid = compose_uuid7(milliseconds(at), number)
        item = message_item(group, message_uuid, (ANN, BEN)[number % 2], f"at {at}")
        gone = number < len(expired) and expired[number]
        expires_at = talk.runtime.now() // 1_000 + (0 if gone else 1)
        table.put({**item, schema.EXPIRES_AT: to_attribute(expires_at)})
        if not gone:
            alive.append((at, message_uuid))
    return [message_uuid for _, message_uuid in sorted(alive)]


def ids(page: dict[str, Any]) -> list[str]:
    return [message["message_uuid"] for message in page["messages"]]


def read_back(talk: Talk, group: str, rng: random.Random, **span: Any) -> tuple[list[str], dict[str, Any]]:
    """All ids, read from the newest to the oldest, and the oldest page."""
    page = talk.do("list_messages", ANN, group_uuid=group, limit=rng.randint(1, 100), **span)
    found = ids(page)
    while "before" in page:
        limit = rng.choice((1, 2, 3, 100))
        page = talk.do("list_messages", ANN, group_uuid=group, limit=limit, before=page["before"], **span)
        assert 1 <= len(ids(page)) <= limit
        found = ids(page) + found
    return found, page


def read_on(talk: Talk, group: str, rng: random.Random, page: dict[str, Any], **span: Any) -> list[str]:
    """All ids from this page on, and whether each page knows that it is not the first."""
    found = ids(page)
    while True:
        limit = rng.choice((1, 2, 3, 100))
        page = talk.do("list_messages", ANN, group_uuid=group, limit=limit, after=page["after"], **span)
        if not ids(page):
            return found
        assert "before" in page
        found += ids(page)


@settings(max_examples=50)
@given(
    st.lists(WHENEVER, min_size=1, max_size=150),
    st.lists(st.booleans(), max_size=150),
    st.randoms(use_true_random=False),
)
def test_pages_are_complete_both_ways(sent: list[datetime], expired: list[bool], rng: random.Random) -> None:
    table = MessagesTable()
    talk = Talk(table)
    group = talk.pair()
    opening = ids(talk.do("list_messages", ANN, group_uuid=group))
    expected = opening + write(talk, table, group, sent, expired)

    found, oldest = read_back(talk, group, rng)

    assert found == expected
    assert read_on(talk, group, rng, oldest) == expected


def test_more_than_a_hundred_messages_of_few_milliseconds_are_read_whole(
    table: MessagesTable, talk: Talk, rng: random.Random
) -> None:
    group = talk.pair()
    opening = ids(talk.do("list_messages", ANN, group_uuid=group))
    sent = [NEW_YEAR + timedelta(milliseconds=rng.randrange(3)) for _ in range(350)]
    expected = opening + write(talk, table, group, sent)

    found, oldest = read_back(talk, group, rng)

    assert found == read_on(talk, group, rng, oldest) == expected


@settings(max_examples=50)
@given(st.lists(WHENEVER, max_size=30), WHENEVER, WHENEVER, st.randoms(use_true_random=False))
def test_a_span_of_time_pages_like_a_group_that_holds_nothing_else(
    sent: list[datetime], one: datetime, other: datetime, rng: random.Random
) -> None:
    start, end = sorted((one, other))
    table = MessagesTable()
    talk = Talk(table)
    group = talk.pair()
    all_ids = write(talk, table, group, sent)
    expected = [uuid for uuid, at in zip(all_ids, sorted(sent), strict=True) if start <= at < end]
    span = {"from": start.isoformat(), "to": end.isoformat()}

    found, oldest = read_back(talk, group, rng, **span)

    assert found == expected
    if expected:
        assert read_on(talk, group, rng, oldest, **span) == expected
    else:
        assert oldest["messages"] == []
        assert not ids(talk.do("list_messages", ANN, group_uuid=group, after=oldest["after"], **span))


def test_the_newest_page_comes_first_oldest_to_newest(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair()
    written = write(talk, table, group, [START + timedelta(seconds=second) for second in range(1, 61)])

    page = talk.do("list_messages", ANN, group_uuid=group)

    assert ids(page) == written[-50:]


def test_a_client_polls_with_after(talk: Talk) -> None:
    group = talk.pair(text="one")
    page = talk.do("list_messages", ANN, group_uuid=group)
    talk.later(seconds=1)

    nothing = talk.do("list_messages", ANN, group_uuid=group, after=page["after"])
    talk.do("create_message", BEN, group_uuid=group, message="two")
    something = talk.do("list_messages", ANN, group_uuid=group, after=nothing["after"])

    assert nothing == {"messages": [], "after": page["after"]}
    assert [message["message"] for message in something["messages"]] == ["two"]


@pytest.mark.parametrize("to", [{}, {"to": "2099-01-01T00:00:00Z"}])
def test_a_span_that_holds_nothing_yet_can_be_polled(talk: Talk, to: dict[str, str]) -> None:
    group = talk.pair()
    span = {"from": (START + timedelta(seconds=1)).isoformat(), **to}

    nothing = talk.do("list_messages", ANN, group_uuid=group, **span)
    talk.later(seconds=1)
    talk.do("create_message", BEN, group_uuid=group, message="two")

    assert nothing["messages"] == []
    (found,) = talk.do("list_messages", ANN, group_uuid=group, after=nothing["after"], **span)["messages"]
    assert found["message"] == "two"


def test_a_span_before_the_first_message_can_be_polled(talk: Talk) -> None:
    group = talk.pair()
    nothing = talk.do("list_messages", ANN, group_uuid=group, year=2020)
    talk.later(seconds=1)
    talk.do("create_message", BEN, group_uuid=group, message="two")

    assert [
        each["message"] for each in talk.do("list_messages", ANN, group_uuid=group, after=nothing["after"])["messages"]
    ] == ["two"]


def test_who_polls_as_the_contract_says_gets_a_message_that_was_late(talk: Talk) -> None:
    overlap = schema.MAX_MESSAGE_AGE_SECONDS + schema.MAX_MESSAGE_AHEAD_SECONDS
    said = [contract(MESSAGES_REQUEST), contract(MESSAGES_ANSWER)]
    assert all(f"{overlap} s" in str(each["definitions"]["list_messages"]) for each in said)
    group = talk.pair()
    talk.later(minutes=5)
    ahead = talk.new_uuid(schema.MAX_MESSAGE_AHEAD_SECONDS * 1_000)
    talk.do("create_message", BEN, group_uuid=group, message="in time", message_uuid=ahead)
    known = talk.do("list_messages", ANN, group_uuid=group)
    late = talk.new_uuid(-schema.MAX_MESSAGE_AGE_SECONDS * 1_000)
    talk.do("create_message", BEN, group_uuid=group, message="late", message_uuid=late)

    newest = datetime.fromisoformat(known["messages"][-1]["created_at"])
    again = {"from": (newest - timedelta(seconds=overlap)).isoformat()}

    assert not ids(talk.do("list_messages", ANN, group_uuid=group, after=known["after"]))
    assert late in ids(talk.do("list_messages", ANN, group_uuid=group, **again))


def test_a_page_of_messages_that_are_gone_by_now_can_be_polled_from(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair(text="one")
    talk.later(seconds=1)
    talk.do("create_message", BEN, group_uuid=group, message="two")
    page = talk.do("list_messages", ANN, group_uuid=group, limit=1)
    for key in [key for key, item in table.items.items() if item.get(schema.MESSAGE) == {"S": "one"}]:
        del table.items[key]
    talk.later(seconds=1)
    talk.do("create_message", BEN, group_uuid=group, message="three")

    older = talk.do("list_messages", ANN, group_uuid=group, before=page["before"])
    newer = talk.do("list_messages", ANN, group_uuid=group, after=older["after"])

    assert older == {"messages": [], "after": page["before"]}
    assert [message["message"] for message in newer["messages"]] == ["three"]


def test_a_message_shows_who_wrote_what_and_when(talk: Talk) -> None:
    group = talk.pair(ANN, BEN, "one")

    (shown,) = talk.do("list_messages", BEN, group_uuid=group)["messages"]

    assert shown == {
        "message_uuid": shown["message_uuid"],
        "user_uuid": ANN,
        "message": "one",
        "created_at": "2026-11-21T12:00:00.000Z",
    }


def test_a_message_past_its_ttl_is_neither_shown_nor_a_reason_for_a_cursor(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair()
    for key in [key for key in table.items if key[0] == schema.messages_key(group)]:
        del table.items[key]
    write(talk, table, group, [START - timedelta(hours=2)] * 30, expired=[True] * 30)

    assert talk.do("list_messages", ANN, group_uuid=group, limit=1) == {"messages": []}
    (alive,) = write(talk, table, group, [START - timedelta(hours=1)])
    page = talk.do("list_messages", ANN, group_uuid=group, limit=1)
    assert (ids(page), "before" in page) == ([alive], False)


@pytest.mark.parametrize(
    "change",
    [
        {schema.MESSAGE: None},
        {schema.USER_UUID: None},
        {schema.MESSAGE: {"N": "1"}},
        {schema.SK: {"S": "2026-11-21T12:00:01.000Z#not-an-id"}},
        {schema.EXPIRES_AT: {"S": "never"}},
    ],
    ids=["no text", "no sender", "a number for a text", "no message's key", "no time to live"],
)
def test_what_is_no_message_is_passed_over(table: MessagesTable, talk: Talk, change: dict[str, Any]) -> None:
    group = talk.pair()
    changed = {**message_item(group, talk.new_uuid(1_000), ANN, "broken"), **change}
    table.put({name: value for name, value in changed.items() if value is not None})
    talk.later(seconds=2)
    talk.do("create_message", ANN, group_uuid=group, message="on")

    newest = talk.do("list_messages", BEN, group_uuid=group, limit=1)
    older = talk.do("list_messages", BEN, group_uuid=group, before=newest["before"])

    assert [[each["message"] for each in page["messages"]] for page in (newest, older)] == [["on"], ["hello"]]
    assert talk.reported == []


@pytest.mark.parametrize("missing", [schema.MESSAGE, schema.USER_UUID])
def test_what_is_no_message_is_not_unread(table: MessagesTable, talk: Talk, missing: str) -> None:
    group = talk.pair()
    item = message_item(group, talk.new_uuid(1_000), ANN, "broken")
    table.put({name: value for name, value in item.items() if name != missing})

    assert talk.do("unread_count", BEN, group_uuid=group)["unread"] == 1


def test_an_id_that_stands_in_the_key_alone_is_shown(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair()
    item = message_item(group, uuid := talk.new_uuid(1_000), ANN, "whole")
    table.put({name: value for name, value in item.items() if name != schema.MESSAGE_UUID})

    assert ids(talk.do("list_messages", BEN, group_uuid=group, limit=1)) == [uuid]


def with_many_expired(table: MessagesTable, talk: Talk, count: int) -> str:
    """A group with one message alive, and newer ones that are not."""
    group = talk.pair()
    write(talk, table, group, [START + timedelta(milliseconds=at) for at in range(1, count + 1)], [True] * count)
    talk.later(seconds=2)
    table.calls.clear()
    return group


def test_a_small_page_is_not_looked_for_in_small_pages(table: MessagesTable, talk: Talk) -> None:
    group = with_many_expired(table, talk, 1_000)

    page = talk.do("list_messages", ANN, group_uuid=group, limit=1)

    assert [message["message"] for message in page["messages"]] == ["hello"]
    assert table.calls["query"] <= 1 + 1_000 // FOLLOWING_PAGE + 1


@pytest.mark.parametrize("operation", ["list_messages", "mark_read", "unread_count"])
def test_reading_ends_with_the_time(table: MessagesTable, talk: Talk, operation: str) -> None:
    group = with_many_expired(table, talk, 1_000)

    def pass_time(name: str, _request: dict[str, Any]) -> None:
        talk.seconds_left -= 20 if name == "query" else 0

    table.after = pass_time

    assert talk.refused(operation, BEN, group_uuid=group) == "throttled"
    assert table.calls["query"] == 3


def test_new_year_divides_by_utc_and_reads_through(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair()
    sent = [NEW_YEAR + timedelta(milliseconds=offset) for offset in (-2, -1, 0, 1)]
    written = write(talk, table, group, sent)

    def year(number: int) -> list[str]:
        return ids(talk.do("list_messages", ANN, group_uuid=group, year=number))[-4:]

    assert year(2027) == written[2:]
    assert year(2026)[-2:] == written[:2]
    assert year(2025) == year(9999) == []
    page = talk.do("list_messages", ANN, group_uuid=group, limit=2)
    before = talk.do("list_messages", ANN, group_uuid=group, limit=2, before=page["before"])
    assert ids(before) + ids(page) == written
    zoned = {"from": "2027-01-01T01:00:00.000+01:00", "to": "2026-12-31T19:00:00.001-05:00"}
    assert ids(talk.do("list_messages", ANN, group_uuid=group, **zoned)) == written[2:3]


def test_only_members_read(talk: Talk) -> None:
    group = talk.pair()
    talk.introduce(CAT)
    unknown = "99999999-0000-4000-8000-000000000000"

    assert talk.refused("list_messages", CAT, group_uuid=group) == "not_a_member"
    assert talk.ask("list_messages", CAT, group_uuid=group) == talk.ask("list_messages", CAT, group_uuid=unknown)


def test_a_cursor_crosses_neither_users_nor_groups_nor_operations(talk: Talk) -> None:
    group = talk.pair(ANN, BEN)
    other = talk.pair(ANN, CAT)
    after = talk.do("list_messages", ANN, group_uuid=group)["after"]

    assert talk.refused("list_messages", BEN, group_uuid=group, after=after) == "invalid"
    assert talk.refused("list_messages", ANN, group_uuid=other, after=after) == "invalid"
    assert talk.refused("list_message_groups", ANN, cursor=after) == "invalid"
    assert talk.refused("list_messages", ANN, group_uuid=group, before=after[:-4]) == "invalid"


@pytest.mark.parametrize(
    ("span", "path", "code"),
    [
        ({"from": "2026-11-21T00:00:00", "year": 2026}, "/from", "format"),
        ({"from": "2026-02-30T00:00:00Z"}, "/from", "format"),
        ({"to": "0001-01-01T00:00:00+01:00"}, "/to", "format"),
        ({"from": "2026-11-21T00:00:00Z", "to": "2026-11-20T00:00:00Z"}, "/to", "range"),
        ({"from": "2026-11-21T00:00:00Z", "year": 2026}, "/year", "combination"),
        ({"to": "2026-11-21T00:00:00Z", "year": 2026}, "/year", "combination"),
        ({"year": 1969}, "/year", "range"),
        ({"year": 10_000}, "/year", "range"),
        ({"before": "x", "after": "x"}, "/after", "combination"),
        ({"limit": 0}, "/limit", "range"),
        ({"limit": 101}, "/limit", "range"),
    ],
)
def test_an_impossible_span_is_invalid(talk: Talk, span: dict[str, Any], path: str, code: str) -> None:
    error = talk.ask("list_messages", ANN, group_uuid=talk.pair(), **span)["error"]

    assert error["code"] == "invalid"
    assert (path, code) in [(field["path"], field["code"]) for field in error["fields"]]
