"""What commands answer as tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from cli import fitting
from cli.errors import field_error
from cli.fitting import Column, plain
from cli.output import printable
from cli.sending import GOOD, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.table import Table

MAX_PROBLEMS: Final = 20
_READABLE_DATA: Final = 32
_COLUMNS: Final = {
    "time": ("time", 0),
    "type": ("type", 0),
    "sponsor": ("sponsor_id", 2),
    "sponsorship": ("sponsorship_id", 1),
    "subscriber": ("subscriber_id", 3),
    "source": ("source", 6),
    "id": ("id", 4),
    "recorded at": ("recorded_at", 7),
    "data": ("data", 5),
}
"""The columns of records: the field of each, and when it is left out where there is no room, the highest first."""


def show_records(records: Sequence[Mapping[str, Any]], *, without: str) -> None:
    """Print records, one line each, without the column that has the same value in all of them."""
    fitting.show(
        [
            Column(
                title,
                tuple(cell(record.get(name, "")) for record in records),
                rank=rank,
                is_whole=title in {"time", "type", "recorded at"},
                needs=_READABLE_DATA if title == "data" else fitting.READABLE,
                is_cut=title == "data",
            )
            for title, (name, rank) in _COLUMNS.items()
            if name != without
        ]
    )


def show_groups(groups: Sequence[Mapping[str, Any]]) -> None:
    """Print somebody's groups, one line each; a dot marks those with something unread."""
    names = [
        each.get("other_display_name", each.get("title", ""))
        + (f" ({each['other_handle']})" if "other_handle" in each else "")
        for each in groups
    ]
    fitting.show(
        [
            Column("", tuple(Text("•" if each["unread"] else "") for each in groups), is_whole=True),
            Column("with", tuple(map(cell, names))),
            Column("last message", tuple(cell(each.get("last_message", "")) for each in groups), rank=1),
            Column("at", tuple(cell(each["last_message_at"]) for each in groups), rank=2, is_whole=True),
            Column("group", tuple(cell(each["group_uuid"]) for each in groups), is_whole=True),
        ]
    )


def of_record(record: Mapping[str, Any]) -> Table:
    """One record, a field per line."""
    table = fitting.pairs()
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
