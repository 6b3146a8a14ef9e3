"""`switchboard schema`: the tables of a stage, on any engine that speaks DynamoDB."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import blueprints, building, direct, fitting, options, output, tables
from cli.confirming import name_of_table
from cli.errors import Code, Failure
from cli.fitting import Column
from cli.tools import tools_of
from local_cloud.paths import ASSEMBLY
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.text import Text

    from cli.session import Target

app = typer.Typer(no_args_is_help=True, help="The tables themselves.")

Assembly = Annotated[
    Path,
    typer.Option("--assembly", metavar="FOLDER", help="The synthesized app; without it, cdk.out.", show_default=False),
]
TemplateOf = Annotated[
    str | None,
    typer.Option("--template-of", metavar="STAGE", help="Build what this stage has; without it, what local has."),
]


@app.command()
def load(
    context: typer.Context,
    *,
    assembly: Assembly = ASSEMBLY,
    template_of: TemplateOf = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each table as JSON, one per line.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Build the tables where they are not, from the synthesized template: keys, indexes, stream, expiry, recovery.

    For an engine without a deployment; a stage that is deployed has its tables by that. Ends with 5 where a table of
    that name has other keys or indexes.
    """
    if template_of is not None and template_of not in deployment.STAGES:
        raise Failure(
            Code.USAGE, "There is no such stage; names are matched exactly.", remedy=", ".join(deployment.STAGES)
        )
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    _refuse_deployed(target)
    client = target.client("dynamodb")
    table = fitting.plain()
    for title in ("table", "name", "state"):
        table.add_column(title)
    different = []
    for blueprint in blueprints.read(assembly, template_of or target.stage):
        with output.waiting(f"Building {blueprint.name}"):
            built = building.build(client, blueprint, sleep=tools.sleep)
        state = "different" if built.differs else "created" if built.created else "exists"
        different += [blueprint.name] if built.differs else []
        if as_json:
            row = {"table": blueprint.short, "name": blueprint.name, "state": state}
            sys.stdout.write(json.dumps({**row, "unsupported": built.unsupported}) + "\n")
        table.add_row(blueprint.short, blueprint.name, state)
        if built.unsupported:
            output.say(f"{blueprint.name}: this engine has no {' and no '.join(built.unsupported)}")
    if not as_json:
        output.results().print(table)
    if different:
        raise Failure(
            Code.PARTLY,
            f"Not the template's keys, indexes or stream, and left alone: {', '.join(different)}.",
            remedy="Drop them (switchboard schema drop), or load the template that they were built from.",
        )


@app.command("list")
def list_(
    context: typer.Context,
    *,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each table as JSON, one per line.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """List the tables with their keys, indexes and items. AWS counts items every six hours or so.

    Ends with 4 where there is none.
    """
    target = tools_of(context).connect(options.where(stage, endpoint_url, profile, region))
    client = target.client("dynamodb")
    found = []
    for short in deployment.TABLE_PATHS:
        described = building.describe(client, direct.table_name(target, short))
        if described is not None:
            found.append(_row(short, described))
    if not found:
        raise Failure(
            Code.NOT_FOUND, "There are no tables.", remedy="Deploy the stage, or build them: switchboard schema load"
        )
    if as_json:
        for row in found:
            sys.stdout.write(json.dumps(row) + "\n")
        return
    _show(found)


@app.command()
def drop(
    context: typer.Context,
    *,
    name: Annotated[str, typer.Argument(metavar="TABLE", help="cdr, messages or runs; or a table's exact name.")],
    confirm: Annotated[
        str | None, typer.Option("--confirm", metavar="NAME", help="The table's exact name, instead of typing it.")
    ] = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Delete a table with everything in it, after its name was typed. A protected table is refused."""
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    client = target.client("dynamodb")
    table = direct.table_name(target, name)
    described = building.describe(client, table)
    if described is None:
        raise direct.no_table(name)
    if described.get("DeletionProtectionEnabled"):
        raise Failure(
            Code.REFUSED,
            "This table is protected from deletion.",
            remedy="It holds other people's data. Whoever really means it turns the protection off in its stage first.",
        )
    items = described.get("ItemCount", 0)
    question = f"{table} holds about {items:,} items. Type its name to delete them all:"
    if name_of_table(confirm, question) != table:
        raise Failure(
            Code.REFUSED,
            "That is not the table's name; nothing was deleted.",
            remedy="`switchboard schema list` shows it. Where nobody can type, give it with --confirm.",
        )
    with output.waiting(f"Deleting {table}"):
        building.drop(client, table, sleep=tools.sleep)
    if as_json:
        sys.stdout.write(json.dumps({"name": table, "state": "dropped"}) + "\n")
    else:
        output.result(f"{table} was dropped.")


def _refuse_deployed(target: Target) -> None:
    if any(target.published(path) for path in deployment.TABLE_PATHS.values()):
        raise Failure(
            Code.REFUSED,
            f"Stage {target.stage} is deployed there, with its tables.",
            remedy="`switchboard schema list` shows them; a deployment changes them.",
        )
    if target.stage != deployment.LOCAL_STAGE:
        raise Failure(
            Code.REFUSED,
            f"The tables of stage {target.stage} come with its deployment.",
            remedy="Deploy it, or give --endpoint-url URL --template-of STAGE to build its tables elsewhere.",
        )


def _show(found: list[dict[str, Any]]) -> None:
    def cells(value: Callable[[dict[str, Any]], str]) -> tuple[Text, ...]:
        return tuple(tables.cell(value(row)) for row in found)

    indexes = cells(lambda row: "; ".join(f"{name} ({', '.join(keys)})" for name, keys in row["indexes"].items()))
    fitting.show(
        [
            Column("table", cells(lambda row: row["table"]), is_whole=True),
            Column("name", cells(lambda row: row["name"])),
            Column("keys", cells(lambda row: ", ".join(row["keys"])), rank=1),
            Column("indexes", indexes, rank=3),
            Column("items", cells(lambda row: f"{row['items']:,}"), is_number=True),
            Column("protected", cells(lambda row: "yes" if row["protected"] else "no"), rank=2),
        ]
    )


def _row(short: str, described: dict[str, Any]) -> dict[str, Any]:
    return {
        "table": short,
        "name": described["TableName"],
        "keys": blueprints.keys_of(described),
        "indexes": {
            index["IndexName"]: blueprints.keys_of(index) for index in described.get("GlobalSecondaryIndexes", [])
        },
        "items": described.get("ItemCount", 0),
        "protected": bool(described.get("DeletionProtectionEnabled")),
    }
