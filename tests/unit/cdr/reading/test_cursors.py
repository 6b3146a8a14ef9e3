from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.cdr.reading import answers, cursors
from switchboard.cdr.reading.cursors import Cursor, Position
from switchboard.cdr.reading.errors import InvalidQuery
from switchboard.contracts import CDR_QUERY, contract
from switchboard.schema import cdr
from tests.unit.cdr.query_table import TABLE, QueryTable, stored, within

BY_SPONSOR = {"query": "by_sponsor", "sponsor_id": "s-1", "from": "2026-11-21T00:00:00Z", "to": "2026-11-23T00:00:00Z"}
BY_TIME = {**BY_SPONSOR, "query": "by_time"}
BY_TIME.pop("sponsor_id")
HISTORY = {"query": "history", "sponsorship_id": "sp-1"}
TIME = "2026-11-21T00:00:00.000000Z"
KEY = ["sp-1", "CONSUME#qm#r-1", TIME]
EVERY_QUERY = pytest.mark.parametrize("request_", [BY_SPONSOR, BY_TIME, HISTORY], ids=lambda request: request["query"])


def table() -> QueryTable:
    return QueryTable([stored(record_id=f"r-{n}") for n in range(20)])


def answer(request: dict[str, Any], asked: QueryTable | None = None) -> dict[str, Any]:
    client: Any = asked or table()
    return answers.answer(request, client=client, table=TABLE, budget=within())


def refusal(request: dict[str, Any]) -> str:
    asked = table()
    with pytest.raises(InvalidQuery) as refused:
        answer(request, asked)
    (error,) = refused.value.errors
    assert error.path == "/cursor"
    assert asked.calls == [], "a refused query reads nothing"
    return error.code


def body_of(request: dict[str, Any]) -> dict[str, Any]:
    cursor = answer({**request, "limit": 3})["cursor"]
    body: dict[str, Any] = json.loads(base64.urlsafe_b64decode(cursor))
    return body


