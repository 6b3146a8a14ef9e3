from __future__ import annotations

import pytest

from switchboard.backfill.pace import PAGE_SECONDS, OutOfTime, PageSize, until
from switchboard.backfill.source import PAGE
from tests.fakes.backfill_table import Clock
from tests.unit.backfill.runs_of import waiting


@pytest.mark.parametrize("rate", [3, 50, 500, 40_000])
def test_pages_grow_to_what_their_time_takes(rate: float) -> None:
    clock = Clock()
    size = PageSize(rate, attempts=0, clock=clock)
    sizes = []
    for _ in range(8):
        sizes.append(size())
        clock.now += sizes[-1] / rate
    assert sizes[0] == min(rate, PAGE)
    assert sizes[-1] == min(rate * PAGE_SECONDS, PAGE)
    assert sizes == sorted(sizes)


def test_a_page_that_took_too_long_is_followed_by_a_smaller_one() -> None:
    clock = Clock()
    size = PageSize(1_000, attempts=0, clock=clock)
    first = size()
    clock.now += 4 * PAGE_SECONDS
    assert size() == first // 4


def test_a_page_that_was_never_settled_is_begun_smaller_each_time() -> None:
    sizes = [PageSize(1_000, attempts=attempts, clock=Clock())() for attempts in range(12)]
    assert sizes == [1_000 // 2**attempts or 1 for attempts in range(12)]


def test_pages_that_take_no_time_are_as_long_as_pages_may_be() -> None:
    size = PageSize(1, attempts=0, clock=lambda: 0.0)
    assert [size() for _ in range(8)][-1] == PAGE


def test_nobody_sleeps_beyond_the_end() -> None:
    clock = Clock()
    bounded = until(10.0, waiting(clock))
    bounded.sleep(10.0)
    assert clock.now == 10.0
    with pytest.raises(OutOfTime):
        bounded.sleep(0.1)
    assert clock.now == 10.0
