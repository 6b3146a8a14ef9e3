"""`switchboard backfill verify`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import direct, options, output
from cli.backfill import fields
from cli.backfill.executions import execute, new_run_id
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.backfill.job import SetAttribute
from switchboard.backfill.plan import described
from switchboard.backfill.source import Source
from switchboard.backfill.units import Units
from switchboard.schema import runs

if TYPE_CHECKING:
    from cli.session import Target
    from cli.tools import Tools


def verify(
    context: typer.Context,
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="The run's id.", show_default=False)] = None,
    *,
    table: Annotated[
        str | None,
        typer.Option(
            "--table", metavar="TABLE", help="Instead of RUN: messages, or a table's exact name, counted here."
        ),
    ] = None,
    attribute: fields.AttributeName = None,
    prefix: fields.Prefix = None,
    max_read_units: fields.ReadUnits = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the count as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Count the items that lack the attribute, with strongly consistent reads. Ends with 5 where there are any.

    The stage's state machine counts what a run should have left; with --table and --attribute, this process does.
    """
    if (run is None) is (table is None):
        raise Failure(Code.USAGE, "Say what to count.", remedy="Give a run's id, or else --table and --attribute.")
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    if run is not None:
        asked: dict[str, Any] = {"job": runs.VERIFY, runs.RUN_FIELD: run}
        if max_read_units is not None:
            asked[runs.MAX_READ_UNITS] = max_read_units
        run_id = new_run_id(tools)
        execute(target, tools, run_id, asked, name=run_id, wait=True, as_json=as_json)
        return
    missing, units = _counted(
        target,
        tools,
        str(table),
        fields.needed(attribute, "--attribute"),
        prefix,
        max_read_units=max_read_units or fields.DEFAULT_UNITS,
    )
    if as_json:
        sys.stdout.write(json.dumps({"missing": missing, "read_units": round(units, 1)}) + "\n")
    else:
        output.result(f"{missing:,} items lack the attribute.")
        output.say(f"Consumed {units:g} read capacity units.")
    if missing:
        raise typer.Exit(Code.PARTLY)


def _counted(
    target: Target, tools: Tools, table: str, attribute: str, prefix: str | None, *, max_read_units: float
) -> tuple[int, float]:
    client = target.client("dynamodb")
    waiting = fields.waiting_of(tools)
    units = Units(max_read_units, clock=waiting.clock, sleep=waiting.sleep)
    with fields.on_table(table):
        job = SetAttribute(
            described(client, direct.table_name(target, table), attribute), attribute, {"NULL": True}, prefix
        )
        with output.waiting("Counting"):
            return Source(client, job, units=units, waiting=waiting).count(), units.used
