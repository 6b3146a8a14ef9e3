"""How far a run is, while it is watched."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, Self

from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from cli import output
from cli.backfill.fields import waiting_of
from switchboard.backfill.errors import InvalidInput
from switchboard.backfill.runs_table import RunsTable
from switchboard.schema import deployment, runs
from switchboard.times import parse_rfc3339

if TYPE_CHECKING:
    from cli.session import Target
    from cli.tools import Tools
    from switchboard.backfill.runs_table import RunStatus

PLANNING: Final = "Planning"
"""What a run does before it can be found."""
_BAR_COLUMNS: Final = 30
_ENDED: Final = (runs.SUCCEEDED, runs.INCOMPLETE, runs.FAILED, runs.PAUSED, runs.STOPPED)
_MINUTE: Final = 60
_HOUR: Final = 3_600


def runs_table(target: Target, tools: Tools) -> RunsTable:
    """The stage's runs. Raises `Failure` (not found) where the stage published none."""
    return RunsTable(
        target.client("dynamodb"),
        target.parameter(deployment.RUNS_TABLE_PATH),
        waiting=waiting_of(tools),
        now=tools.clock,
    )


def is_over(status: RunStatus) -> bool:
    """Whether nobody works on the run."""
    return status.status in _ENDED


def facts(status: RunStatus, now: datetime) -> dict[str, Any]:
    """How a run stands, as JSON; `items_per_second` counts from its beginning, pauses included.

    `items` is what the table held when AWS last counted, and so `remaining_seconds` is a guess.
    """
    elapsed = max((_ended(status, now) - parse_rfc3339(status.started_at)).total_seconds(), 0.001)
    rate = status.counters.scanned / elapsed
    left = status.items - status.counters.scanned
    return {
        "run_id": status.run_id,
        "status": status.status,
        "job": status.job,
        "table": status.table,
        "phase": status.phase,
        "pass": status.number_of_pass,
        "counters": {name: getattr(status.counters, name) for name in status.counters.__dataclass_fields__},
        "items": status.items,
        "items_per_second": round(rate, 1),
        "remaining_seconds": round(left / rate) if rate and left > 0 and not is_over(status) else None,
        "write_units": round(status.write_units, 1),
        "read_units": round(status.read_units, 1),
        "max_write_units": status.write_rate,
        "max_read_units": status.read_rate,
        "segments": status.segments,
        "segments_done": status.segments_done,
        "missing": status.missing,
        "pausing": status.pausing and not is_over(status),
        "started_at": status.started_at,
        "updated_at": status.updated_at,
        "error": status.error,
        "cause": status.cause,
        "report": status.report,
    }


class RunProgress:
    """A line that tells how far a run is; on a terminal only, and gone when the run is over."""

    def __init__(self, target: Target, tools: Tools, run_id: str) -> None:
        self._runs = runs_table(target, tools)
        self._clock = tools.clock
        self._run_id = run_id
        self._live = Live(Spinner("dots", Text(PLANNING)), console=output.progress(), transient=True)

    def __enter__(self) -> Self:
        if self._live.console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self) -> None:
        """Show how far the run is now; before it was planned that it is."""
        if self._live.is_started:
            with suppress(InvalidInput):
                self._live.update(_line(facts(self._runs.status(self._run_id), self._clock())), refresh=True)


def _line(shown: dict[str, Any]) -> Table:
    line = Table.grid(padding=(0, 2))
    counters, items = shown["counters"], shown["items"]
    remaining = shown["remaining_seconds"]
    line.add_row(
        Text(f"{shown['phase']} {shown['pass']}" if shown["phase"] == runs.WORK else "counting", style="bold"),
        ProgressBar(total=max(items, counters["scanned"], 1), completed=counters["scanned"], width=_BAR_COLUMNS),
        Text(f"{counters['scanned']:,} of {items:,} items"),
        Text(f"{shown['items_per_second']:,.0f}/s"),
        Text(f"{shown['write_units']:,.0f} write units (at most {shown['max_write_units']:,.0f}/s)"),
        Text(f"segments {shown['segments_done']}/{shown['segments']}"),
        Text(f"{_duration(remaining)} left" if remaining is not None else ""),
        Text("pausing" if shown["pausing"] else "", style="yellow"),
    )
    return line


def _duration(seconds: float) -> str:
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < _HOUR else f"{seconds / _HOUR:.1f} h"


def _ended(status: RunStatus, now: datetime) -> datetime:
    return parse_rfc3339(status.updated_at).astimezone(UTC) if is_over(status) else now
