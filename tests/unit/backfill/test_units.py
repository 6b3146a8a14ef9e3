from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.backfill.units import Units
from tests.fakes.backfill_table import BackfillTable, Clock
from tests.unit.backfill.runs_of import run, thing


def spend(units: Units, clock: Clock, *, seconds: float, batch: float) -> float:
    """Units taken within so many seconds by somebody who never waits for anything else."""
    end, before = clock.now + seconds, units.used
    while clock.now < end:
        units.take(batch)
        units.spent(batch, taken=batch)
    return units.used - before


@settings(max_examples=25)
@given(st.floats(1, 40_000), st.floats(0.03, 2))
def test_a_minute_spends_the_budget_within_a_tenth(per_second: float, share: float) -> None:
    clock, batch = Clock(), per_second * share
    units = Units(per_second, clock=clock, sleep=clock.sleep)
    spend(units, clock, seconds=2 + 2 * batch / per_second, batch=batch)  # the first second's burst, and its debt
    spent = spend(units, clock, seconds=60, batch=batch)
    assert abs(spent - 60 * per_second) <= 6 * per_second + batch


def test_units_that_nobody_took_are_not_saved_beyond_a_second() -> None:
    clock = Clock()
    units = Units(100, clock=clock, sleep=clock.sleep)
    clock.sleep(60)
    assert spend(units, clock, seconds=10, batch=10) <= 11 * 100


def test_what_a_request_really_cost_is_waited_for_by_the_next() -> None:
    clock = Clock()
    units = Units(10, clock=clock, sleep=clock.sleep)
    units.take(10)
    units.spent(60, taken=10)
    assert clock.now == 1
    units.take(0)
    assert (clock.now, units.used) == (6, 60)
    units.take(10)
    units.spent(5, taken=10)
    units.take(10)
    assert (clock.now, units.used) == (7.5, 65)


def test_refused_members_cost_nothing_and_still_hold_back_the_next_request() -> None:
    clock = Clock()
    units = Units(10, clock=clock, sleep=clock.sleep)
    units.take(20)
    units.spent(5, taken=20, refused=15)
    units.take(10)
    assert (clock.now, units.used) == (3, 5)


def test_throttling_halves_the_rate_once_a_second_and_calm_brings_it_back() -> None:
    clock = Clock()
    units = Units(100, clock=clock, sleep=clock.sleep)
    for _ in range(5):
        units.throttled()
    assert units.rate == 50
    clock.sleep(1)
    units.throttled()
    assert units.rate == 25
    spend(units, clock, seconds=3.5, batch=1)
    assert units.rate == 40
    spend(units, clock, seconds=20, batch=1)
    assert units.rate == 100


def test_the_rate_never_falls_below_one_unit() -> None:
    clock = Clock()
    units = Units(4, clock=clock, sleep=clock.sleep)
    for _ in range(10):
        clock.sleep(0.5)
        units.throttled()
    assert units.rate == 1


def test_a_small_part_that_is_refused_slows_a_little() -> None:
    clock = Clock()
    units = Units(100, clock=clock, sleep=clock.sleep)
    units.throttled(0.04)
    assert units.rate == 98


@given(st.lists(st.floats(1, 5_000), min_size=1, max_size=6), st.floats(1, 5_000))
def test_another_limit_holds_from_then_on(limits: list[float], first: float) -> None:
    clock = Clock()
    units = Units(first, clock=clock, sleep=clock.sleep)
    for limit in limits:
        units.limit(limit)
        assert units.rate == pytest.approx(limit)
        batch = limit / 10
        spent = spend(units, clock, seconds=30, batch=batch)
        assert spent == pytest.approx(30 * limit, abs=limit + batch)


def test_a_higher_limit_is_felt_by_who_already_waits() -> None:
    clock = Clock()

    def raise_after_ten_seconds(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now == 10:
            units.limit(100)

    units = Units(1, clock=clock, sleep=raise_after_ten_seconds)
    units.take(1_010)
    assert clock.now == 20


def test_units_saved_at_a_high_limit_are_not_spent_at_a_low_one() -> None:
    clock = Clock()
    units = Units(1_000, clock=clock, sleep=clock.sleep)
    clock.sleep(5)
    units.limit(10)
    assert spend(units, clock, seconds=10, batch=1) <= 10 + 100 + 1


def test_a_rate_that_throttling_cut_is_lowered_in_proportion_and_raised_only_by_calm() -> None:
    clock = Clock()
    units = Units(100, clock=clock, sleep=clock.sleep)
    units.throttled()
    units.limit(50)
    assert units.rate == 25
    units.limit(1_000)
    assert units.rate == 25
    spend(units, clock, seconds=2, batch=1)
    assert units.rate == 25 + 2 * 50
    spend(units, clock, seconds=30, batch=10)
    assert units.rate == 1_000


def test_the_budget_holds_over_a_run_that_the_table_could_serve_faster() -> None:
    clock = Clock()
    table = BackfillTable([thing(number) for number in range(6_000)], page=25)
    report = run(table, clock=clock, write_units=100)
    assert report.status == "succeeded"
    assert 0.9 * 100 <= 6_000 / clock.now <= 1.1 * 100
