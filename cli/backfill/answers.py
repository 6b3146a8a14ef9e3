"""How a backfill's report is printed, and what a command ends with."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import typer

from cli import output, tables
from cli.errors import Code
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

_DONE: Final = (runs.SUCCEEDED, runs.PLANNED, runs.RUNNING)
_NEXT: Final = {
    runs.INCOMPLETE: "Writers keep adding items without the attribute: change them, and start again.",
    runs.FAILED: "Some items were refused, as too large items are; the others are done. Start again to try those.",
    runs.PAUSED: "It is paused; continue with: switchboard backfill resume {run_id}",
    runs.STOPPED: "It broke off; once that is mended: switchboard backfill resume {run_id}",
}


def tell(answer: Mapping[str, Any], *, as_json: bool) -> None:
    """Print what a run answers. Raises `typer.Exit` (partly done) where it is neither done nor going well."""
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
    else:
        shown = {**answer, **answer.get("counters", {})}
        shown.pop("counters", None)
        output.results().print(tables.of_record(shown))
    status = answer["status"]
    if status not in _DONE:
        output.say(_NEXT[status].format(run_id=answer["run_id"]))
        raise typer.Exit(Code.PARTLY)
