"""What an execution and its workers write into the runs table; whoever else writes is refused.

A table's lock holds a fence, a number that only grows: every execution is given the next one, and a worker with another
stops at its next page. A segment holds a claim, a number that only grows as well: every worker takes the next one, and
a checkpoint under another is refused. So an invocation that is repeated, or that outlives its execution, costs a page
of work that is done twice, and counts nothing twice. A checkpoint asks for the claim alone, not for the fence: the page
of an execution that was superseded is settled, and whoever takes the segment next goes on behind it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.errors import InvalidInput, RunInProgress
from switchboard.backfill.records import (
    INVOCATION_SECONDS,
    LEASE_SECONDS,
    Lock,
    RunRecord,
    control_item,
    lock_item,
    run_item,
    segment_item,
)
from switchboard.backfill.runs_store import Change, Stale
from switchboard.backfill.runs_table import NAMES, RunsTable, View
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.backfill.records import SegmentRecord

QUIET_SECONDS: Final = 60
"""An execution that gives no sign of life for so long was stopped, or is stuck: its own run may be resumed."""
_SIGN_SECONDS: Final = 15
_ATTEMPTS: Final = 20
_IN_THE_WAY: Final = "another run holds this table: wait for its end, or stop it"
_LAST_PAGES: Final = "a run that broke off may be writing its last pages: resume that run, or wait"


class Superseded(Exception):  # noqa: N818 - it names the worker's state
    """Another worker took the segment: this one's page counts for nothing."""


