"""What the runs table keeps: of a table's lock, of a run, of each of its segments, and of what operators wish."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

from switchboard.backfill.engine import Checkpoint, Counters
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.backfill.runs_store import ItemKey

INVOCATION_SECONDS: Final = 900
"""The longest that Lambda lets a worker live. Nothing else bounds its page: one that is throttled waits for as long as
some of its items get through, so whoever must not meet a page in flight waits for so long."""
LEASE_SECONDS: Final = 1_200
"""How long a lock outlives its holder's last sign of life: more than an invocation may take, so that a worker that lost
it without knowing has ended before another run begins."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Who may work on a table: the run, by the fence it was given; `until` is when the lease ends, in epoch seconds."""

    run_id: str = ""
    fence: int = 0
    until: int = 0

    @classmethod
    def of(cls, item: Mapping[str, Any] | None) -> Self:
        """A lock as it was read; nobody's where there is none."""
        return cls(item["run_id"], item["fence"], item["until"]) if item else cls()

    @property
    def seen(self) -> int:
        """When its holder gave the last sign of life, in epoch seconds."""
        return self.until - LEASE_SECONDS


@dataclass(frozen=True, slots=True)
class Controls:
    """What operators wish of a run; units per second of the whole run, None for those it began with."""

    paused: bool = False
    write_units: float | None = None
    read_units: float | None = None

    @classmethod
    def of(cls, item: Mapping[str, Any] | None) -> Self:
        """Controls as they were read; none where nobody wished anything."""
        item = item or {}
        return cls(bool(item.get("paused")), item.get("write_units"), item.get("read_units"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run.

    `input` is what it was started with and `stored` what its job needs, both JSON. `execution` is the execution that
    works on it now, `fence` the number by which the table's lock knows that one. `phase` and `number_of_pass` say what
    its segments do, the pass since `pass_started_at`; `unfinished` of them are not done with it. `most_…` bound what
    operators may ask for. `report` is there once it ended, `error` and `cause` where it broke off.
    """

    run_id: str
    execution: str
    job: str
    input: Mapping[str, Any]
    stored: Mapping[str, Any]
    table: str
    status: str
    phase: str
    number_of_pass: int
    fence: int
    segments: int
    concurrency: int
    distributed: bool
    unfinished: int
    write_units: float
    read_units: float
    most_write_units: float | None
    most_read_units: float | None
    items: int
    started_at: str = ""
    updated_at: str = ""
    pass_started_at: str = ""
    report: Mapping[str, Any] | None = None
    error: str | None = None
    cause: str | None = None

    @property
    def working(self) -> int:
        """How many workers share the budget, as far as anybody knows: all that may work at once and have work."""
        return max(1, min(self.concurrency, self.unfinished))

    @classmethod
    def of(cls, item: Mapping[str, Any]) -> Self:
        """A run as it was read."""
        fields: dict[str, Any] = {name: item.get(name) for name in cls.__dataclass_fields__}
        for name in _DOCUMENTS:
            fields[name] = json.loads(item[name]) if item.get(name) else None
        return cls(**{**fields, "run_id": str(item[runs.PK]).removeprefix(runs.RUN_PREFIX)})

    def item(self) -> dict[str, Any]:
        """The run's attributes without its key; documents as JSON, whose levels DynamoDB's limit does not bound."""
        attributes = asdict(self)
        del attributes["run_id"]
        for name in _DOCUMENTS:
            attributes[name] = None if attributes[name] is None else json.dumps(attributes[name])
        return {name: value for name, value in attributes.items() if value is not None}


_DOCUMENTS: Final = ("input", "stored", "report")


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRecord:
    """A segment of a run.

    `fence`, `phase` and `number_of_pass` say for what it was begun last, and `done` whether that is done. `claim`
    counts the workers that took it, of which only the last may write, and `attempts` those of this fence since the last
    checkpoint; `version` counts checkpoints. `at` is how far it is; in the count its place is that of the count, which
    found so many `missing`, a few of their keys in `samples`.
    """

    segment: int
    fence: int = 0
    phase: str = runs.WORK
    number_of_pass: int = 0
    done: bool = False
    claim: int = 0
    attempts: int = 0
    version: int = 0
    at: Checkpoint = field(default_factory=Checkpoint)
    missing: int = 0
    samples: tuple[Mapping[str, Any], ...] = ()
    updated_at: str = ""

    @classmethod
    def of(cls, segment: int, item: Mapping[str, Any] | None) -> Self:
        """A segment as it was read; one that nobody has begun where there is none."""
        if not item:
            return cls(segment=segment)
        return cls(
            segment=segment,
            fence=item["fence"],
            phase=item["phase"],
            number_of_pass=item["number_of_pass"],
            done=item["done"],
            claim=item["claim"],
            attempts=item["attempts"],
            version=item["version"],
            at=Checkpoint(
                passes=item["passes"],
                cursor=json.loads(item["cursor"]),
                counters=Counters(**item["counters"]),
                write_units=float(item["write_units"]),
                read_units=float(item["read_units"]),
                seconds=float(item["seconds"]),
            ),
            missing=item["missing"],
            samples=tuple(json.loads(item["samples"])),
            updated_at=item["updated_at"],
        )

    def is_at(self, phase: str, number_of_pass: int) -> bool:
        """Whether it was begun for this phase of this pass, by whichever execution."""
        return (self.phase, self.number_of_pass) == (phase, number_of_pass)

    def item(self) -> dict[str, Any]:
        """The segment's attributes without its key; capacity units and seconds to the thousandth."""
        return {
            "fence": self.fence,
            "phase": self.phase,
            "number_of_pass": self.number_of_pass,
            "done": self.done,
            "claim": self.claim,
            "attempts": self.attempts,
            "version": self.version,
            "passes": self.at.passes,
            "cursor": json.dumps(self.at.cursor),
            "counters": asdict(self.at.counters),
            "write_units": round(self.at.write_units, 3),
            "read_units": round(self.at.read_units, 3),
            "seconds": round(self.at.seconds, 3),
            "missing": self.missing,
            "samples": json.dumps(list(self.samples)),
            "updated_at": self.updated_at,
        }


def run_item(run_id: str) -> ItemKey:
    """Where a run is kept."""
    return runs.run_key(run_id), runs.RUN


def segment_item(run_id: str, segment: int) -> ItemKey:
    """Where a segment is kept."""
    return runs.run_key(run_id), runs.segment_key(segment)


def control_item(run_id: str) -> ItemKey:
    """Where it is kept what operators wish."""
    return runs.control_key(run_id), runs.CONTROL


def lock_item(table: str) -> ItemKey:
    """Where a table's lock is kept."""
    return runs.lock_key(table), runs.LOCK
