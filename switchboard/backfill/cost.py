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
"""Entered, scheduled, started, succeeded, exited (docs: "HistoryEvent"); every other state enters and exits."""
CHOICE_EVENTS: Final = 2
PASS_EVENTS: Final = 2
MAP_EVENTS: Final = 4
"""Entered, started, succeeded, exited; the run of a distributed one starts and succeeds as well."""
MAP_RUN_EVENTS: Final = 2
ITERATION_EVENTS: Final = 2
EXECUTION_EVENTS: Final = 2

_PHASES: Final = 2
"""The work and the count, each a map."""
STEPS: Final = 2 + _PHASES
"""Plan, a verification after each phase, report."""
_CHOICES: Final = 1 + 2 * _PHASES
"""Whether only a plan was wanted; which map each phase takes, and what follows it."""
_EVENTS_OF_PASS: Final = _PHASES * (TASK_EVENTS + 2 * CHOICE_EVENTS + MAP_EVENTS)
_EVENTS_OUTSIDE: Final = EXECUTION_EVENTS + 2 * TASK_EVENTS + CHOICE_EVENTS
"""Plan, report, and whether only a plan was wanted."""
_EVENTS_OF_CALL: Final = TASK_EVENTS + CHOICE_EVENTS
_TRANSITIONS_OF_CALL: Final = 2
"""The task, and the choice whether to call it again."""

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

    `lookup_units` are read units of the count beside those of the table that it goes through: what another table's
    items cost that it reads back.

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
    lookup_units: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How it is done: the run's write and read units per second, its segments and how many of them work at once.

    A worker writes at most `worker_units` per second. One invocation works for `usable_seconds` with `memory_gb`, and
    examines up to `page_items` before it keeps its cursor. A `distributed` map gives each segment a history of its own.
    `lookup_rate` is how many units per second the count may read back, None for `read_units`.
    """

    write_units: float
    read_units: float
    segments: int
    concurrency: int
    worker_units: float
    usable_seconds: float
    memory_gb: float
    page_items: int
    distributed: bool = False
    lookup_rate: float | None = None

    @property
    def workers(self) -> int:
        """How many segments are worked on at once."""
        return min(self.concurrency, self.segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What it takes: `seconds` end to end, `events` in the longest history, `objects` that the journal consists of."""

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
        """The answer of a dry run: units are capacity units of the table and its indexes, `seconds` with the count.

        US dollars to four digits that matter: a small run costs less than a cent.
        """
        return {
            "run_id": run_id,
            "status": runs.PLANNED,
            "items": self.items,
            "items_to_change": self.items_to_change,
            "write_units": round(self.write_units),
            "read_units": round(self.read_units),
            "usd": float(f"{self.usd:.4g}"),
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
    # Each of the two has a budget of its own, and waits for it while the other works.
    counting = max(table_units / pace.read_units, work.lookup_units / (pace.lookup_rate or pace.read_units))
    read_units = scan_units + table_units + work.lookup_units
    calls = _calls(working, pace) + _calls(counting, pace)
    pages = _pages(work, pace)
    objects = _JOURNAL_OBJECTS * min(pages, work.items_to_change)
    gb_seconds = (working + counting) * pace.workers * pace.memory_gb
    transitions = _transitions(calls, pace)
    invocations = calls + STEPS
    return Cost(
        items=work.items,
        items_to_change=work.items_to_change,
        segments=pace.segments,
        write_units=write_units,
        read_units=read_units,
        seconds=working + counting,
        invocations=invocations,
        gb_seconds=gb_seconds,
        transitions=transitions,
        events=longest_history(_calls(working, pace), pace)
        if pace.distributed
        else planned_events(calls, pace.segments),
        pages=pages,
        objects=objects,
        journal_bytes=_JOURNAL_OBJECTS * work.items_to_change * (work.key_bytes + _JSON_BYTES_PER_KEY),
        stream_records=work.items_to_change if work.stream else 0,
        dollars={
            "write units": write_units * prices.dynamodb_write_unit * work.on_demand,
            "read units": read_units * prices.dynamodb_read_unit * work.on_demand,
            "export": work.from_export * work.items * work.item_bytes / GB * prices.dynamodb_export_gb,
            "Lambda": gb_seconds * prices.lambda_gb_second + invocations * prices.lambda_request,
            "state transitions": transitions * prices.step_functions_transition,
            "journal": objects * prices.s3_put,
            "checkpoints": (pages + _pages_counted(work))
            * (_CHECKPOINT_WRITE_UNITS * prices.dynamodb_write_unit + _CONTROL_READ_UNITS * prices.dynamodb_read_unit),
        },
    )


def planned_events(calls: int, segments: int, *, passes: int = 1) -> int:
    """Events in the history of a run whose map runs inline, and whose segments are called so often in all passes."""
    of_pass = _EVENTS_OF_PASS + _PHASES * segments * (ITERATION_EVENTS + PASS_EVENTS)
    return _EVENTS_OUTSIDE + passes * of_pass + calls * _EVENTS_OF_CALL


def longest_history(calls: int, pace: Pace) -> int:
    """Events in the longest history of a run whose map is distributed: its own, or that of a segment's execution."""
    of_segment = EXECUTION_EVENTS + ceil(calls / pace.segments) * _EVENTS_OF_CALL + PASS_EVENTS
    return max(_EVENTS_OUTSIDE + _EVENTS_OF_PASS + _PHASES * MAP_RUN_EVENTS, of_segment)


def _transitions(calls: int, pace: Pace) -> int:
    """State transitions; those of a distributed map's executions are charged alike, and so are their starts."""
    of_segment = 1 + pace.distributed
    return STEPS + _CHOICES + _PHASES + _PHASES * pace.segments * of_segment + calls * _TRANSITIONS_OF_CALL


def _calls(seconds: float, pace: Pace) -> int:
    """How often segments are called in a phase that lasts so long: each at least once, and again after its time."""
    of_segment = seconds * pace.workers / pace.segments
    return pace.segments * max(1, ceil(of_segment / pace.usable_seconds))


def _pages(work: Work, pace: Pace) -> int:
    """Pages of the work; an export has no pages of its own."""
    in_a_page = PAGE_BYTES if work.from_export else PAGE_BYTES / max(work.item_bytes, 1)
    return ceil(work.items / min(pace.page_items, max(1, in_a_page)))


def _pages_counted(work: Work) -> int:
    return ceil(work.items * work.item_bytes / PAGE_BYTES)
