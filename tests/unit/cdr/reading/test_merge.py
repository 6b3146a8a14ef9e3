from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from switchboard.cdr.reading import answers, merge, records
from switchboard.schema import cdr
from tests.unit.cdr.query_table import TABLE, UNITS_PER_PAGE, QueryTable, stored, within

if TYPE_CHECKING:
    from collections.abc import Callable

FROM = "2026-11-20T12:00:00Z"
TO = "2026-11-23T00:00:00Z"
BY_SPONSOR = {"query": "by_sponsor", "sponsor_id": "s-1", "from": FROM, "to": TO}
BY_TIME = {"query": "by_time", "from": FROM, "to": TO}

TIMES = [
    "2026-11-20T11:59:59.999999Z",
    "2026-11-20T12:00:00.000000Z",
    "2026-11-20T23:59:59.999999Z",
    "2026-11-21T00:00:00.000000Z",
    "2026-11-21T08:00:00.000001Z",
    "2026-11-22T23:59:59.999999Z",
    "2026-11-23T00:00:00.000000Z",
]


def answer(
    table: QueryTable, request: dict[str, Any], *, seconds: Callable[[], float] = lambda: 60.0
) -> dict[str, Any]:
    return answers.answer(request, client=table, table=TABLE, budget=within(seconds))  # type: ignore[arg-type]


def pages(
    table: QueryTable, request: dict[str, Any], *, between: Callable[[], None] = lambda: None
) -> list[list[dict[str, Any]]]:
    answered = []
    while True:
        page = answer(table, request)
        answered.append(page["records"])
        if "cursor" not in page:
            return answered
        assert len(answered) < 1_000, "a query that never ends"
        between()
        request = {**request, "cursor": page["cursor"]}


def identities(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(record["sponsorship_id"], record["id"]) for record in records]


def in_order(items: list[dict[str, Any]]) -> list[tuple[str, str]]:
    def place(item: dict[str, Any]) -> tuple[str, int, str, str]:
        pk, sk = item[cdr.PK]["S"], item[cdr.SK]["S"]
        return item[cdr.OCCURRED_AT]["S"], cdr.shard_of(pk, sk), pk, sk

    return [(item[cdr.SPONSORSHIP_ID]["S"], item[cdr.ID]["S"]) for item in sorted(items, key=place)]


def in_bounds(item: dict[str, Any]) -> bool:
    return bool("2026-11-20T12:00:00.000000Z" <= item[cdr.OCCURRED_AT]["S"] < "2026-11-23T00:00:00.000000Z")


@st.composite
def tables(draw: st.DrawFn, *, minimum: int = 0) -> list[dict[str, Any]]:
    drawn = draw(
        st.lists(st.tuples(st.sampled_from(TIMES), st.sampled_from(["s-1", "s-2"])), min_size=minimum, max_size=60)
    )
    return [
        stored(sponsorship_id=f"sp-{n % 3}", record_id=f"r-{n}", occurred_at=time, sponsor_id=sponsor)
        for n, (time, sponsor) in enumerate(drawn)
    ]


