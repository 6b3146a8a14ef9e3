"""The runs table as operators read it and as they change a run: status, pause and rate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.engine import Checkpoint, Counters
from switchboard.backfill.errors import InvalidInput, RunInProgress
from switchboard.backfill.fields import rate
from switchboard.backfill.records import (
    Controls,
    Lock,
    RunRecord,
    SegmentRecord,
    control_item,
    lock_item,
    run_item,
    segment_item,
)
from switchboard.backfill.runs_store import Change, RunsStore
from switchboard.schema import runs
from switchboard.times import to_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.waiting import Waiting

NAMES: Final = tuple(
    sorted(
        {
            *RunRecord.__dataclass_fields__,
            *SegmentRecord(segment=0).item(),
            *Lock.__dataclass_fields__,
            *Controls.__dataclass_fields__,
        }
    )
)
"""The attributes of all items."""


@dataclass(frozen=True, slots=True)
class View:
    """A run as one request read it, with its table's lock and what operators wish."""

    run: RunRecord
    lock: Lock
    controls: Controls
    segment: SegmentRecord

    def require(self, fence: int) -> None:
        """Raise `RunInProgress` unless the run goes on, by the execution with this `fence`, which holds the table."""
        held = self.run.fence == self.lock.fence == fence and self.lock.run_id == self.run.run_id
        if not held or self.run.status != runs.RUNNING:
            raise RunInProgress("fence: expected that of the execution that works on this table: this one ends")

    @property
    def write_units(self) -> float:
        """Write units per second of the whole run, as they should be now."""
        return _bounded(self.controls.write_units or self.run.write_units, self.run.most_write_units)

    @property
    def read_units(self) -> float:
        """Read units per second of the whole run, as they should be now."""
        return _bounded(self.controls.read_units or self.run.read_units, self.run.most_read_units)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """All that is known of a run from outside.

    `status` is `stopped` also where the table's lock says that nobody works on a run which says it is running.
    `counters`, units used and `seconds` of work are those of all segments together; `write_rate` and `read_rate` are
    the units per second that the whole run may use now. `items` is what the table held when AWS last counted, and
    `missing` what the last count found, None before one. Times are fixed-width text in UTC.
    """

    run_id: str
    status: str
    job: str
    table: str
    phase: str
    number_of_pass: int
    pausing: bool
    counters: Counters
    write_units: float
    read_units: float
    seconds: float
    write_rate: float
    read_rate: float
    segments: int
    segments_done: int
    working: int
    concurrency: int
    items: int
    missing: int | None
    started_at: str
    updated_at: str
    report: Mapping[str, Any] | None = None
    error: str | None = None
    cause: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)


class RunsTable:
    """Runs as anybody may read them, and controls. `now` tells the time of day, in UTC.

    Everything here raises `Systemic`, and what the client raises, once DynamoDB was busy for longer than `waiting` has
    patience. Reads take `BatchGetItem` and `Query`, controls `UpdateItem` on the run's own `CONTROL#` partition.
    """

    def __init__(self, client: DynamoDBClient, table: str, *, waiting: Waiting, now: Callable[[], datetime]) -> None:
        self._store = RunsStore(client, table, waiting=waiting)
        self._now = now

    def find(self, run_id: str) -> RunRecord | None:
        """A run, or None where there is none."""
        item = self._store.get([run_item(run_id)], NAMES).get(run_item(run_id))
        return RunRecord.of(item) if item else None

    def record(self, run_id: str) -> RunRecord:
        """A run. Raises `InvalidInput` where there is none."""
        found = self.find(run_id)
        if found is None:
            raise _no_run()
        return found

    def view(self, run_id: str, table: str, segment: int = 0) -> View:
        """A run, its table's lock, its controls and one segment, in one request. Raises as `record` does."""
        keys = run_item(run_id), lock_item(table), control_item(run_id), segment_item(run_id, segment)
        found = self._store.get(keys, NAMES)
        run, lock, control, part = (found.get(key) for key in keys)
        if run is None:
            raise _no_run()
        return View(RunRecord.of(run), Lock.of(lock), Controls.of(control), SegmentRecord.of(segment, part))

    def segments(self, run_id: str) -> list[SegmentRecord]:
        """The segments of a run that were begun, in their order."""
        return _segments(self._store.partition(runs.run_key(run_id)))

    def status(self, run_id: str) -> RunStatus:
        """How a run stands. Raises `InvalidInput` where there is none."""
        view = self.view(run_id, self.record(run_id).table)
        run, segments = view.run, self.segments(run_id)
        held = (view.lock.run_id, view.lock.fence) == (run_id, run.fence) and view.lock.until > self._epoch()
        at = totals(segments)
        counted = run.phase == runs.COUNT
        return RunStatus(
            run_id=run_id,
            status=runs.STOPPED if run.status == runs.RUNNING and not held else run.status,
            job=run.job,
            table=run.table,
            phase=run.phase,
            number_of_pass=run.number_of_pass,
            pausing=view.controls.paused,
            counters=at.counters,
            write_units=at.write_units,
            read_units=at.read_units,
            seconds=at.seconds,
            write_rate=view.write_units,
            read_rate=view.read_units,
            segments=run.segments,
            segments_done=sum(each.done and each.is_at(run.phase, run.number_of_pass) for each in segments),
            working=run.working if run.status == runs.RUNNING and held else 0,
            concurrency=run.concurrency,
            items=run.items,
            missing=sum(each.missing for each in segments if each.is_at(run.phase, run.number_of_pass))
            if counted
            else None,
            started_at=run.started_at,
            updated_at=max([run.updated_at, *(each.updated_at for each in segments)]),
            report=run.report,
            error=run.error,
            cause=run.cause,
            input=run.input,
        )

    def pause(self, run_id: str) -> None:
        """Ask a run to end with its cursors saved, after the page that each worker is in."""
        self._control(run_id, {"paused": True})

    def unpause(self, run_id: str) -> None:
        """Take back a pause that has not taken effect yet."""
        self._control(run_id, {"paused": False})

    def set_rate(self, run_id: str, *, write_units: float | None = None, read_units: float | None = None) -> None:
        """Change a run's units per second, of those that are given. Raises `InvalidInput` for less than 1."""
        wished = {"write_units": write_units, "read_units": read_units}
        self._control(run_id, {name: rate(units, name) for name, units in wished.items() if units is not None})

    def _control(self, run_id: str, put: Mapping[str, Any]) -> None:
        self._store.apply(Change(key=control_item(run_id), put=put))

    def _epoch(self) -> int:
        return int(self._now().timestamp())

    def _time(self) -> str:
        return to_fixed(self._now())


def totals(segments: Sequence[SegmentRecord]) -> Checkpoint:
    """What all segments together counted and cost; `passes` are those that every one of them has behind it."""
    return Checkpoint(
        passes=min((each.at.passes for each in segments), default=0),
        counters=sum((each.at.counters for each in segments), Counters()),
        write_units=sum(each.at.write_units for each in segments),
        read_units=sum(each.at.read_units for each in segments),
        seconds=sum(each.at.seconds for each in segments),
    )


def _no_run() -> InvalidInput:
    return InvalidInput("run: expected the id of a run: see how the execution was named that began it")


def _bounded(units: float, most: float | None) -> float:
    return float(units if most is None else min(units, most))


def _segments(items: list[dict[str, Any]]) -> list[SegmentRecord]:
    return [
        SegmentRecord.of(int(item[runs.SK].removeprefix(runs.SEGMENT_PREFIX)), item)
        for item in items
        if item[runs.SK].startswith(runs.SEGMENT_PREFIX)
    ]
