"""`switchboard backfill verify`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cli import direct, options, output
from cli.backfill import fields
from cli.errors import Code
from cli.tools import tools_of
from switchboard.backfill.job import SetAttribute
from switchboard.backfill.plan import described
from switchboard.backfill.source import Source
from switchboard.backfill.units import Units

if TYPE_CHECKING:
    from cli.session import Target
    from cli.tools import Tools


def verify(
    context: typer.Context,
    *,
    table: Annotated[
        str, typer.Option("--table", metavar="TABLE", help="messages, or a table's exact name.", show_default=False)
    ],
    attribute: Annotated[str, typer.Option("--attribute", metavar="NAME", help="The attribute.", show_default=False)],
    prefix: fields.Prefix = None,
    max_read_units: fields.ReadUnits = fields.DEFAULT_UNITS,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the count as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Count the items that lack the attribute, with strongly consistent reads. Ends with 5 where there are any."""
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    missing, units = _counted(
        target, tools, table, attribute, prefix, max_read_units=max_read_units or fields.DEFAULT_UNITS
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
        return Source(client, job, units=units, waiting=waiting).count(), units.used
