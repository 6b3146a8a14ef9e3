"""`switchboard backfill sample-data`."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from cli import options, output, tables
from cli.backfill.fields import on_table, target_table, waiting_of
from cli.errors import Code, Failure
from cli.tools import tools_of
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
        float, typer.Option("--share", min=0, max=1, help="Share of the items that have another value already.")
    ] = 0.3,
    attribute: Annotated[str, typer.Option("--attribute", metavar="NAME", help="The attribute.")] = "test",
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Write example items, so that a backfill and its verification have a known answer.

    The same items each time, under partition keys that begin with SAMPLE#. Refused in stages with other people's data.
    """
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    if target.stage not in deployment.EXAMPLE_STAGES:
        raise Failure(
            Code.REFUSED,
            f"Stage {target.stage} takes no example data.",
            remedy=f"Write it to one of {', '.join(deployment.EXAMPLE_STAGES)}.",
        )
    client = target.client("dynamodb")
    with on_table(table), output.Bar(items, shown=True) as bar:
        answer = write_samples(
            client,
            described(client, target_table(target, table), attribute),
            attribute,
            items=items,
            share=share,
            waiting=waiting_of(tools),
            written=bar.advance,
        )
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
    else:
        output.results().print(tables.of_record(answer))
