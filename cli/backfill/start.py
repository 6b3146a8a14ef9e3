"""`switchboard backfill start`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options
from cli.backfill import fields
from cli.backfill.answers import tell
from cli.backfill.executions import execute, new_run_id
from cli.backfill.inline import run_inline
from cli.backfill.requests import request
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.schema import runs


def start(
    context: typer.Context,
    *,
    job: fields.Job = runs.SET_ATTRIBUTE,
    table: fields.TableName = None,
    attribute: fields.AttributeName = None,
    value: fields.Value = None,
    prefix: fields.Prefix = None,
    read_from: fields.ReadFrom = None,
    before: fields.Before = None,
    mapping: fields.Mapping = None,
    user: fields.User = None,
    max_write_units: fields.WriteUnits = None,
    max_read_units: fields.ReadUnits = None,
    wait: fields.Wait = False,
    inline: Annotated[
        bool, typer.Option("--inline", help="Run in this process instead: set_attribute, from this machine.")
    ] = False,
    checkpoint: fields.Checkpoint = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Change many items once, and verify it; set_attribute gives every item that lacks an attribute its value.

    It never creates an item and never replaces a value, so that writers may go on meanwhile. The stage's state machine
    runs it, whose id is printed; --wait watches it to its end. Whatever interrupts it, what is done stays done, and
    `resume` continues. Both rates are halved where the table throttles, and are at most half of what a provisioned
    table or index has. Ends with 0 where it goes on or is verified, 5 where it is not, 3 where it is refused.
    """
    tools = tools_of(context)
    asked = request(
        job,
        table=table,
        attribute=attribute,
        value=value,
        prefix=prefix,
        read_from=read_from,
        before=before,
        mapping=mapping,
        user=user,
        max_write_units=max_write_units,
        max_read_units=max_read_units,
    )
    if checkpoint and not inline:
        raise Failure(Code.USAGE, "--checkpoint means nothing without --inline.", remedy="Leave it out.")
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    run_id = new_run_id(tools)
    if not inline:
        execute(target, tools, run_id, asked, name=run_id, wait=wait, as_json=as_json)
        return
    if job != runs.SET_ATTRIBUTE:
        raise Failure(Code.USAGE, f"{job} runs in the stage only.", remedy="Leave out --inline.")
    fields.scanned(read_from)
    tell(
        run_inline(
            target,
            tools,
            run_id,
            table=fields.needed(table, "--table"),
            attribute=fields.needed(attribute, "--attribute"),
            value=fields.needed(value, "--value"),
            prefix=prefix,
            max_write_units=max_write_units,
            max_read_units=max_read_units,
            checkpoint=checkpoint,
        ),
        as_json=as_json,
    )