class Ledger(RunsTable):
    """The runs table in the hands of the function: locks, fences, claims and checkpoints."""

    # --- an execution begins ---------------------------------------------------------------------------------------

    def start(self, record: RunRecord) -> RunRecord:
        """Lock the run's table and keep the run; answers it with its fence. The same execution may ask again.

        Raises `RunInProgress` where another run holds the table, and `InvalidInput` where the run's id was used before.
        """
        for _ in range(_ATTEMPTS):
            keys = run_item(record.run_id), lock_item(record.table)
            found = self._store.get(keys, NAMES)
            stands, lock = found.get(keys[0]), Lock.of(found.get(keys[1]))
            if stands is not None:
                return self._same(RunRecord.of(stands), record)
            if lock.until > self._epoch():
                raise RunInProgress(f"table: {self._in_the_way(lock)}")
            now = self._time()
            begun = replace(record, fence=lock.fence + 1, started_at=now, updated_at=now, pass_started_at=now)
            with suppress(Stale):
                self._store.apply(
                    self._locked(record.table, lock, begun),
                    Change(key=keys[0], put=begun.item(), when="attribute_not_exists(#status)"),
                )
                return begun
        raise RunInProgress(f"table: {_IN_THE_WAY}")

    def resume(self, run_id: str, execution: str) -> RunRecord:
        """Lock the table of a paused or broken run again, for another execution; answers it with its new fence.

        Raises `RunInProgress` where the run goes on or another holds the table, and `InvalidInput` where there is no
        such run, or nothing is left to resume.
        """
        for _ in range(_ATTEMPTS):
            run = self.record(run_id)
            if run.execution == execution and run.status == runs.RUNNING:
                return run
            if run.status not in {runs.PAUSED, runs.STOPPED, runs.RUNNING}:
                raise InvalidInput("run: expected one that was paused or broke off: this one has its report")
            lock = self.view(run_id, run.table).lock
            own = (lock.run_id, lock.fence) == (run_id, run.fence)
            # Its own pages in flight do a resumed run no harm: what they settle is settled.
            over = own and (run.status == runs.STOPPED or lock.seen + QUIET_SECONDS < self._epoch())
            if lock.until > self._epoch() and not over:
                raise RunInProgress(
                    "run: this run goes on: pause it, or stop its execution and wait a minute"
                    if own
                    else f"run: {self._in_the_way(lock)}"
                )
            resumed = replace(
                run,
                execution=execution,
                status=runs.RUNNING,
                fence=lock.fence + 1,
                unfinished=self._unfinished(run),
                updated_at=self._time(),
                report=None,
                error=None,
                cause=None,
            )
            with suppress(Stale):
                self._store.apply(
                    self._locked(run.table, lock, resumed),
                    Change(
                        key=run_item(run_id),
                        put=resumed.item(),
                        removed=("report", "error", "cause"),
                        when="#fence = :old_fence",
                        values={"old_fence": run.fence},
                    ),
                    Change(key=control_item(run_id), put={"paused": False}),
                )
                return resumed
        raise RunInProgress(f"run: {_IN_THE_WAY}")

    # --- workers ---------------------------------------------------------------------------------------------------

    def claim(self, run: RunRecord, segment: int) -> View | None:
        """Take a segment for the fence, phase and pass that `run` names; answers it with its claim.

        None where there is nothing to do: it is done, the run went on to another phase, or is to pause. Raises
        `RunInProgress` where the fence is not the run's any more.
        """
        for _ in range(_ATTEMPTS):
            view = self.view(run.run_id, run.table, segment)
            view.require(run.fence)
            now, before = view.run, view.segment
            at = run.phase, run.number_of_pass
            done = before.is_at(*at) and before.done
            if (now.phase, now.number_of_pass) != at or view.controls.paused or done:
                return None
            # What an execution's workers did not achieve says nothing of the next one's: it was mended meanwhile.
            attempts = before.attempts + 1 if before.fence == run.fence else 1
            taken = replace(_begun(before, run), claim=before.claim + 1, attempts=attempts, updated_at=self._time())
            with suppress(Stale):
                self._store.apply(_written(run.run_id, before, taken))
                self.give_sign(view)  # A throttled page may take as long as its worker lives.
                return replace(view, segment=taken)
        raise Superseded

    def checkpoint(self, run: RunRecord, before: SegmentRecord, after: SegmentRecord) -> SegmentRecord:
        """Keep how far a segment is; the last one, `done`, leaves the run with one less that is unfinished.

        Raises `Superseded` where another worker took the segment, and `RunInProgress` where another execution runs.
        """
        kept = replace(after, version=before.version + 1, attempts=0, updated_at=self._time())
        one_less = [_one_finished(run)] if kept.done else []
        try:
            self._store.apply(_written(run.run_id, before, kept), *one_less)
        except Stale:
            view = self.view(run.run_id, run.table, kept.segment)
            if (view.segment.claim, view.segment.version) == (kept.claim, kept.version):
                return kept  # It was applied, and its answer was lost.
            view.require(run.fence)
            raise Superseded from None
        return kept

    def give_sign(self, view: View) -> None:
        """Say, now and then, that the run is alive, so that its lease goes on."""
        if view.lock.seen + _SIGN_SECONDS < self._epoch():
            with suppress(Stale):  # Whoever was quicker gave it.
                self._store.apply(self._locked(view.run.table, view.lock, view.run))

    # --- an execution goes on, or ends -----------------------------------------------------------------------------

    def advance(self, run: RunRecord, phase: str, number_of_pass: int) -> RunRecord:
        """Put the run into its next phase, and answer it so. The same execution may ask again.

        Raises `RunInProgress` where another execution has the run.
        """
        now = self._time()
        advanced = replace(
            run,
            phase=phase,
            number_of_pass=number_of_pass,
            unfinished=run.segments,
            updated_at=now,
            pass_started_at=now if phase == runs.WORK else run.pass_started_at,
        )
        changed = ("phase", "number_of_pass", "unfinished", "updated_at", "pass_started_at")
        try:
            self._store.apply(
                Change(
                    key=run_item(run.run_id),
                    put={name: value for name, value in advanced.item().items() if name in changed},
                    when="#fence = :fence AND #phase = :old_phase AND #number_of_pass = :old_pass",
                    values={"fence": run.fence, "old_phase": run.phase, "old_pass": run.number_of_pass},
                )
            )
        except Stale:
            view = self.view(run.run_id, run.table)
            view.require(run.fence)
            return view.run
        return advanced

    def end(
        self,
        run: RunRecord,
        status: str,
        *,
        report: Mapping[str, Any] | None = None,
        error: str | None = None,
        cause: str | None = None,
    ) -> None:
        """Keep how a run ended and let go of its table, each only if it is still this execution's.

        One that broke off keeps the table from all other runs for as long as its workers may live: Step Functions
        ends a map at its first failure, and the pages that others are in are written all the same. An undo beside them
        would leave behind what they write.
        """
        ended = replace(run, status=status, updated_at=self._time(), report=report, error=error, cause=cause)
        changed = ("status", "updated_at", "report", "error", "cause")
        kept = Change(
            key=run_item(run.run_id),
            put={name: value for name, value in ended.item().items() if name in changed},
            when="#fence = :fence AND #status = :running",
            values={"fence": run.fence, "running": runs.RUNNING},
        )
        let_go = Change(
            key=lock_item(run.table),
            put={"until": self._epoch() + INVOCATION_SECONDS if status == runs.STOPPED else 0},
            when="#run_id = :run_id AND #fence = :fence",
            values={"run_id": run.run_id, "fence": run.fence},
        )
        try:
            self._store.apply(kept, let_go)  # Both or none: nobody ends a run a second time to let go of its table.
        except Stale:
            with suppress(Stale):
                self._store.apply(kept)  # Another run has the table already.

    def _in_the_way(self, lock: Lock) -> str:
        holder = self.find(lock.run_id)
        if holder is None or holder.status != runs.STOPPED:
            return _IN_THE_WAY
        minutes = max(1, ceil((lock.until - self._epoch()) / 60))
        return f"{_LAST_PAGES} {minutes} minute{'s' if minutes > 1 else ''}"

    def _unfinished(self, run: RunRecord) -> int:
        done = (each.done and each.is_at(run.phase, run.number_of_pass) for each in self.segments(run.run_id))
        return run.segments - sum(done)

    def _same(self, stands: RunRecord, asked: RunRecord) -> RunRecord:
        if stands.execution != asked.execution:
            raise InvalidInput("run_id: expected a name that no execution had before: give the execution another name")
        return stands

    def _locked(self, table: str, lock: Lock, run: RunRecord) -> Change:
        """The lock in the hands of `run`, if it is still as it was read."""
        held = {"run_id": run.run_id, "fence": run.fence, "until": self._epoch() + LEASE_SECONDS}
        if not lock.fence:
            return Change(key=lock_item(table), put=held, when="attribute_not_exists(#fence)")
        return Change(
            key=lock_item(table),
            put=held,
            when="#fence = :old_fence AND #until = :old_until",
            values={"old_fence": lock.fence, "old_until": lock.until},
        )


def _begun(before: SegmentRecord, run: RunRecord) -> SegmentRecord:
    """A segment in the phase and pass of its run: at its beginning, or where an earlier worker of these left it."""
    taken = replace(before, fence=run.fence)
    if before.is_at(run.phase, run.number_of_pass):
        return taken
    return replace(
        taken,
        phase=run.phase,
        number_of_pass=run.number_of_pass,
        done=False,
        missing=0,
        samples=(),
    )


def _written(run_id: str, before: SegmentRecord, after: SegmentRecord) -> Change:
    """A segment's new state, if it is still as it was read."""
    key = segment_item(run_id, after.segment)
    if not before.claim:
        return Change(key=key, put=after.item(), when="attribute_not_exists(#claim)")
    return Change(
        key=key,
        put=after.item(),
        when="#claim = :old_claim AND #version = :old_version",
        values={"old_claim": before.claim, "old_version": before.version},
    )


def _one_finished(run: RunRecord) -> Change:
    return Change(
        key=run_item(run.run_id), plus={"unfinished": -1}, when="#fence = :fence", values={"fence": run.fence}
    )
