"""What a backfill takes: capacity units, time, invocations, state transitions and money, before anything is changed.

Everything here is arithmetic. The dry run of a plan feeds it a sample of the table, and `docs/backfill-at-scale.md`
tables of a size.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.amplification import READ_UNIT_BYTES
from switchboard.schema import runs

if TYPE_CHECKING:
    from switchboard.prices import Prices

PAGE_BYTES: Final = 1_048_576
"""A scan's page ends after so many bytes (docs: "Scanning tables in DynamoDB")."""
GB: Final = 1_073_741_824

HISTORY_EVENTS: Final = 25_000
"""How many events an execution may record before it fails (docs: "Step Functions service quotas")."""
TASK_EVENTS: Final = 5
"""Entered, scheduled, started, succeeded, exited."""
CHOICE_EVENTS: Final = 2
MAP_EVENTS: Final = 4
"""Entered, started, succeeded, exited; of a distributed one, whose run starts and succeeds, two more."""
MAP_RUN_EVENTS: Final = 2
ITERATION_EVENTS: Final = 2
EXECUTION_EVENTS: Final = 2

_JOURNAL_OBJECTS: Final = 2
"""Candidates before a page is written, outcomes after it."""
_CONTROL_READ_UNITS: Final = 3
"""The lock, the run and what the operator wishes: read before each page, strongly consistent, under 4 KB each."""
_CHECKPOINT_WRITE_UNITS: Final = 1
_JSON_BYTES_PER_KEY: Final = 40
"""Names, types and punctuation around the text of a key of two attributes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What there is to do: `item_bytes` and `key_bytes` are means, `update_units` are write units of one update.

    Without `on_demand` capacity is paid for by the hour whether it is used or not, so units cost nothing more. With
    `stream` each update is also a record of the table's stream, which costs what its readers do with it.
    """

    items: int
    items_to_change: int
    item_bytes: float
    key_bytes: float
    update_units: float
    on_demand: bool = True
    stream: bool = False
    from_export: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How it is done: the run's write and read units per second, its segments and how many of them work at once.

    A worker writes at most `worker_units` per second. One invocation works for `usable_seconds` with `memory_gb`, and
    settles up to `page_items` before it keeps its cursor.
    """

    write_units: float
    read_units: float
    segments: int
    concurrency: int
    worker_units: float
    usable_seconds: float
    memory_gb: float
    page_items: int

    @property
    def workers(self) -> int:
        """How many segments are worked on at once."""
        return min(self.concurrency, self.segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What it takes: `seconds` end to end, `events` of the execution's history if its map runs inline."""

    items: int
    items_to_change: int
    segments: int
    write_units: float
    read_units: float
    seconds: float
    invocations: int
    gb_seconds: float
    transitions: int
    events: int
    child_events: int
    pages: int
    objects: int
    journal_bytes: float
    stream_records: int
    dollars: dict[str, float]

    @property
    def usd(self) -> float:
        """Everything together, in US dollars."""
        return sum(self.dollars.values())

    def as_answer(self, run_id: str) -> dict[str, Any]:
        """The answer of a dry run: units are capacity units of the table and its indexes."""
        return {
            "run_id": run_id,
            "status": runs.PLANNED,
            "items": self.items,
            "items_to_change": self.items_to_change,
            "write_units": round(self.write_units),
            "read_units": round(self.read_units),
            "usd": round(self.usd, 2),
            "seconds": round(self.seconds),
            "segments": self.segments,
        }


def cost(work: Work, pace: Pace, prices: Prices) -> Cost:
    """The cost of one pass over the table and of the strongly consistent count after it."""
    table_units = work.items * work.item_bytes / READ_UNIT_BYTES
    scan_units = 0.0 if work.from_export else table_units / 2
    write_units = work.items_to_change * work.update_units
    write_rate = min(pace.write_units, pace.workers * pace.worker_units)
    working = max(write_units / write_rate, scan_units / pace.read_units)
    counting = table_units / pace.read_units
    invocations = _invocations(working, pace) + _invocations(counting, pace)
    pages = _pages(work, pace)
    journalled = min(pages, work.items_to_change)
    journal_bytes = _JOURNAL_OBJECTS * work.items_to_change * (work.key_bytes + _JSON_BYTES_PER_KEY)
    gb_seconds = (working + counting) * pace.workers * pace.memory_gb
    transitions = _transitions(invocations, pace.segments)
    return Cost(
        items=work.items,
        items_to_change=work.items_to_change,
        segments=pace.segments,
        write_units=write_units,
        read_units=scan_units + table_units,
        seconds=working + counting,
        invocations=invocations + _STEPS_OUTSIDE,
        gb_seconds=gb_seconds,
        transitions=transitions,
        events=planned_events(invocations, pace.segments),
        child_events=EXECUTION_EVENTS + ceil(_invocations(working, pace) / pace.segments) * _EVENTS_PER_INVOCATION,
        pages=pages,
        objects=_JOURNAL_OBJECTS * journalled,
        journal_bytes=journal_bytes,
        stream_records=work.items_to_change if work.stream else 0,
        dollars={
            "write units": write_units * prices.dynamodb_write_unit * work.on_demand,
            "read units": (scan_units + table_units) * prices.dynamodb_read_unit * work.on_demand,
            "export": work.from_export * work.items * work.item_bytes / GB * prices.dynamodb_export_gb,
            "Lambda": gb_seconds * prices.lambda_gb_second + invocations * prices.lambda_request,
            "state transitions": transitions * prices.step_functions_transition,
            "journal": _JOURNAL_OBJECTS * journalled * prices.s3_put,
            "checkpoints": pages
            * (_CHECKPOINT_WRITE_UNITS * prices.dynamodb_write_unit + _CONTROL_READ_UNITS * prices.dynamodb_read_unit),
        },
    )


_EVENTS_PER_INVOCATION: Final = TASK_EVENTS + CHOICE_EVENTS
_TRANSITIONS_PER_INVOCATION: Final = 2
"""The task, and the choice whether to call it again."""
_STEPS_OUTSIDE: Final = 4
"""Plan, verify after the work and after the count, report."""
_CHOICES_OUTSIDE: Final = 3
"""After the plan, and after each verify."""
_MAPS: Final = 2
"""The work and the count."""


def planned_events(invocations: int, segments: int) -> int:
    """Events of the history of a run whose segments are called so often in all, in a map that runs inline."""
    outside = EXECUTION_EVENTS + _STEPS_OUTSIDE * TASK_EVENTS + _CHOICES_OUTSIDE * CHOICE_EVENTS
    maps = _MAPS * (MAP_EVENTS + segments * ITERATION_EVENTS)
    return outside + maps + invocations * _EVENTS_PER_INVOCATION


def _transitions(invocations: int, segments: int) -> int:
    """State transitions, those of a distributed map's child executions and their starts counted as if it were one."""
    outside = _STEPS_OUTSIDE + _CHOICES_OUTSIDE + _MAPS
    return outside + _MAPS * segments + invocations * _TRANSITIONS_PER_INVOCATION


def _invocations(seconds: float, pace: Pace) -> int:
    """How often segments are called in a phase that lasts so long: each at least once, and again after its time."""
    of_a_segment = seconds * pace.workers / pace.segments
    return pace.segments * max(1, ceil(of_a_segment / pace.usable_seconds))


def _pages(work: Work, pace: Pace) -> int:
    """Pages of the work phase; those of the count keep a checkpoint as well, one for each megabyte."""
    most = min(pace.page_items, max(1, PAGE_BYTES // ceil(max(work.item_bytes, 1))))
    if work.from_export:
        most = pace.page_items
    return ceil(work.items / most)
