from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.cdr.reading import answers, partition
from switchboard.cdr.reading.errors import QueryUnavailable
from switchboard.schema import cdr
from tests.unit.cdr.query_table import TABLE, UNITS_PER_PAGE, QueryTable, stored, within

HISTORY = {"query": "history", "sponsorship_id": "sp-1"}
FIRST = {"query": "first", "sponsorship_id": "sp-1", "type": "first_retrieve"}


def answer(table: QueryTable, request: dict[str, Any], *, seconds: float = 60.0) -> dict[str, Any]:
    return answers.answer(request, client=table, table=TABLE, budget=within(lambda: seconds))  # type: ignore[arg-type]


def history(table: QueryTable, **extra: Any) -> list[str]:
    found: list[str] = []
    request = {**HISTORY, **extra}
    while True:
        page = answer(table, request)
        assert len(found) <= len(table.items), "a query that never ends"
        assert len(page["records"]) <= request.get("limit", 1_000)
        found += [record["id"] for record in page["records"]]
        if "cursor" not in page:
            return found
        request = {**request, "cursor": page["cursor"]}


def at(second: int, fraction: int = 0) -> str:
    return f"2026-11-21T00:00:{second:02}.{fraction:06}Z"


@given(
    drawn=st.lists(st.tuples(st.integers(0, 5), st.sampled_from([0, 50, 600, 3_000])), max_size=50),
    limit=st.integers(1, 20),
    page_items=st.integers(1, 15),
    max_bytes=st.sampled_from([1, 700, 2_000, 5_000_000]),
)
@settings(max_examples=80, deadline=None)
def test_history_is_the_whole_partition_in_time_order(
    drawn: list[tuple[int, int]], limit: int, page_items: int, max_bytes: int
) -> None:
    items = [
        stored(record_id=f"r-{n}", occurred_at=at(second), data={"text": {"S": "x" * size}})
        for n, (second, size) in enumerate(drawn)
    ]
    table = QueryTable([*items, stored(sponsorship_id="sp-10", record_id="other")], page_items=page_items)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partition, "MAX_ANSWER_BYTES", max_bytes)
        found = history(table, limit=limit)

    ordered = sorted(items, key=lambda item: (item[cdr.OCCURRED_AT]["S"], item[cdr.SK]["S"]))
    assert found == [item[cdr.ID]["S"] for item in ordered]
    assert all(call["ConsistentRead"] is True for call in table.calls)


def test_history_answers_a_thousand_records_and_a_cursor_by_default() -> None:
    table = QueryTable([stored(record_id=f"r-{n}", occurred_at=at(0, n)) for n in range(1_001)], page_items=100)

    page = answer(table, HISTORY)
    assert [record["id"] for record in page["records"]] == [f"r-{n}" for n in range(1_000)]
    assert page["consumed_read_units"] == UNITS_PER_PAGE * 11
    rest = answer(table, {**HISTORY, "cursor": page["cursor"]})
    assert [record["id"] for record in rest["records"]] == ["r-1000"]
    assert "cursor" not in rest


def test_what_is_kept_stays_within_one_answer() -> None:
    earliest = partition.Earliest(limit=10, after=None)
    for n in range(500):
        earliest.offer(stored(record_id=f"r-{n}", occurred_at=at(n * 37 % 60, n)))
        assert len(earliest.records) <= 10
    assert [record["time"] for record in earliest.records] == sorted(at(n * 37 % 60, n) for n in range(500))[:10]


def test_a_record_shows_the_request_and_no_keys() -> None:
    item = stored(
        record_type=cdr.FIRST_RETRIEVE,
        sk=cdr.first_key(cdr.FIRST_RETRIEVE, "p-7"),
        subscriber_id="p-7",
        expires_at=1_800_000_000,
        data={
            "whole": {"N": "12"},
            "part": {"N": "1.5"},
            "long": {"N": "0.12345678901234567890123456789"},
            "list": {"L": [{"N": "0.12345678901234567890123456789"}, {"BOOL": True}, {"NULL": True}]},
        },
    )
    (record,) = answer(QueryTable([item]), HISTORY)["records"]
    assert record == {
        "source": "qm",
        "id": "r-1",
        "type": "first_retrieve",
        "time": "2026-11-21T00:00:00.000000Z",
        "sponsor_id": "s-1",
        "sponsorship_id": "sp-1",
        "subscriber_id": "p-7",
        "data": {
            "whole": 12,
            "part": 1.5,
            "long": 0.12345678901234568,
            "list": [0.12345678901234568, True, None],
        },
        "recorded_at": "2026-11-22T00:00:00.000000Z",
        "expires_at": 1_800_000_000,
    }
    assert type(record["data"]["whole"]) is int
    assert type(record["data"]["long"]) is type(record["data"]["list"][0]) is float


@given(
    firsts=st.permutations(range(1, 9)),
    scope=st.sampled_from([None, "p-7"]),
    record_type=st.sampled_from(sorted(cdr.FIRST_PREFIXES)),
    page_items=st.integers(1, 4),
)
@settings(max_examples=40, deadline=None)
def test_first_is_the_minimum_in_its_scope_only(
    firsts: list[int], scope: str | None, record_type: str, page_items: int
) -> None:
    items = []
    for subscriber in (None, "p-7", "p-77", "p-7.a"):
        hours = firsts if subscriber == scope else [0] * 8
        for number, hour in enumerate(hours):
            sk = (
                cdr.first_key(record_type, subscriber)
                if number == 0
                else cdr.earlier_key(record_type, subscriber, "qm", f"r-{number}")
            )
            items.append(
                stored(record_id=f"{subscriber}:{hour}", sk=sk, subscriber_id=subscriber, occurred_at=at(hour))
            )
    table = QueryTable(items, page_items=page_items)
    request = {**FIRST, "type": record_type} | ({} if scope is None else {"subscriber_id": scope})

    answered = answer(table, request)

    assert answered["record"]["id"] == f"{scope}:1"
    assert answered["consumed_read_units"] == UNITS_PER_PAGE * len(table.calls)
    assert all(call["ConsistentRead"] is True for call in table.calls)


def test_of_equal_times_the_one_stored_first_was_first() -> None:
    stored_first = stored(record_id="z", sk=cdr.first_key(cdr.FIRST_RETRIEVE, None))
    later = stored(record_id="a", sk=cdr.earlier_key(cdr.FIRST_RETRIEVE, None, "qm", "a"))
    assert answer(QueryTable([later, stored_first]), FIRST)["record"]["id"] == "z"


def test_nothing_first_is_null() -> None:
    assert answer(QueryTable(), FIRST) == {"record": None, "consumed_read_units": UNITS_PER_PAGE}


@pytest.mark.parametrize("request_", [HISTORY, FIRST], ids=["history", "first"])
def test_short_of_time_nothing_is_answered_in_part(request_: dict[str, Any]) -> None:
    table = QueryTable([stored()])
    with pytest.raises(QueryUnavailable) as refused:
        answer(table, request_, seconds=2.9)
    assert refused.value.code == "OutOfTime"
    assert table.calls == []
