"""`switchboard backfill undo`."""

from __future__ import annotations

from typing import Annotated

import typer

from cli import options
from cli.backfill import fields
from cli.backfill.executions import execute, new_run_id
from cli.backfill.progress import runs_table
from cli.backfill.runs import run_of_that_id
from cli.confirming import name_of_table
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.schema import runs


def undo(
    context: typer.Context,
    run: fields.RunId,
    *,
    uncertain: Annotated[
        bool,
        typer.Option(
            "--uncertain",
            help="Also where the run was interrupted between a write and its record, if the value is the run's.",
        ),
    ] = False,
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="NAME", help="The table's exact name, instead of typing it.")
    ] = None,
    wait: fields.Wait = False,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Take back what a set_attribute run changed, item by item from its journal, as a run of its own.

    An item whose value a writer has changed since stays as it is. What the run may have changed without a record of it
    is listed in the report, and left alone without --uncertain.
    """
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    with run_of_that_id():
        table = runs_table(target, tools).status(run).table
    question = f"This removes an attribute from items of {table}. Type the table's name:"
    if name_of_table(confirm, question) != table:
        raise Failure(
            Code.REFUSED,
            "That is not the table's name; nothing was changed.",
            remedy="`switchboard backfill status RUN` shows it. Where nobody can type, give it with --confirm.",
        )
    run_id = new_run_id(tools)
    asked = {"job": runs.UNDO, "run": run, "uncertain": uncertain}
    execute(target, tools, run_id, asked, name=run_id, wait=wait, as_json=as_json)
