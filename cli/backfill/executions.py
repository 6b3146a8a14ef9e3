"""Starting an execution, and watching a run."""

from __future__ import annotations

import json
import sys
from math import inf
from typing import TYPE_CHECKING, Any, Final

import typer

from cli import output
from cli.backfill.answers import failure, tell
from cli.backfill.budgets import say_granted
from cli.backfill.machine import Ended, Machine
from cli.backfill.progress import PLANNING, RunProgress, runs_table
from cli.errors import Code
from switchboard.ids import compose_uuid7
from switchboard.messages.sort_keys import milliseconds
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.session import Target
    from cli.tools import Tools
    from switchboard.backfill.records import RunRecord

_RANDOM_BITS: Final = 74
_POLL_SECONDS: Final = 1.0
_POLLS: Final = 30


def new_run_id(tools: Tools) -> str:
    """An id for a new run, or for an execution: they sort by time."""
    return compose_uuid7(milliseconds(tools.clock()), tools.random_bits(_RANDOM_BITS))


def execute(
    target: Target,
    tools: Tools,
    run_id: str,
    request: Mapping[str, Any],
    *,
    name: str,
    wait: bool,
    as_json: bool,
) -> None:
    """Start an execution that works on the run `run_id`; with `wait`, watch it to its end and print its report.

    Raises `Failure` where it is refused or stops, `typer.Exit` (partly done) where it ends otherwise.
    """
    machine = Machine(target)
    execution = machine.start(name, request)
    try:
        ended, found = _begun(target, tools, machine, execution, run_id)
        _say_granted(request, ended, found if name == run_id else None)
        if wait and ended is None:
            ended = _watched(target, tools, machine, execution, run_id)
    except KeyboardInterrupt:
        output.say(f"It goes on without you: switchboard backfill status {run_id} --stage {target.stage}")
        raise typer.Exit(Code.PARTLY) from None
    if ended is not None:
        found = runs_table(target, tools).find(run_id)
    job = found.job if found else request[runs.JOB]
    if ended is not None and ended.report is None:
        # A refusal before the beginning leaves no run of a new name, and an earlier one to its own execution.
        began = found is not None and (name == run_id or found.execution == execution)
        raise failure(ended, job=job, began=began, as_json=as_json)
    if ended is not None and ended.report is not None and wait:
        tell(ended.report, job=job, as_json=as_json)
    elif as_json:
        sys.stdout.write(json.dumps({"run_id": run_id, "status": runs.RUNNING}) + "\n")
    else:
        output.result(run_id)
        output.say(f"Watch it: switchboard backfill status {run_id} --stage {target.stage}")


def _watched(target: Target, tools: Tools, machine: Machine, execution: str, run_id: str) -> Ended:
    with RunProgress(target, tools, run_id) as progress:
        while (ended := machine.ended(execution)) is None:
            tools.sleep(_POLL_SECONDS)
            progress.update()
    return ended


def _begun(
    target: Target, tools: Tools, machine: Machine, execution: str, run_id: str
) -> tuple[Ended | None, RunRecord | None]:
    """Wait until the execution has the run, so that other commands find it, or has ended, so that a refusal is told.

    Answers how it ended and the run. One that needs longer, as for an export of the table, is left to itself: then it
    is said to run.
    """
    table = runs_table(target, tools)
    with output.waiting(PLANNING):
        for _ in range(_POLLS):
            ended = machine.ended(execution)
            found = table.find(run_id)
            if ended is not None or (found is not None and found.execution == execution):
                return ended, found
            tools.sleep(_POLL_SECONDS)
    return None, None


def _say_granted(request: Mapping[str, Any], ended: Ended | None, found: RunRecord | None) -> None:
    if found is not None:
        say_granted(request, write_units=found.write_units, read_units=found.read_units)
    elif ended is not None and ended.report is not None and ended.report.get("status") == runs.PLANNED:
        write_units, read_units = [ended.report.get(name, inf) for name in (runs.MAX_WRITE_UNITS, runs.MAX_READ_UNITS)]
        say_granted(request, write_units=write_units, read_units=read_units)
