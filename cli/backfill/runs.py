"""`switchboard backfill status`, `pause`, `resume`, `rate` and `replay`: runs by their ids."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import options, output, tables
from cli.backfill import fields
from cli.backfill.executions import execute, new_run_id
from cli.backfill.machine import Machine
from cli.backfill.progress import RunProgress, facts, is_over, runs_table
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.backfill.errors import InvalidInput
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.session import Target
    from cli.tools import Tools
    from switchboard.backfill.runs_table import RunsTable, RunStatus

_POLL_SECONDS = 1.0
_GOOD = (runs.RUNNING, runs.SUCCEEDED)


def status(
    context: typer.Context,
    run: fields.RunId,
    *,
    wait: fields.Wait = False,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Show how far a run is, or how it ended. Ends with 5 where it ended other than verified."""
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    table = runs_table(target, tools)
    found = _status(table.status, run)
    if wait:
        with RunProgress(target, tools, run) as progress:
            while not is_over(found):
                progress.update()
                tools.sleep(_POLL_SECONDS)
                found = _status(table.status, run)
    shown = facts(found, tools.clock())
    if as_json:
        sys.stdout.write(json.dumps(shown) + "\n")
    else:
        output.results().print(tables.of_record(_readable(shown)))
    if found.status not in _GOOD:
        raise typer.Exit(Code.PARTLY)


def pause(
    context: typer.Context,
    run: fields.RunId,
    *,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print how the run stands as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Let a run end with its place saved, after the pages that it is in. `resume` continues it."""
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    _running(target, tools, run)
    table = runs_table(target, tools)
    table.pause(run)
    output.say(f"It pauses after the pages that it is in: switchboard backfill status {run} --stage {target.stage}")
    if as_json:
        _tell(table, tools, run)


def resume(
    context: typer.Context,
    run: fields.RunId,
    *,
    wait: fields.Wait = False,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Continue a run that was paused or broke off, where it was."""
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    table = runs_table(target, tools)
    found = _status(table.status, run)
    # A run says that it is running until its lease ends; an execution that was stopped could not say otherwise.
    goes_on = found.status == runs.RUNNING and Machine(target).goes_on(table.record(run).execution)
    if goes_on and not found.pausing:
        raise Failure(Code.REFUSED, "The run goes on already.", remedy="Watch it: switchboard backfill status RUN")
    if found.status in {runs.SUCCEEDED, runs.INCOMPLETE, runs.FAILED}:
        raise Failure(
            Code.REFUSED, f"The run is over: {found.status}.", remedy="`switchboard backfill start` starts another."
        )
    if goes_on:
        table.unpause(run)
        output.say(f"It does not pause: switchboard backfill status {run} --stage {target.stage}")
        if as_json:
            _tell(table, tools, run)
        return
    asked = {"job": runs.RESUME, "run": run}
    execute(target, tools, run, asked, name=new_run_id(tools), wait=wait, as_json=as_json)


def rate(
    context: typer.Context,
    run: fields.RunId,
    units: Annotated[
        float,
        typer.Argument(metavar="UNITS", min=1, help="Write units per second of the whole run.", show_default=False),
    ],
    *,
    max_read_units: fields.ReadUnits = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print how the run stands as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Change how fast a run goes, from its next pages on. What its table allows remains the most."""
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    found = _running(target, tools, run)
    table = runs_table(target, tools)
    table.set_rate(run, write_units=units, read_units=max_read_units)
    granted = _status(table.status, run)
    reads = f" and {granted.read_rate:g} read" if max_read_units is not None else ""
    output.say(
        f"From {found.write_rate:g} to {granted.write_rate:g} write{reads} units per second, from its next pages on."
    )
    if granted.write_rate < units or (max_read_units is not None and granted.read_rate < max_read_units):
        output.say("That is half of what its table has provisioned, and the most that a run may take.")
    if as_json:
        _tell(table, tools, run)


def replay(
    context: typer.Context,
    run: fields.RunId,
    *,
    wait: fields.Wait = False,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Try again the items of a run that failed, as a run of its own."""
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    run_id = new_run_id(tools)
    execute(target, tools, run_id, {"job": runs.REPLAY, "run": run}, name=run_id, wait=wait, as_json=as_json)


def _tell(table: RunsTable, tools: Tools, run: str) -> None:
    sys.stdout.write(json.dumps(facts(_status(table.status, run), tools.clock())) + "\n")


def _running(target: Target, tools: Tools, run: str) -> RunStatus:
    table = runs_table(target, tools)
    found = _status(table.status, run)
    if is_over(found) or Machine(target).goes_on(table.record(run).execution) is False:
        raise Failure(
            Code.REFUSED,
            f"Nobody works on this run: {found.status if is_over(found) else 'its execution was stopped'}.",
            remedy="A paused or stopped one continues with: switchboard backfill resume RUN",
        )
    return found


def _status(read: Any, run: str) -> RunStatus:
    with run_of_that_id():
        found: RunStatus = read(run)
        return found


@contextmanager
def run_of_that_id() -> Iterator[None]:
    """Ask for a run by its id: where there is none the command ends with not found."""
    try:
        yield
    except InvalidInput:
        raise Failure(
            Code.NOT_FOUND, "There is no run of that id.", remedy="`backfill start` prints it; runs are kept for ever."
        ) from None


def _readable(shown: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing, and the report last: its numbers are the counters again."""
    counters = shown["counters"]
    kept = {name: value for name, value in shown.items() if value not in (None, False) and name != "report"}
    kept.pop("counters")
    return {**kept, **counters}
