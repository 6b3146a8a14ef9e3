from __future__ import annotations

from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.backfill.cost import planned_events
from switchboard.backfill.segments import MOST_CONCURRENT, MOST_INLINE, MOST_SEGMENTS, Segmented, segmented

SIZES: dict[str, Any] = {"table_bytes": 1_000, "read_units": 500.0, "usable_seconds": 840.0}


@pytest.mark.parametrize(
    ("items", "write_units", "expected"),
    [
        (0, 500.0, Segmented(1, 1, False)),
        (100_000, 500.0, Segmented(1, 1, False)),
        (4_000, 4_000.0, Segmented(1, 1, False)),
        (20_000, 4_000.0, Segmented(4, 4, False)),
        (5_000_000, 4_000.0, Segmented(32, 8, False)),
        (1_000_000_000, 4_000.0, Segmented(32, 8, True)),
        (1_000_000_000, 40_000.0, Segmented(320, 80, True)),
        (1_000_000_000, 500_000.0, Segmented(1_600, 400, True)),
    ],
)
def test_the_budget_says_how_many_work(items: int, write_units: float, expected: Segmented) -> None:
    assert segmented(items=items, write_units=write_units, **SIZES) == expected


def test_a_history_that_would_not_hold_the_run_asks_for_a_distributed_map() -> None:
    slow = segmented(items=1_000_000_000, write_units=100.0, **SIZES)
    assert slow == Segmented(6, 1, True), "12,000 calls are too many for one history, a distributed segment's too"
    long_count = segmented(items=1_000, table_bytes=10**13, write_units=100.0, read_units=100.0, usable_seconds=840.0)
    assert long_count.distributed


@pytest.mark.parametrize(
    ("items", "item_bytes", "rate"),
    [
        (500_000_000, 1_024, 4_000.0),
        (250_000_000, 8_192, 4_000.0),
        (60_000_000, 4_096, 200.0),
        (5_000_000, 1_024, 4_000.0),
    ],
)
def test_an_inline_map_has_room_for_all_passes_at_half_the_rate(items: int, item_bytes: int, rate: float) -> None:
    usable = 855.0
    table_bytes = items * item_bytes
    found = segmented(items=items, table_bytes=table_bytes, write_units=rate, read_units=rate, usable_seconds=usable)
    counting = table_bytes / 4_096 / (rate / 2)
    working = max(items / (rate / 2), counting / 2)
    calls = sum(
        found.segments * max(1, ceil(seconds * found.concurrency / found.segments / usable))
        for seconds in (working, *[counting] * 5)
    )
    assert found.distributed is (planned_events(calls, found.segments, passes=3) > 15_000)


def test_what_a_count_reads_besides_needs_room_as_well() -> None:
    alone = segmented(items=10**7, write_units=500.0, **SIZES)
    besides = segmented(items=10**7, write_units=500.0, lookup_seconds=10**6, **SIZES)
    assert (alone.distributed, besides.distributed) == (False, True)


def test_what_is_asked_for_stands_as_far_as_the_job_allows() -> None:
    assert segmented(items=10, write_units=500.0, asked=3, **SIZES) == Segmented(3, 3, False)
    assert segmented(items=10, write_units=500.0, asked=100, **SIZES) == Segmented(100, MOST_INLINE, False)
    assert segmented(items=10**9, write_units=4_000.0, asked=100, most_segments=2, **SIZES).segments == 2
    assert segmented(items=10**7, write_units=4_000.0, most_segments=1, **SIZES).segments == 1


def test_no_more_work_at_once_than_the_stage_sets_aside() -> None:
    assert segmented(items=10**7, write_units=40_000.0, most_workers=9, **SIZES) == Segmented(36, 9, False)
    assert segmented(items=10, write_units=500.0, asked=20, most_workers=9, **SIZES) == Segmented(20, 9, False)


@given(
    st.integers(0, 10**11),
    st.integers(0, 10**14),
    st.tuples(st.floats(1, 10**6), st.floats(1, 10**6)),
    st.floats(1, 855),
    st.tuples(st.none() | st.integers(1, 10_000), st.none() | st.integers(1, MOST_SEGMENTS)),
)
def test_any_run_has_workers_for_its_segments(
    items: int,
    table_bytes: int,
    units: tuple[float, float],
    usable: float,
    limits: tuple[int | None, int | None],
) -> None:
    most, asked = limits
    found = segmented(
        items=items,
        table_bytes=table_bytes,
        write_units=units[0],
        read_units=units[1],
        usable_seconds=usable,
        most_segments=most,
        asked=asked,
    )
    assert 1 <= found.concurrency <= min(found.segments, MOST_CONCURRENT)
    assert found.segments <= min(MOST_SEGMENTS, most or MOST_SEGMENTS)
    assert found.distributed or found.concurrency <= MOST_INLINE
