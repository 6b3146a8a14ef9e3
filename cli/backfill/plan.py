"""`switchboard backfill plan`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options
from cli.backfill import fields
from cli.backfill.answers import tell
from cli.backfill.executions import execute, new_run_id
from cli.backfill.inline import plan_inline
from cli.backfill.requests import request
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.schema import runs


def plan(
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
    max_write_units: fields.WriteUnits = None,
    max_read_units: fields.ReadUnits = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the plan, as always.", show_default=False)] = True,
    inline: Annotated[
        bool, typer.Option("--inline", help="Plan in this process instead: set_attribute, from this machine.")
    ] = False,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Say what a run would change, cost and take, from a sample of the table. Nothing is changed."""
    if job == runs.RENAME_USER:
        raise Failure(
            Code.USAGE,
            "A rename has no plan: it changes one person's conversations.",
            remedy="Start it: switchboard backfill start --job rename_user --user UUID",
        )
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
        user=None,
        max_write_units=max_write_units,
        max_read_units=max_read_units,
    )
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    run_id = new_run_id(tools)
    if not inline:
        execute(target, tools, run_id, {**asked, runs.DRY_RUN: True}, name=run_id, wait=wait, as_json=as_json)
        return
    if job != runs.SET_ATTRIBUTE:
        raise Failure(Code.USAGE, f"{job} is planned in the stage only.", remedy="Leave out --inline.")
    fields.scanned(read_from)
    answer = plan_inline(
        target,
        tools,
        run_id,
        table=fields.needed(table, "--table"),
        attribute=fields.needed(attribute, "--attribute"),
        value=fields.needed(value, "--value"),
        prefix=prefix,
        max_write_units=max_write_units,
        max_read_units=max_read_units,
    )
    tell(answer, as_json=as_json)
