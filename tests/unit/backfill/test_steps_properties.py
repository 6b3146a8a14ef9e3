"""Any schedule of kills, repeated invocations, pauses and take-overs: every item is settled, and counted once."""

from __future__ import annotations

import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from hypothesis import given, note
from hypothesis import strategies as st

from switchboard.backfill.errors import InvalidInput, RunInProgress
from switchboard.schema import runs
from tests.fakes.backfill_cloud import BackfillCloud
from tests.fakes.backfill_machine import Ended, Machine, place
from tests.fakes.backfill_table import TABLE, BackfillTable
from tests.fakes.messages_table import client_error
from tests.fakes.mishaps import Killed
from tests.unit.backfill.runs_of import VALUE, holds, things

if TYPE_CHECKING:
    from collections.abc import Callable

ITEMS = 40
RESUMED = {"job": "resume", "run": "run-1"}
INPUT = {"job": "set_attribute", "table": TABLE, "attribute": "test", "value": VALUE}


class Mishaps:
    """What happens around the calls of a run: `left` deaths of a worker, calls that fail, and other invocations."""

    def __init__(self, rng: random.Random, *, kills: int, others: int) -> None:
        self._rng = rng
        self.kills = kills
        self._others = others
        self._other: Callable[[], None] | None = None

    def around(self, other: Callable[[], None]) -> None:
        """Let `other` happen at some calls, once inside of itself at most."""
        self._other = other

    def __call__(self, _name: str, _request: dict[str, Any]) -> None:
        if self.kills and self._rng.random() < 0.1:
            self.kills -= 1
            raise Killed
        if self._other and self._others and self._rng.random() < 0.1:
            self._others -= 1
            other, self._other = self._other, None
            other()
            self._other = other
        if self._rng.random() < 0.05:
            raise client_error("ProvisionedThroughputExceededException", ResponseMetadata={"HTTPStatusCode": 400})


def world(rng: random.Random, *, page: int, segments: int, kills: int, others: int) -> tuple[Machine, Mishaps]:
    cloud = BackfillCloud(BackfillTable(things(ITEMS), page=page))
    mishaps = Mishaps(rng, kills=kills, others=others)

    def shuffled(numbers: list[int]) -> list[int]:
        return rng.sample(numbers, len(numbers))

    note(f"{page=} {segments=} {kills=} {others=}")
    cloud.before = cloud.after = mishaps
    return Machine(cloud, order=shuffled), mishaps


