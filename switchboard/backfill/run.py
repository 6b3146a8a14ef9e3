"""A run: passes over the table until nothing is missing, the verdict and the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.source import Source
from switchboard.backfill.units import Units
from switchboard.backfill.writes import Outcome, Writer
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.plan import Plan
    from switchboard.backfill.source import Cursor, Page
    from switchboard.backfill.waiting import Waiting

MAX_PASSES: Final = 3
"""Writers that still add items without the attribute after so many passes will not stop: they need a new version."""


@dataclass(frozen=True, slots=True)
class Counters:
    """Items examined, over all passes, and what became of them; `already` includes what the filter left out."""

    scanned: int = 0
    updated: int = 0
    already: int = 0
    deleted: int = 0
    failed: int = 0

    @property
    def add_up(self) -> bool:
        """Whether every item examined has one outcome."""
        return self.scanned == self.updated + self.already + self.deleted + self.failed

    def after(self, page: Page, outcomes: Counter[Outcome]) -> Counters:
        """The counters once a page is settled."""
        left_out = page.scanned - len(page.keys)
        return Counters(
            self.scanned + page.scanned,
            self.updated + outcomes[Outcome.UPDATED],
            self.already + outcomes[Outcome.ALREADY] + left_out,
            self.deleted + outcomes[Outcome.DELETED],
            self.failed + outcomes[Outcome.FAILED],
        )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a run is: whole passes behind it, the place in the present one (None: its beginning), and its costs."""

    passes: int = 0
    cursor: Cursor | None = None
    counters: Counters = field(default_factory=Counters)
    write_units: float = 0.0
    read_units: float = 0.0
    seconds: float = 0.0


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
        self._waiting = waiting
        self._start = start
        self._settled = settled
        self._began = waiting.clock()
        self._writes = Units(plan.write_units, clock=waiting.clock, sleep=waiting.sleep)
        self._reads = Units(plan.read_units, clock=waiting.clock, sleep=waiting.sleep)
        self._source = Source(client, plan.job, units=self._reads, waiting=waiting)
        self._writer = Writer(client, plan.job, write_units=self._writes, read_units=self._reads, waiting=waiting)

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
        return Report(self._run_id, _status(at.counters, missing), missing, self._spent(at))

    def _pass(self, at: Checkpoint) -> Checkpoint:
        """One pass to its end: the first reads at half the price, a later one looks for what that missed."""
        for page in self._source.pages(at.cursor, consistent=at.passes > 0):
            outcomes = Counter(self._writer.settle(page.keys).values())
            at = self._spent(
                replace(
                    at,
                    passes=at.passes + (page.cursor is None),
                    cursor=page.cursor,
                    counters=at.counters.after(page, outcomes),
                )
            )
            self._settled(at)
        return at

    def _spent(self, at: Checkpoint) -> Checkpoint:
        return replace(
            at,
            write_units=self._start.write_units + self._writes.used,
            read_units=self._start.read_units + self._reads.used,
            seconds=self._start.seconds + self._waiting.clock() - self._began,
        )


def _status(counters: Counters, missing: int) -> str:
    if counters.failed or not counters.add_up:
        return runs.FAILED
    return runs.INCOMPLETE if missing else runs.SUCCEEDED
