"""A run: passes over the table until nothing is missing, the verdict and the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.engine import Meter, settled_pages
from switchboard.backfill.source import Source
from switchboard.backfill.units import Units
from switchboard.backfill.writes import Writer
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.engine import Checkpoint, Counters
    from switchboard.backfill.plan import Plan
    from switchboard.backfill.waiting import Waiting

MAX_PASSES: Final = 3
"""Writers that still add items without the attribute after so many passes will not stop: they need a new version."""


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict on a run; `at` is where it ended."""

    run_id: str
    status: str
    missing_after: int
    at: Checkpoint

    def as_answer(self) -> dict[str, Any]:
        """The report as JSON: units are capacity units, `seconds` those of the run without interruptions."""
        return {
            "run_id": self.run_id,
            "status": self.status,
            "counters": asdict(self.at.counters),
            "missing_after": self.missing_after,
            "write_units": round(self.at.write_units, 1),
            "read_units": round(self.at.read_units, 1),
            "seconds": round(self.at.seconds, 3),
            "passes": self.at.passes,
        }


class Run:
    """One run of a plan in this process."""

    def __init__(
        self,
        client: DynamoDBClient,
        plan: Plan,
        *,
        run_id: str,
        waiting: Waiting,
        start: Checkpoint,
        settled: Callable[[Checkpoint], None],
    ) -> None:
        """`settled` is told after every page from where another run could go on, as this one does from `start`."""
        self._run_id = run_id
        self._start = start
        self._settled = settled
        writes = Units(plan.write_units, clock=waiting.clock, sleep=waiting.sleep)
        reads = Units(plan.read_units, clock=waiting.clock, sleep=waiting.sleep)
        self._meter = Meter(start, writes=writes, reads=reads, clock=waiting.clock)
        self._source = Source(client, plan.job, units=reads, waiting=waiting)
        self._writer = Writer(client, plan.job, write_units=writes, read_units=reads, waiting=waiting)

    def __call__(self) -> Report:
        """Run to the end: at most `MAX_PASSES`, each followed by a strongly consistent count of what is missing.

        A run that was interrupted repeats the page it was in, whose items then count as `already`. Raises `Systemic`,
        and what the client raises; all pages that were told of stay settled.
        """
        at = self._start if self._start.passes else self._pass(self._start)
        missing = self._source.count()
        while missing and not at.counters.failed and at.passes < MAX_PASSES:
            at = self._pass(at)
            missing = self._source.count()
        return Report(self._run_id, _status(at.counters, missing), missing, self._meter.read(at))

    def _pass(self, start: Checkpoint) -> Checkpoint:
        at = start
        for at in settled_pages(self._source, self._writer, start, meter=self._meter):
            self._settled(at)
        return at


def _status(counters: Counters, missing: int) -> str:
    if counters.failed or not counters.add_up:
        return runs.FAILED
    return runs.INCOMPLETE if missing else runs.SUCCEEDED