def check(machine: Machine, run_id: str, before: dict[tuple[str, str], Any]) -> None:
    """Everything is settled as it should be, and counted once."""
    machine.cloud.before = machine.cloud.after = lambda _name, _request: None
    assert holds(machine.cloud.things) == {key: value or VALUE for key, value in before.items()}
    assert set(machine.cloud.things.updated.values()) <= {1}
    status = machine.ledger.status(run_id)
    assert (status.status, status.missing, status.segments_done) == ("succeeded", 0, status.segments)
    assert status.counters.scanned == ITEMS, "each item was counted by one checkpoint"
    assert status.counters.add_up
    assert (status.working, machine.ledger.record(run_id).unfinished) == (0, 0)
    assert machine.ledger.view(run_id, TABLE).lock.until == 0


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 4), st.integers(0, 12))
def test_workers_that_die_anywhere_lose_and_count_nothing_twice(
    seed: int, page: int, segments: int, kills: int
) -> None:
    machine, _ = world(random.Random(seed), page=page, segments=segments, kills=kills, others=0)
    before = holds(machine.cloud.things)

    ended = machine.start("run-1", {**INPUT, "segments": segments})

    assert ended.output is not None, ended
    assert ended.output["status"] == "succeeded"
    check(machine, "run-1", before)


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 3), st.integers(0, 4), st.integers(1, 6))
def test_invocations_that_are_repeated_while_they_live_count_nothing_twice(
    seed: int, page: int, segments: int, kills: int, others: int
) -> None:
    rng = random.Random(seed)
    machine, mishaps = world(rng, page=page, segments=segments, kills=kills, others=others)
    before = holds(machine.cloud.things)
    current: list[dict[str, Any]] = []

    def between(request: dict[str, Any]) -> None:
        current[:] = [request]

    def again() -> None:
        request = current[0]
        if request["step"] in {runs.PLAN, runs.SEGMENT, runs.VERIFY}:
            try:
                machine.call(request)
            except (Killed, ClientError):
                return

    machine.between = between
    mishaps.around(again)
    ended = machine.start("run-1", {**INPUT, "segments": segments})

    assert ended.output is not None, ended
    assert ended.output["status"] == "succeeded"
    check(machine, "run-1", before)


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 4), st.integers(0, 4), st.integers(1, 4))
def test_a_run_that_is_paused_and_resumed_adds_up(seed: int, page: int, segments: int, kills: int, pauses: int) -> None:
    rng = random.Random(seed)
    machine, mishaps = world(rng, page=page, segments=segments, kills=kills, others=pauses)
    before = holds(machine.cloud.things)
    begun: list[str] = []

    def pause() -> None:
        if begun:
            machine.ledger.pause("run-1")

    def between(request: dict[str, Any]) -> None:
        if request["step"] == runs.SEGMENT:
            begun[:] = ["run-1"]

    machine.between = between
    mishaps.around(pause)
    ended = machine.start("run-1", {**INPUT, "segments": segments})
    resumed = 0
    while ended.output and ended.output["status"] == "paused":
        assert machine.cloud.kept.items["RUN#run-1", "RUN"]["status"] == {"S": "paused"}
        resumed += 1
        begun.clear()
        ended = machine.start(f"resumed-{resumed}", {"job": "resume", "run": "run-1"})
    note(f"{resumed=}")

    assert resumed <= pauses
    assert ended.output is not None, ended
    check(machine, "run-1", before)


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 3))
def test_an_execution_that_lost_its_run_stops_and_writes_no_checkpoint(seed: int, page: int, segments: int) -> None:
    rng = random.Random(seed)
    machine, mishaps = world(rng, page=page, segments=segments, kills=0, others=1)
    before = holds(machine.cloud.things)
    second: list[Ended] = []
    begun: list[str] = []

    def take_over() -> None:
        if begun:
            machine.clock.now += 3_600
            second.append(machine.start("resumed", {"job": "resume", "run": "run-1"}))

    machine.between = lambda request: begun.append("run-1") if request["step"] == runs.SEGMENT else None
    mishaps.around(take_over)
    ended = machine.start("run-1", {**INPUT, "segments": segments})

    if second and second[0].output:
        assert second[0].output["status"] == "succeeded"
        if ended.output is None:
            assert ended.error == RunInProgress.__name__
        else:
            assert ended.output == second[0].output
    check(machine, "run-1", before)


@given(st.integers(0, 2**32), st.integers(4, 12), st.integers(1, 3), st.integers(1, 4))
def test_a_page_that_outlives_its_execution_is_counted_once_whoever_goes_on(
    seed: int, page: int, segments: int, others: int
) -> None:
    """A checkpoint may come after the next execution began, as long as no other worker has taken the segment."""
    rng = random.Random(seed)
    machine, mishaps = world(rng, page=page, segments=segments, kills=0, others=others)
    before = holds(machine.cloud.things)
    begun: list[str] = []

    def take_over() -> None:
        if not begun:
            return
        machine.clock.now += 3_600
        name = f"resumed-{rng.getrandbits(64)}"
        asked = {"step": runs.PLAN, "run_id": name, "execution": f"arn:{name}", "input": RESUMED}
        with suppress(ClientError, InvalidInput):
            state = machine.call(asked)
            if rng.random() < 0.5:
                machine.call({"step": runs.SEGMENT, **place(state), "segment": rng.randrange(segments)})

    machine.between = lambda request: begun.append("run-1") if request["step"] == runs.SEGMENT else None
    mishaps.around(take_over)
    machine.start("run-1", {**INPUT, "segments": segments})
    mishaps.around(lambda: None)
    machine.clock.now += 3_600
    if machine.ledger.record("run-1").report is None:
        ended = machine.start("last", RESUMED)
        assert ended.output, ended
    check(machine, "run-1", before)
