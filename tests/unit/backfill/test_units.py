from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.backfill.units import Units
from tests.fakes.backfill_table import BackfillTable, Clock
from tests.unit.backfill.runs_of import holds, run, thing

if TYPE_CHECKING:
    import random
    from collections.abc import Callable


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
    assert clock.now == 0
    units.take(0)
    assert (clock.now, units.used) == (5, 60)
    units.take(10)
    units.spent(5, taken=10)
    units.take(10)
    assert (clock.now, units.used) == (6.5, 65)


def test_refused_members_cost_nothing_and_still_hold_back_the_next_request() -> None:
    clock = Clock()
    units = Units(10, clock=clock, sleep=clock.sleep)
    units.take(20)
    units.spent(5, taken=20, refused=15)
    units.take(10)
    assert (clock.now, units.used) == (2, 5)


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


class Provisioned:
    """A token bucket in front of the table and of each partition, as provisioned tables have."""

    def __init__(self, clock: Callable[[], float], *, table: float, partition: float) -> None:
        self._clock = clock
        self._rates = {"table": table}
        self._partition = partition
        self._left: dict[str, float] = {}
        self._seen: dict[str, float] = {}
        self.refused = 0
        self.taken: defaultdict[int, int] = defaultdict(int)

    def __call__(self, key: tuple[str, str]) -> str | None:
        for bucket in ("table", key[0]):
            rate = self._rates.get(bucket, self._partition)
            passed = self._clock() - self._seen.get(bucket, 0.0)
            self._seen[bucket] = self._clock()
            self._left[bucket] = min(rate, self._left.get(bucket, rate) + passed * rate)
        if min(self._left["table"], self._left[key[0]]) < 1:
            self.refused += 1
            return "ThrottlingError"
        self._left["table"] -= 1
        self._left[key[0]] -= 1
        self.taken[int(self._clock())] += 1
        return None


def test_a_table_with_fewer_units_than_the_budget_slows_the_run_and_loses_nothing(rng: random.Random) -> None:
    clock = Clock()
    table = BackfillTable([thing(number) for number in range(5_000)], page=25)
    table.refuse = Provisioned(clock, table=100, partition=rng.choice([30, 1_000]))
    report = run(table, clock=clock, write_units=1_000)
    assert (report.status, report.at.counters.updated) == ("succeeded", 5_000)
    assert set(table.updated.values()) == {1}
    assert None not in holds(table).values()
    assert table.refuse.refused < 5_000, "it adapts instead of hammering"
    assert max(table.refuse.taken.values()) <= 200


def test_the_budget_holds_over_a_run_that_the_table_could_serve_faster() -> None:
    clock = Clock()
    table = BackfillTable([thing(number) for number in range(6_000)], page=25)
    report = run(table, clock=clock, write_units=100)
    assert report.status == "succeeded"
    assert 0.9 * 100 <= 6_000 / clock.now <= 1.1 * 100
