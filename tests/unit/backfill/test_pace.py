from __future__ import annotations

import pytest

from switchboard.backfill.pace import PAGE_SECONDS, OutOfTime, PageSize, until
from switchboard.backfill.source import PAGE
from switchboard.backfill.units import Units
from tests.fakes.backfill_table import Clock
from tests.unit.backfill.runs_of import waiting

RATES = [3, 50, 500, 40_000]


class Worker:
    """A worker of a budget that examines items in no time, and pays `price` units for each that it settles."""

    def __init__(self, rate: float, *, attempts: int = 0, price: float = 1.0) -> None:
        self.clock = Clock()
        self.writes = Units(rate, clock=self.clock, sleep=self.clock.sleep)
        self.size = PageSize(self.writes, attempts=attempts, clock=self.clock)
        self.price = price

    def settle(self, items: int) -> None:
        units = items * self.price
        self.writes.take(units)
        self.writes.spent(units, taken=units)
        self.writes.take(0)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("price", [1, 7])
def test_pages_grow_to_what_their_time_takes(rate: float, price: float) -> None:
    worker = Worker(rate, price=price)
    sizes = []
    for _ in range(8):
        sizes.append(worker.size())
        assert worker.size.fits(examined=sizes[-1], found=sizes[-1])
        worker.settle(sizes[-1])
    assert sizes[0] == min(rate, PAGE)
    assert sizes[-1] == pytest.approx(min(rate * PAGE_SECONDS / price, PAGE), abs=1)
    assert sizes == sorted(sizes)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("price", [1, 7])
def test_what_is_found_after_pages_without_work_is_no_more_than_two_pages_pay_for(rate: float, price: float) -> None:
    worker = Worker(rate, price=price)
    first = worker.size()
    assert worker.size.fits(examined=first, found=first)
    worker.settle(first)
    while worker.size() < PAGE:
        assert worker.size.fits(examined=PAGE, found=0), "nothing to settle is never too much"
    examined = PAGE
    while not worker.size.fits(examined=examined, found=examined):
        smaller = worker.size()
        assert smaller < examined
        examined = smaller
    began = worker.clock.now
    worker.settle(examined)
    assert worker.clock.now - began <= 2 * PAGE_SECONDS, "what an item costs was learned from the first page"


def test_a_page_with_some_work_among_much_is_read_again_in_proportion() -> None:
    worker = Worker(10)
    for _ in range(8):
        worker.size()
    assert worker.size() == PAGE
    assert worker.size.fits(examined=PAGE, found=400)
    assert not worker.size.fits(examined=PAGE, found=401)
    assert worker.size() == PAGE * 200 // 401


def test_a_lower_rate_makes_the_very_next_page_smaller() -> None:
    worker = Worker(500)
    for _ in range(8):
        worker.settle(worker.size.of_work())
    assert worker.size.of_work() == PAGE
    worker.writes.limit(5)
    assert worker.size.of_work() == 5 * PAGE_SECONDS
    assert not worker.size.fits(examined=PAGE, found=PAGE)


def test_a_page_that_took_too_long_is_followed_by_a_smaller_one() -> None:
    worker = Worker(1_000)
    first = worker.size()
    worker.clock.now += 4 * PAGE_SECONDS
    assert worker.size() == first // 4


def test_a_page_that_was_never_settled_is_begun_smaller_each_time() -> None:
    sizes = [Worker(1_000, attempts=attempts).size() for attempts in range(12)]
    assert sizes == [1_000 // 2**attempts or 1 for attempts in range(12)]


def test_pages_that_take_no_time_are_as_long_as_pages_may_be() -> None:
    worker = Worker(1)
    assert [worker.size() for _ in range(8)][-1] == PAGE


def test_nobody_sleeps_beyond_the_end() -> None:
    clock = Clock()
    bounded = until(10.0, waiting(clock))
    bounded.sleep(10.0)
    assert clock.now == 10.0
    with pytest.raises(OutOfTime):
        bounded.sleep(0.1)
    assert clock.now == 10.0
