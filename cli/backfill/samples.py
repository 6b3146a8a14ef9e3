"""`switchboard backfill sample-data`."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from cli import options, output, tables
from cli.backfill.fields import on_table, target_table, waiting_of
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.backfill.legacy.sample import write_legacy_samples
from switchboard.backfill.plan import described
from switchboard.backfill.sample import write_samples
from switchboard.schema import deployment


def sample_data(
    context: typer.Context,
    *,
    table: Annotated[
        str, typer.Option("--table", metavar="TABLE", help="messages, or a table's exact name.", show_default=False)
    ],
    items: Annotated[int, typer.Option("--items", metavar="N", min=1, help="How many items.", show_default=False)],
    share: Annotated[
        float,
        typer.Option(
            "--share",
            min=0,
            max=1,
            help="Share of the items that have another value already; of --legacy, that are no valid record.",
        ),
    ] = 0.3,
    attribute: Annotated[str, typer.Option("--attribute", metavar="NAME", help="The attribute.")] = "test",
    legacy: Annotated[
        bool, typer.Option("--legacy", help="Old call data records instead, in a table to import from.")
    ] = False,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Write example items, so that a backfill and its verification have a known answer.

    The same items each time, under partition keys that begin with SAMPLE#, or of sponsors of their own. Refused in
    stages with other people's data.
    """
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    if target.stage not in deployment.EXAMPLE_STAGES:
        raise Failure(
            Code.REFUSED,
            f"Stage {target.stage} takes no example data.",
            remedy=f"Write it to one of {', '.join(deployment.EXAMPLE_STAGES)}.",
        )
    client, waiting = target.client("dynamodb"), waiting_of(tools)
    with on_table(table), output.Bar(items, shown=True) as bar:
        name = target_table(target, table)
        answer: dict[str, Any] = (
            write_legacy_samples(client, name, items=items, share=share, waiting=waiting, written=bar.advance)
            if legacy
            else write_samples(
                client,
                described(client, name, attribute),
                attribute,
                items=items,
                share=share,
                waiting=waiting,
                written=bar.advance,
            )
        )
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
    else:
        output.results().print(tables.of_record(answer))