@pytest.mark.parametrize("request_", [BY_SPONSOR, BY_TIME], ids=["by_sponsor", "by_time"])
@given(items=tables(), limit=st.integers(1, 25), page_items=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_pages_together_are_the_whole_in_order(
    request_: dict[str, Any], items: list[dict[str, Any]], limit: int, page_items: int
) -> None:
    table = QueryTable(items, page_items=page_items)
    expected = [
        item for item in items if in_bounds(item) and (request_ is BY_TIME or item[cdr.SPONSOR_ID]["S"] == "s-1")
    ]

    answered = pages(table, {**request_, "limit": limit})

    assert identities([record for page in answered for record in page]) == in_order(expected)
    assert all(len(page) <= limit for page in answered)


@pytest.mark.parametrize("request_", [BY_SPONSOR, BY_TIME], ids=["by_sponsor", "by_time"])
@given(items=tables(minimum=10), late=tables(minimum=1), limit=st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_records_written_meanwhile_cost_none_of_the_others(
    request_: dict[str, Any], items: list[dict[str, Any]], late: list[dict[str, Any]], limit: int
) -> None:
    table = QueryTable(list(items))
    for number, item in enumerate(late):
        key = cdr.consume_key("late", str(number))
        item |= {cdr.SK: {"S": key}, cdr.ID: {"S": f"late-{number}"}}
    waiting = list(late)

    answered = pages(
        table, {**request_, "limit": limit}, between=lambda: table.items.append(waiting.pop()) if waiting else None
    )

    found = identities([record for page in answered for record in page])
    note(f"{len(found)} records in {len(answered)} pages")
    assert len(found) == len(set(found))
    before = [i for i in items if in_bounds(i) and (request_ is BY_TIME or i[cdr.SPONSOR_ID]["S"] == "s-1")]
    assert [identity for identity in found if not identity[1].startswith("late")] == in_order(before)
    for page in answered:
        times = [record["time"] for record in page if record]
        assert times == sorted(times)


def test_hundreds_of_records_of_one_microsecond_are_neither_lost_nor_doubled() -> None:
    items = [stored(record_id=f"r-{n}", sponsorship_id=f"sp-{n % 7}") for n in range(400)]
    answered = pages(QueryTable(items), {**BY_SPONSOR, "limit": 7})

    assert identities([record for page in answered for record in page]) == in_order(items)
    assert [len(page) for page in answered[:-1]] == [7] * 57


def test_a_page_reads_little_more_than_it_answers() -> None:
    items = [stored(record_id=f"r-{n}", occurred_at=f"2026-11-21T00:00:00.{n:06}Z") for n in range(4_000)]
    table = QueryTable(items)

    page = answer(table, BY_SPONSOR)

    assert len(page["records"]) == 100
    assert table.items_read <= 200
    assert page["consumed_read_units"] == UNITS_PER_PAGE * len(table.calls)


def test_every_shard_of_the_sponsor_and_of_each_day_is_asked() -> None:
    table = QueryTable()
    assert answer(table, BY_SPONSOR) == {"records": [], "consumed_read_units": 4 * UNITS_PER_PAGE}
    assert answer(table, BY_TIME) == {"records": [], "consumed_read_units": 12 * UNITS_PER_PAGE}

    asked = sorted((call["IndexName"], call["ExpressionAttributeValues"][":partition"]["S"]) for call in table.calls)
    days = ["2026-11-20", "2026-11-21", "2026-11-22"]
    assert asked == [
        *((cdr.BY_DAY, f"{day}#{shard}") for day in days for shard in range(4)),
        *((cdr.BY_SPONSOR, f"s-1#{shard}") for shard in range(4)),
    ]


def test_an_end_at_midnight_does_not_read_the_day_it_excludes() -> None:
    table = QueryTable()
    answer(table, {"query": "by_time", "from": "2026-11-21T00:00:00Z", "to": "2026-11-22T00:00:00Z"})
    assert {call["ExpressionAttributeValues"][":partition"]["S"][:10] for call in table.calls} == {"2026-11-21"}


def test_a_long_empty_range_pages_on_when_time_is_short() -> None:
    left = iter([60.0] * 5 + [2.9] * 1_000)
    table = QueryTable()
    request = {"query": "by_time", "from": "2020-01-01T00:00:00Z", "to": "2020-01-20T00:00:00Z"}

    page = answer(table, request, seconds=lambda: next(left))
    assert page["records"] == []
    rest = answer(table, {**request, "cursor": page["cursor"]})

    assert "cursor" not in rest
    days = [call["ExpressionAttributeValues"][":partition"]["S"] for call in table.calls]
    assert len(days) == len(set(days)) == 19 * 4


def test_time_running_short_within_a_page_keeps_what_was_read() -> None:
    items = [stored(record_id=f"r-{n}", occurred_at=f"2026-11-21T00:00:00.{n:06}Z") for n in range(50)]
    left = iter([60.0] + [1.0] * 1_000)
    table = QueryTable(items, page_items=3)

    page = answer(table, BY_SPONSOR, seconds=lambda: next(left))
    assert 0 < len(page["records"]) < 13
    rest = answer(table, {**BY_SPONSOR, "cursor": page["cursor"]})

    assert identities(page["records"] + rest["records"]) == in_order(items)


def test_a_page_ends_before_the_answer_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "MAX_ANSWER_BYTES", 2_000)
    items = [stored(record_id=f"r-{n}", data={"text": {"S": "ü" * (n * 10)}}) for n in range(60)]
    answered = pages(QueryTable(items), {**BY_SPONSOR, "limit": 1_000})

    assert identities([record for page in answered for record in page]) == in_order(items)
    sizes = [sum(records.size_of(record) for record in page) for page in answered]
    assert all(size <= 2_000 or len(page) == 1 for size, page in zip(sizes, answered, strict=True))


def test_the_limit_may_change_between_pages() -> None:
    items = [stored(record_id=f"r-{n}", occurred_at=TIMES[1 + n % 5]) for n in range(60)]
    table = QueryTable(items)
    start = answer(table, {**BY_TIME, "limit": 7})
    rest = answer(table, {**BY_TIME, "limit": 1_000, "cursor": start["cursor"]})
    assert identities(start["records"] + rest["records"]) == in_order(items)
