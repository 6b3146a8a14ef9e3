"""The steps of a run, each a request and an answer of JSON: plan, segment, verify, report and explain.

Every step may be asked again: it answers as before, or goes on where it was. Requests name a run by its id, and carry
the fence of the execution that asks; cursors and counters stay in the runs table.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill import fields as checked
from switchboard.backfill.errors import InvalidInput, VerificationFailed, systemic
from switchboard.backfill.explain import explained
from switchboard.backfill.jobs import KINDS
from switchboard.backfill.records import RunRecord
from switchboard.backfill.report import keep, reported, verdict
from switchboard.backfill.run import MAX_PASSES
from switchboard.backfill.segments import MOST_SEGMENTS, segmented
from switchboard.backfill.worker import HAND_BACK_SECONDS, Worker
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from switchboard.backfill.engine import Checkpoint
    from switchboard.backfill.kinds import Kind, Planned, Tools
    from switchboard.backfill.ledger import Ledger
    from switchboard.backfill.records import SegmentRecord
    from switchboard.backfill.segments import Segmented

_RUN_ID: Final = "run_id"
_FENCE: Final = "fence"
_PHASE: Final = "phase"
_PASSES: Final = "pass"
_NUMBERS: Final = ((_FENCE, "fence"), (_PASSES, "number_of_pass"))
_COMMON: Final = (runs.JOB, runs.DRY_RUN, runs.SEGMENTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """The steps, for one invocation that ends in `remaining_seconds`; for `settled` see `Worker`.

    `most_workers` bounds how many invocations a run may have at once, where the stage sets so many aside for it.
    """

    ledger: Ledger
    tools: Tools
    remaining_seconds: Callable[[], float]
    settled: Callable[[Checkpoint, Checkpoint], None]
    most_workers: int | None = None

    def answer(self, request: Any) -> dict[str, Any]:
        """The answer to a request; its `step` is one of `runs.STEPS`.

        Raises `Refused`, `Systemic`, `VerificationFailed`, and what the clients raise.
        """
        if not isinstance(request, dict):
            raise InvalidInput("request: expected an object with a step: give one")
        steps = {
            runs.PLAN: self._plan,
            runs.SEGMENT: self._segment,
            runs.VERIFY: self._verify,
            runs.REPORT: self._report,
            runs.EXPLAIN: self._explain,
        }
        step = checked.one_of(request, runs.STEP, steps.keys())
        if step is None:
            raise InvalidInput(f"step: expected one of {', '.join(steps)}: give one of them")
        return steps[step](request)

    def _plan(self, request: Mapping[str, Any]) -> dict[str, Any]:
        run_id, execution = checked.text(request, _RUN_ID), checked.text(request, "execution")
        fields = request.get("input")
        if not isinstance(fields, dict):
            raise InvalidInput("input: expected an object with a job: give one")
        job = checked.one_of(fields, runs.JOB, (*KINDS, runs.RESUME))
        if job is None:
            raise InvalidInput(f"job: expected one of {', '.join((*KINDS, runs.RESUME))}: give one of them")
        if job == runs.RESUME:
            return {**_state(self._resumed(fields, execution)), runs.PLANNED: None}
        dry_run = checked.flag(fields, runs.DRY_RUN)
        asked = checked.optional_count(fields, runs.SEGMENTS, most=MOST_SEGMENTS)
        kind = KINDS[job]
        with systemic():
            planned = kind.plan({name: value for name, value in fields.items() if name not in _COMMON}, self.tools)
        division = self._divided(planned, asked)
        record = RunRecord(
            run_id=run_id,
            execution=execution,
            job=job,
            input=fields,
            stored=planned.stored,
            table=planned.table,
            status=runs.RUNNING,
            phase=runs.COUNT if kind.counts_only else runs.WORK,
            number_of_pass=1,
            fence=0,
            segments=division.segments,
            concurrency=division.concurrency,
            distributed=division.distributed,
            unfinished=division.segments,
            write_units=planned.write_units,
            read_units=planned.read_units,
            most_write_units=planned.most_write_units,
            most_read_units=planned.most_read_units,
            items=planned.items,
        )
        if dry_run:
            return {**_state(record), runs.PLANNED: self._cost(kind, planned, division, run_id)}
        if kind.prepare and self.ledger.find(run_id) is None:
            planned = kind.prepare(planned, self.tools, run_id=run_id)
        return {**_state(self.ledger.start(replace(record, stored=planned.stored))), runs.PLANNED: None}

    def _resumed(self, fields: Mapping[str, Any], execution: str) -> RunRecord:
        checked.known(fields, (runs.JOB, runs.RUN_FIELD, runs.SEGMENTS))
        run_id = checked.text(fields, runs.RUN_FIELD)
        asked = checked.optional_count(fields, runs.SEGMENTS, most=MOST_SEGMENTS)
        if asked not in {None, self.ledger.record(run_id).segments}:
            raise InvalidInput(
                "segments: expected as many as the run has, whose cursors are theirs: leave the field out"
            )
        return self.ledger.resume(run_id, execution)

    def _divided(self, planned: Planned, asked: int | None) -> Segmented:
        return segmented(
            items=planned.items,
            table_bytes=planned.table_bytes,
            write_units=planned.write_units,
            read_units=planned.read_units,
            usable_seconds=max(1.0, self.remaining_seconds() - HAND_BACK_SECONDS),
            lookup_seconds=planned.lookup_seconds,
            most_segments=planned.most_segments,
            most_workers=self.most_workers,
            asked=asked,
        )

    def _cost(self, kind: Kind, planned: Planned, division: Segmented, run_id: str) -> dict[str, Any]:
        if kind.cost is None:
            raise InvalidInput("dry_run: expected a job whose cost can be told beforehand: leave the field out")
        answer = kind.cost(
            planned, self.tools, run_id=run_id, segments=division.segments, concurrency=division.concurrency
        )
        return {**answer, runs.MAX_WRITE_UNITS: planned.write_units, runs.MAX_READ_UNITS: planned.read_units}

    def _segment(self, request: Mapping[str, Any]) -> dict[str, Any]:
        run = self._run(request)
        segment = request.get(runs.SEGMENT)
        if isinstance(segment, bool) or not isinstance(segment, int) or not 0 <= segment < run.segments:
            raise InvalidInput("segment: expected a number below the run's segments: ask for those of the plan")
        worker = Worker(
            ledger=self.ledger, tools=self.tools, remaining_seconds=self.remaining_seconds, settled=self.settled
        )
        return {**_place(run), runs.SEGMENT: segment, "more": worker(run, segment)}

    def _verify(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What comes next: the same phase where something of it is left, the count, a further pass, or the report."""
        asked = self._run(request)
        view = self.ledger.view(asked.run_id, asked.table)
        view.require(asked.fence)
        run = view.run
        if (run.phase, run.number_of_pass) == (asked.phase, asked.number_of_pass):
            segments = self.ledger.segments(run.run_id)
            if _done(run, segments):
                following = _following(run, segments)
                if following is None:
                    return {"next": runs.REPORT, **_state(run)}
                run = self.ledger.advance(run, *following)
        return {"next": runs.REPORT if view.controls.paused else run.phase, **_state(run)}

    def _report(self, request: Mapping[str, Any]) -> dict[str, Any]:
        asked = self._run(request)
        run = self.ledger.record(asked.run_id)
        if run.report is None or run.fence != asked.fence:
            self.ledger.view(run.run_id, run.table).require(asked.fence)
            report = reported(run, self.ledger.segments(run.run_id), now=self.tools.now())
            tell = KINDS[run.job].tell
            report |= tell(run, self.tools) if tell else {}
            keep(self.tools, report)
            self.ledger.end(run, report["status"], report=report)
        else:
            report = dict(run.report)
        if report["status"] == runs.FAILED:
            raise VerificationFailed(json.dumps(report))
        return report

    def _explain(self, request: Mapping[str, Any]) -> dict[str, Any]:
        failure = request.get("failure")
        return explained(
            self.ledger,
            run_id=str(request.get("run_id", "")),
            execution=str(request.get("execution", "")),
            failure=failure if isinstance(failure, dict) else {},
        )

    def _run(self, request: Mapping[str, Any]) -> RunRecord:
        """The run as the request knows it: by the fence, phase and pass that it names."""
        run = self.ledger.record(checked.text(request, _RUN_ID))
        fence, number_of_pass = (request.get(name, getattr(run, of)) for name, of in _NUMBERS)
        if not all(isinstance(number, int) and not isinstance(number, bool) for number in (fence, number_of_pass)):
            raise InvalidInput("fence: expected whole numbers for fence and pass: give those of the plan")
        phase = checked.one_of(request, _PHASE, (runs.WORK, runs.COUNT)) or run.phase
        return replace(run, fence=fence, phase=phase, number_of_pass=number_of_pass)


def _done(run: RunRecord, segments: Sequence[SegmentRecord]) -> bool:
    done = [each for each in segments if each.done and each.is_at(run.phase, run.number_of_pass)]
    return len(done) == run.segments


def _following(run: RunRecord, segments: Sequence[SegmentRecord]) -> tuple[str, int] | None:
    """The phase and pass after those in which all segments are done; None where only the report is left."""
    if run.phase == runs.WORK:
        return runs.COUNT, run.number_of_pass
    further = (
        verdict(run, segments) == runs.INCOMPLETE and run.number_of_pass < MAX_PASSES and not KINDS[run.job].counts_only
    )
    return (runs.WORK, run.number_of_pass + 1) if further else None


def _place(run: RunRecord) -> dict[str, Any]:
    return {_RUN_ID: run.run_id, _FENCE: run.fence, _PHASE: run.phase, _PASSES: run.number_of_pass}


def _state(run: RunRecord) -> dict[str, Any]:
    """The state of an execution."""
    return {
        **_place(run),
        runs.SEGMENTS: list(range(run.segments)),
        "concurrency": run.concurrency,
        "distributed": run.distributed,
    }