def packed(body: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode()


ids = st.text("abcXYZ019._:/-", min_size=1, max_size=128)
positions = st.builds(
    lambda sponsorship_id, source, record_id: Position(sponsorship_id, cdr.consume_key(source, record_id), TIME),
    ids,
    ids,
    ids,
)


@given(where=st.tuples(*[st.none() | positions] * cdr.SHARDS), day=st.none() | st.dates().map(str))
@settings(deadline=None)
def test_a_cursor_is_read_as_it_was_written(where: tuple[Position | None, ...], day: str | None) -> None:
    text = cursors.encode(Cursor(where, day), query="digest")
    assert cursors.decode(text, query="digest", positions=cdr.SHARDS, by_day=day is not None) == Cursor(where, day)


def test_the_longest_cursor_is_accepted() -> None:
    longest = "x" * cdr.MAX_ID_CHARACTERS
    position = Position(longest, cdr.earlier_key(cdr.FIRST_RETRIEVE, longest, longest, longest), TIME)
    text = cursors.encode(Cursor((position,) * cdr.SHARDS, "2026-11-21"), query=cursors.digest("by_time"))
    assert len(text) <= contract(CDR_QUERY)["definitions"]["cursor"]["maxLength"]
    decoded = cursors.decode(text, query=cursors.digest("by_time"), positions=cdr.SHARDS, by_day=True)
    assert decoded.positions == (position,) * cdr.SHARDS


@EVERY_QUERY
@pytest.mark.parametrize(
    "text",
    [
        "",
        "not base64!",
        "é",
        "\ud800",
        "abc",
        packed(7),
        packed([]),
        packed({}),
        packed({"q": "x", "d": None}),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
        base64.urlsafe_b64encode(b"[" * 3_000).decode(),
        base64.urlsafe_b64encode(b"9" * 3_000).decode(),
        base64.urlsafe_b64encode(b"{}").decode() + "\n",
    ],
)
def test_what_is_no_cursor_is_refused(request_: dict[str, Any], text: str) -> None:
    assert refusal({**request_, "cursor": text}) == "format"


@EVERY_QUERY
def test_a_huge_cursor_is_refused(request_: dict[str, Any]) -> None:
    assert refusal({**request_, "cursor": "A" * 2_000_000}) == "too_long"


@EVERY_QUERY
@pytest.mark.parametrize(
    "change",
    [
        {"more": 1},
        {"k": None},
        {"k": []},
        {"k": [KEY] * 5},
        {"d": 7},
        {"d": "2026-02-30"},
        {"d": "2026-11-21#0"},
        {"d": {"S": "2026-11-21"}},
        *({"k": [key] * length} for key in [7, {}, KEY[:2], [*KEY, "x"], ["sp-1", 7, TIME]] for length in (1, 4)),
        *({"k": [[odd, *KEY[1:]]] * n} for odd in ["sp#1", "", "x" * 129, "sp 1", "é", "sp-1\n"] for n in (1, 4)),
        *({"k": [[KEY[0], odd, TIME]] * n} for odd in ["", "a b", "x" * 513, "\x00", "CREATE\n"] for n in (1, 4)),
        *({"k": [[*KEY[:2], odd]] * n} for odd in ["", "2026-11-21T00:00:00Z", TIME + "Z", "\uffff"] for n in (1, 4)),
    ],
)
def test_a_cursor_of_another_shape_is_refused(request_: dict[str, Any], change: dict[str, Any]) -> None:
    assert refusal({**request_, "cursor": packed({**body_of(request_), **change})}) == "format"


@pytest.mark.parametrize(
    ("of", "sent_with"),
    [
        (BY_SPONSOR, {**BY_SPONSOR, "sponsor_id": "s-2"}),
        (BY_SPONSOR, {**BY_SPONSOR, "from": "2026-11-21T00:00:01Z"}),
        (BY_SPONSOR, {**BY_SPONSOR, "to": "2026-11-22T00:00:00Z"}),
        (BY_SPONSOR, BY_TIME),
        (BY_TIME, BY_SPONSOR),
        (BY_TIME, {**BY_TIME, "to": "2026-11-24T00:00:00Z"}),
        (HISTORY, {**HISTORY, "sponsorship_id": "sp-2"}),
        (HISTORY, BY_TIME),
    ],
)
def test_a_cursor_of_another_query_is_refused(of: dict[str, Any], sent_with: dict[str, Any]) -> None:
    assert refusal({**sent_with, "cursor": answer({**of, "limit": 3})["cursor"]}) == "format"


@pytest.mark.parametrize(
    ("request_", "change"),
    [
        (BY_SPONSOR, {"k": [[*KEY[:2], "2026-11-20T23:59:59.999999Z"]] * 4}),
        (BY_SPONSOR, {"k": [[*KEY[:2], "2026-11-23T00:00:00.000000Z"]] * 4}),
        (BY_TIME, {"k": [None, None, None, [*KEY[:2], "2026-11-22T00:00:00.000000Z"]]}),
        (BY_TIME, {"d": "2026-11-20", "k": [None] * 4}),
        (BY_TIME, {"d": "2026-11-23", "k": [None] * 4}),
    ],
)
def test_a_cursor_outside_the_range_is_refused(request_: dict[str, Any], change: dict[str, Any]) -> None:
    assert refusal({**request_, "cursor": packed({**body_of(request_), **change})}) == "range"


def test_the_same_instants_in_another_zone_are_the_same_query() -> None:
    cursor = answer({**BY_SPONSOR, "limit": 15})["cursor"]
    shifted = {**BY_SPONSOR, "from": "2026-11-21T01:00:00+01:00", "cursor": cursor}
    assert len(answer(shifted)["records"]) == 5


def test_a_forged_position_reads_the_partitions_of_the_query_only() -> None:
    body = body_of(BY_SPONSOR)
    body["k"] = [["sp-of-others", "CONSUME#x#y", TIME]] * 4
    asked = table()
    answer({**BY_SPONSOR, "cursor": packed(body)}, asked)
    assert {call["ExclusiveStartKey"][cdr.SPONSOR_SHARD]["S"][:4] for call in asked.calls} == {"s-1#"}
