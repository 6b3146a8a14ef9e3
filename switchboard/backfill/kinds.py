"""What a kind of job is: how it is planned, and what its workers do.

A `Kind` is two functions. `plan` reads the execution's input once, refuses it, or says what the run has to know; `work`
makes the source and the settler of one segment out of what was planned, without asking anybody again. The registry of
all kinds is `switchboard.backfill.jobs.KINDS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Protocol

from switchboard.backfill.engine import W

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from switchboard.backfill.engine import Pages, Settles
    from switchboard.backfill.pace import PageSize
    from switchboard.backfill.records import RunRecord
    from switchboard.backfill.runs_table import RunsTable
    from switchboard.backfill.units import Units
    from switchboard.backfill.waiting import Waiting
    from switchboard.dynamo.values import AttributeValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the deployment calls things.

    `targets` are the tables that `set_attribute` may change, by the names requests give them; `legacy_tables` may be
    imported. `cdr_retention_days` is None where call data records are kept for ever.
    """

    runs_table: str
    reports_bucket: str
    targets: Mapping[str, str] = field(default_factory=dict)
    legacy_tables: tuple[str, ...] = ()
    messages_table: str = ""
    cdr_table: str = ""
    cdr_retention_days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """What a job works with. `now` tells the time of day, in UTC."""

    dynamodb: DynamoDBClient
    runs: RunsTable
    s3: S3Client
    names: Names
    waiting: Waiting
    now: Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a run has to know of its job.

    `table` is locked for the run. `stored` is JSON, kept with the run: all that `work` needs. `write_units` and
    `read_units` are the run's per second, `most_…` the upper bounds for a later change (None: there is none).
    `items` and `table_bytes` are what is to be read, as AWS last counted it; `most_segments` bounds how many workers
    may share it. `lookup_seconds` is what the count takes at least where it reads something else as well.
    """

    table: str
    stored: Mapping[str, Any]
    items: int
    table_bytes: int
    write_units: float
    read_units: float
    most_write_units: float | None = None
    most_read_units: float | None = None
    most_segments: int | None = None
    lookup_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One segment's share of a run, as one worker settles it.

    `version` counts the checkpoints of the segment at the time it is asked; `claim` is a number that no other worker of
    the segment ever has, so that objects named by both are never another's. `size` says before each page how long
    it is. `writes`, `reads` and `waiting` are the worker's own.
    """

    run_id: str
    segment: int
    of: int
    number_of_pass: int
    claim: int
    version: Callable[[], int]
    size: PageSize
    writes: Units
    reads: Units
    waiting: Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Generic[W]):
    """The source and the settler of one segment; `key` names a piece of work in lists of keys, by key attributes."""

    pages: Pages[W]
    settles: Settles[W]
    key: Callable[[W], dict[str, AttributeValue]]


class Plans(Protocol):
    """How a kind of job is planned."""

    def __call__(self, fields: Mapping[str, Any], tools: Tools) -> Planned:
        """What the run has to know, from the input without its `job`, `dry_run` and `segments`.

        Raises `Refused` (`InvalidInput`, `NotATarget`, `RecoveryOff`), and what the clients raise.
        """


class Prepares(Protocol):
    """What a run of a kind of job needs besides, before it begins."""

    def __call__(self, planned: Planned, tools: Tools, *, run_id: str) -> Planned:
        """The plan with what was prepared. Nothing is locked yet, and the same run may ask again and again.

        Raises `Systemic`, what the clients raise, and anything to be asked again later.
        """


class Works(Protocol):
    """How a worker of a kind of job comes by its work."""

    def __call__(self, stored: Mapping[str, Any], part: Part, tools: Tools) -> Work[Any]:
        """The work of one segment; makes no request."""


class Costs(Protocol):
    """How a dry run of a kind of job is answered."""

    def __call__(
        self, planned: Planned, tools: Tools, *, run_id: str, segments: int, concurrency: int
    ) -> dict[str, Any]:
        """The answer: `run_id`, `status`, `items`, `items_to_change`, both units, `usd`, `seconds`, `segments`."""


class Tells(Protocol):
    """What the report of a kind of job says beside what every report does."""

    def __call__(self, run: RunRecord, tools: Tools) -> dict[str, Any]:
        """Further fields of the report, as JSON. Raises what the clients raise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of job; where it `counts_only`, it changes nothing: its run begins and ends with the count."""

    plan: Plans
    work: Works
    cost: Costs | None = None
    prepare: Prepares | None = None
    tell: Tells | None = None
    counts_only: bool = False
