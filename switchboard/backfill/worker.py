"""One invocation's work on one segment: page by page from its last checkpoint, until it is done or is handed back."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.engine import Meter, Outcome, settled_pages
from switchboard.backfill.errors import Systemic, systemic
from switchboard.backfill.jobs import KINDS
from switchboard.backfill.kinds import Part
from switchboard.backfill.ledger import Superseded
from switchboard.backfill.pace import OutOfTime, PageSize, until
from switchboard.backfill.units import Units
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from switchboard.backfill.engine import Checkpoint, Settles
    from switchboard.backfill.kinds import Tools, Work
    from switchboard.backfill.ledger import Ledger
    from switchboard.backfill.records import RunRecord, SegmentRecord
    from switchboard.backfill.runs_table import View

HAND_BACK_SECONDS: Final = 45.0
"""No page is begun with less time left: twice what a page should take, and what follows it."""
RESERVE_SECONDS: Final = 15.0
"""What a page that takes longer leaves of the invocation: a request with its retries, and the answer."""
SAMPLES: Final = 10
_MOST_ATTEMPTS: Final = 12
"""Workers of one execution that took a segment one after another without settling a page of it: a smaller one each
time, of one item in the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What works on segments. `remaining_seconds` counts down to the end of its invocation."""

    ledger: Ledger
    tools: Tools
    remaining_seconds: Callable[[], float]
    settled: Callable[[Checkpoint, Checkpoint], None]
    """Told after each checkpoint of the one before and of this one, to count what is between them."""

    def __call__(self, run: RunRecord, segment: int) -> bool:
        """Work on a segment in the phase and pass of `run`; whether there is more to do, in another invocation.

        Raises `RunInProgress` where another execution has the run or the table, `Systemic` where nothing can be done,
        and what the clients raise.
        """
        view = self.ledger.claim(run, segment)
        if view is None:
            return False
        if view.segment.attempts > _MOST_ATTEMPTS:
            raise Systemic.unsettled(_MOST_ATTEMPTS)
        try:
            return _Shift(self, view).work()
        except (OutOfTime, Superseded):
            return True


class _Shift:
    """A worker's time with one segment."""

    def __init__(self, worker: Worker, view: View) -> None:
        self._worker = worker
        self._ledger = worker.ledger
        self._view = view
        self._at = view.segment
        waiting = worker.tools.waiting
        self._waiting = until(waiting.clock() + worker.remaining_seconds() - RESERVE_SECONDS, waiting)
        self._writes = self._units(self._write_share)
        self._reads = self._units(self._read_share)
        self._meter = Meter(self._at.at, writes=self._writes, reads=self._reads, clock=waiting.clock)

    def work(self) -> bool:
        run = self._view.run
        work = KINDS[run.job].work(run.stored, self._part(), self._worker.tools)
        for after in self._counted(work) if run.phase == runs.COUNT else self._settled(work):
            before = self._at
            self._at = self._ledger.checkpoint(run, before, after)
            self._worker.settled(before.at, self._at.at)
            if self._at.done:
                return False
            self._view = self._ledger.view(run.run_id, run.table, self._at.segment)
            self._view.require(run.fence)
            if self._view.controls.paused:
                return False
            self._ledger.give_sign(self._view)
            if self._worker.remaining_seconds() < HAND_BACK_SECONDS:
                return True
            self._writes.limit(self._write_share)
            self._reads.limit(self._read_share)
        raise AssertionError("a source's last page has no cursor")

    def _settled(self, work: Work[Any]) -> Iterator[SegmentRecord]:
        settles = _Kept(work, self._keep_failed)
        for at in settled_pages(work.pages, settles, self._at.at, meter=self._meter):
            yield replace(self._at, at=at, done=at.cursor is None)

    def _counted(self, work: Work[Any]) -> Iterator[SegmentRecord]:
        for page in work.pages.missing(self._at.at.cursor):
            keys = tuple(work.key(piece) for piece in page.work[:SAMPLES])
            yield replace(
                self._at,
                at=self._meter.read(replace(self._at.at, cursor=page.cursor)),
                missing=self._at.missing + len(page.work),
                samples=(*self._at.samples, *keys)[:SAMPLES],
                done=page.cursor is None,
            )

    def _part(self) -> Part:
        run = self._view.run
        return Part(
            run_id=run.run_id,
            segment=self._at.segment,
            of=run.segments,
            number_of_pass=run.number_of_pass,
            claim=self._at.claim,
            version=lambda: self._at.version,
            size=PageSize(self._writes, attempts=self._at.attempts - 1, clock=self._waiting.clock),
            writes=self._writes,
            reads=self._reads,
            waiting=self._waiting,
        )

    def _keep_failed(self, keys: Sequence[Any]) -> None:
        tools = self._worker.tools
        with systemic():
            tools.s3.put_object(
                Bucket=tools.names.reports_bucket,
                Key=runs.failed_object(self._view.run.run_id, self._at.segment, self._at.version),
                Body=json.dumps({Outcome.FAILED.value: keys}).encode(),
                ContentType="application/json",
            )

    def _units(self, per_second: float) -> Units:
        return Units(per_second, clock=self._waiting.clock, sleep=self._waiting.sleep)

    @property
    def _write_share(self) -> float:
        return self._view.write_units / self._view.run.working

    @property
    def _read_share(self) -> float:
        return self._view.read_units / self._view.run.working


class _Kept:
    """Settles with the job's own settler, and keeps the keys of what failed."""

    def __init__(self, work: Work[Any], keep: Callable[[Sequence[Any]], None]) -> None:
        self._inner: Settles[Any] = work.settles
        self._key = work.key
        self._keep = keep

    def settle(self, work: Sequence[Any]) -> Sequence[Outcome]:
        outcomes = self._inner.settle(work)
        failed = [self._key(piece) for piece, outcome in zip(work, outcomes, strict=True) if outcome is Outcome.FAILED]
        if failed:
            self._keep(failed)
        return outcomes
