"""The workers of a run hold its budget together, whatever their items cost, and whoever begins or ends meanwhile."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from switchboard.backfill.job import SetAttribute, Table
from switchboard.backfill.pace import PageSize
from switchboard.backfill.units import Units
from switchboard.backfill.waiting import Waiting
from switchboard.backfill.writes import Writer
from switchboard.dynamo import rounds
from tests.fakes.simulated_time import SimulatedTime

if TYPE_CHECKING:
    from collections.abc import Iterator

MINUTE = 60.0
TOLERANCE = 0.1
BEGUN = 5
"""Seconds after which every worker spends: they join one after the other, and learn what an item costs."""
JOB = SetAttribute(Table("things", ("pk",)), "test", {"S": "1"})


class Engine:
    """A table that serves everything within `latency` seconds, each item for up to `dearest` units."""

    def __init__(self, time: SimulatedTime, rng: Random, *, dearest: int) -> None:
        self.spent: list[tuple[float, float]] = []
        self._time = time
        self._rng = rng
        self.price = 1
        self._dearest = dearest

    def batch_execute_statement(self, *, Statements: Any, **_: Any) -> Any:  # noqa: N803 - the API's own name
        self._time.sleep(self._rng.uniform(0.002, 0.03))
        units = float(sum(self.price * self._rng.randint(1, self._dearest) for _ in Statements))
        self.spent.append((self._time.now, units))
        return {"Responses": [{} for _ in Statements], "ConsumedCapacity": [{"CapacityUnits": units}]}

    def between(self, start: float, end: float) -> float:
        return sum(units for at, units in self.spent if start <= at < end)


class Fleet:
    """Segments of unequal size; `concurrency` workers take one after the other.

    Before each page a worker reads the budget and how many segments are unfinished, and takes its share as runs do.
    """

    def __init__(self, time: SimulatedTime, engine: Engine, rng: Random, *, budget: float, concurrency: int) -> None:
        self.budget = budget
        self.tail_from = 0.0
        self._time = time
        self._engine = engine
        self._rng = rng
        self._concurrency = concurrency
        self._waiting = Waiting(clock=time, sleep=time.sleep, jitter=rng.random)
        self._unfinished = 0

    def run(self, *, seconds: float, segments: int, dearest: int) -> None:
        """Work for about so long."""
        self._unfinished = segments
        units = seconds * self.budget / segments
        left = iter([units * self._rng.uniform(0.3, 1.7) / (1 + dearest) * 2 for _ in range(segments)])
        for _ in range(min(self._concurrency, segments)):
            self._time.begin(lambda: self._worker(left), after=self._rng.uniform(0, 2))
        self._time.run()

    def _worker(self, segments: Iterator[float]) -> None:
        for items in segments:
            self._segment(int(items))
            if self._unfinished == self._concurrency:
                self.tail_from = self._time.now
            self._unfinished -= 1
            self._time.sleep(self._rng.uniform(0.05, 0.5))

    def _segment(self, items: int) -> None:
        units = Units(self._share(), clock=self._time, sleep=self._time.sleep)
        client: Any = self._engine
        writer = Writer(client, JOB, write_units=units, read_units=units, waiting=self._waiting)
        size = PageSize(units, attempts=0, clock=self._time)
        while items > 0:
            units.limit(self._share())
            most = size.of_work()
            page = min(items, self._rng.randint(most // 3, most))
            items -= max(1, page)
            self._time.sleep(self._rng.uniform(0, 0.2))
            writer.settle([(("S", str(number)),) for number in range(page)])

    def _share(self) -> float:
        return self.budget / max(1, min(self._concurrency, self._unfinished))


def fleet(rng: Random, *, budget: float, concurrency: int, dearest: int, seconds: float) -> tuple[Fleet, Engine]:
    time = SimulatedTime()
    engine = Engine(time, rng, dearest=dearest)
    running = Fleet(time, engine, rng, budget=budget, concurrency=concurrency)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "in_flight", time.in_flight)
        running.run(seconds=seconds, segments=2 * concurrency, dearest=dearest)
    return running, engine


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([50.0, 100.0, 250.0]), st.integers(1, 8), st.sampled_from([1, 3, 10]))
def test_workers_that_know_of_each_other_hold_the_budget_over_any_minute(
    seed: int, budget: float, concurrency: int, dearest: int
) -> None:
    assume(budget / concurrency >= 4 * dearest)  # below, a single item is a good part of a worker's minute
    running, engine = fleet(Random(seed), budget=budget, concurrency=concurrency, dearest=dearest, seconds=140)
    for start in range(0, int(engine.spent[-1][0]), 5):
        spent = engine.between(start, start + MINUTE)
        assert spent <= (1 + TOLERANCE) * MINUTE * budget
        if start >= BEGUN and start + MINUTE < running.tail_from:
            assert spent >= (1 - TOLERANCE) * MINUTE * budget


def test_forty_workers_that_begin_at_once_do_not_overrun_it() -> None:
    """Each of them knows what an item costs only once it has paid for some, and each item costs twenty units."""
    time = SimulatedTime()
    rng = Random(0)
    engine = Engine(time, rng, dearest=1)
    engine.price = 20
    budget = 2_000.0

    def worker() -> None:
        units = Units(budget / 40, clock=time, sleep=time.sleep)
        waits = Waiting(clock=time, sleep=time.sleep, jitter=rng.random)
        client: Any = engine
        writer = Writer(client, JOB, write_units=units, read_units=units, waiting=waits)
        writer.settle([(("S", str(number)),) for number in range(30)])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "in_flight", time.in_flight)
        for _ in range(40):
            time.begin(worker)
        time.run()
    for second in range(int(time.now)):
        assert engine.between(0, second) <= budget * (second + 1)


def test_a_budget_that_is_changed_while_workers_run_is_held_from_their_next_page_on() -> None:
    time, rng = SimulatedTime(), Random(0)
    engine = Engine(time, rng, dearest=1)
    running = Fleet(time, engine, rng, budget=100.0, concurrency=4)

    def operator() -> None:
        time.sleep(100)
        running.budget = 400.0
        time.sleep(100)
        running.budget = 50.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "in_flight", time.in_flight)
        time.begin(operator)
        running.run(seconds=600, segments=8, dearest=1)
    for start, budget in ((10, 100.0), (130, 400.0), (230, 50.0)):
        assert engine.between(start, start + MINUTE) == pytest.approx(MINUTE * budget, rel=TOLERANCE)
