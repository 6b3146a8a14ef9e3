"""What commands answer as tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rich.table import Table
from rich.text import Text

from cli.errors import field_error
from cli.output import printable
from cli.sending import GOOD, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAX_PROBLEMS: Final = 20
_COLUMNS: Final = {
    "time": "time",
    "type": "type",
    "sponsor": "sponsor_id",
    "sponsorship": "sponsorship_id",
    "subscriber": "subscriber_id",
    "source": "source",
    "id": "id",
    "recorded at": "recorded_at",
}


def plain() -> Table:
    """A table with bold titles and no frame."""
    return Table(show_edge=False, pad_edge=False, header_style="bold")


def of_records(records: Sequence[Mapping[str, Any]], *, without: str) -> Table:
    """Records, one line each, without the column that has the same value in all of them."""
    table = plain()
    shown = {title: name for title, name in _COLUMNS.items() if name != without}
    for title in shown:
        table.add_column(title, overflow="fold", no_wrap=title in {"time", "type"})
    table.add_column("data", overflow="ellipsis", no_wrap=True)
    for record in records:
        table.add_row(*(cell(record.get(name, "")) for name in shown.values()), cell(record.get("data", {})))
    return table


def of_record(record: Mapping[str, Any]) -> Table:
    """One record, a field per line."""
    table = Table(show_header=False, show_edge=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in record.items():
        table.add_row(name.replace("_", " "), cell(value))
    return table


def of_outcome(outcome: Outcome) -> Table:
    """How many records have each status."""
    table = plain()
    table.add_column("status")
    table.add_column("records", justify="right")
    for status, count in outcome.counts.items():
        if count:
            table.add_row(Text(status, style="green" if status in GOOD else "red"), f"{count:,}")
    table.add_section()
    table.add_row("received", f"{outcome.received:,}")
    return table


def problems(results: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line per record that is not done, field errors included; the first twenty, and how many more there are."""
    bad = [result for result in results if result["status"] not in GOOD]
    lines = [_problem(result) for result in bad[:MAX_PROBLEMS]]
    if len(bad) > MAX_PROBLEMS:
        lines.append(f"… and {len(bad) - MAX_PROBLEMS:,} more; --json lists all.")
    return lines


def _problem(result: Mapping[str, Any]) -> str:
    name = f"record {result['index']}" + (f" ({result['id']})" if result.get("id") else "")
    errors = "; ".join(field_error(error) for error in result.get("errors", ()))
    return ": ".join(part for part in (name, result["status"], result.get("code", ""), errors) if part)


def cell(value: Any) -> Text:
    """A value as a terminal may show it: text as it is, anything else as JSON."""
    return Text(printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))
