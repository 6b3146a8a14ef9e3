"""One loop for every job: a page of work is settled, counted and checkpointed, and then the next one is read.

A job is a source of pages (`Pages`) and something that settles their work (`Settles`). What else belongs to a page,
such as a journal, wraps a `Settles`: the loop calls it exactly once for every page, also for one without work, and a
page that was not told of as settled is read and settled again by whoever goes on.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from switchboard.backfill.units import Units
    from switchboard.dynamo.values import AttributeValue

W = TypeVar("W")
W_co = TypeVar("W_co", covariant=True)
W_contra = TypeVar("W_contra", contravariant=True)

Cursor: TypeAlias = "dict[str, AttributeValue]"
"""Where a source goes on: attributes in DynamoDB's JSON form, for a scan the key that was examined last."""


class Outcome(Enum):
    """What became of a piece of work."""

    UPDATED = "updated"
    ALREADY = "already"
    """A writer did it meanwhile, which stands; or this run did, in a request whose answer was lost."""
    DELETED = "deleted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Page(Generic[W_co]):
    """`scanned` items were examined, `work` is what is to be done for some of them, each piece once.

    `cursor` is None after the last page.
    """

    work: tuple[W_co, ...]
    scanned: int
    cursor: Cursor | None


class Pages(Protocol[W_co]):
    """Where a job's work comes from; a source belongs to one segment, and reads a page when it is asked for."""

    def pages(self, cursor: Cursor | None, *, consistent: bool) -> Iterator[Page[W_co]]:
        """The pages after `cursor`, None for the first; the last one alone has no cursor.

        A source whose reads may miss what was written a moment ago does not so where `consistent`. Raises `Systemic`,
        and what its client raises.
        """

    def missing(self, cursor: Cursor | None) -> Iterator[Page[W_co]]:
        """The same pages read to verify: their work is what is still to be done, by strongly consistent reads."""


class Settles(Protocol[W_contra]):
    """What a job does with the work of a page."""

    def settle(self, work: Sequence[W_contra]) -> Sequence[Outcome]:
        """Do it, and say what became of each piece, in the order of `work`.

        Doing it twice is as doing it once. Raises `Systemic` where nothing more can be done at all.
        """


@dataclass(frozen=True, slots=True)
class Counters:
    """Items examined, over all passes, and what became of them; `already` includes what needed nothing done."""

    scanned: int = 0
    updated: int = 0
    already: int = 0
    deleted: int = 0
    failed: int = 0

    @property
    def add_up(self) -> bool:
        """Whether every item examined has one outcome."""
        return self.scanned == self.updated + self.already + self.deleted + self.failed

    def __add__(self, other: Counters) -> Counters:
        return Counters(
            self.scanned + other.scanned,
            self.updated + other.updated,
            self.already + other.already,
            self.deleted + other.deleted,
            self.failed + other.failed,
        )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a source is: whole passes behind it, the place in the present one (None: its beginning), and its costs.

    Units are capacity units, `seconds` those spent working.
    """

    passes: int = 0
    cursor: Cursor | None = None
    counters: Counters = field(default_factory=Counters)
    write_units: float = 0.0
    read_units: float = 0.0
    seconds: float = 0.0


class Costing(Protocol):
    """What a job's work costs."""

    def read(self, at: Checkpoint) -> Checkpoint:
        """The checkpoint with its costs until now."""


class Meter:
    """What the work since `start` costs, beside what that had cost already."""

    def __init__(self, start: Checkpoint, *, writes: Units, reads: Units, clock: Callable[[], float]) -> None:
        self._start = start
        self._writes = writes
        self._reads = reads
        self._clock = clock
        self._began = clock()

    def read(self, at: Checkpoint) -> Checkpoint:
        """The checkpoint with its costs until now."""
        return replace(
            at,
            write_units=self._start.write_units + self._writes.used,
            read_units=self._start.read_units + self._reads.used,
            seconds=self._start.seconds + self._clock() - self._began,
        )


def settled_pages(pages: Pages[W], settles: Settles[W], at: Checkpoint, *, meter: Costing) -> Iterator[Checkpoint]:
    """Work on from `at` to the end of its pass; yields where another worker could go on, after each settled page.

    The next page is read when the next checkpoint is asked for, so that whoever asks may stop or wait in between. The
    first pass reads at half the price where the source can; a later one looks for what that missed. Raises what the
    source and `settles` raise.
    """
    for page in pages.pages(at.cursor, consistent=at.passes > 0):
        outcomes = settles.settle(page.work)
        at = meter.read(
            replace(
                at,
                passes=at.passes + (page.cursor is None),
                cursor=page.cursor,
                counters=at.counters + _counted(page, outcomes),
            )
        )
        yield at


def _counted(page: Page[W], outcomes: Sequence[Outcome]) -> Counters:
    each = Counter(outcomes)
    return Counters(
        scanned=page.scanned,
        updated=each[Outcome.UPDATED],
        already=each[Outcome.ALREADY] + page.scanned - len(page.work),
        deleted=each[Outcome.DELETED],
        failed=each[Outcome.FAILED],
    )
