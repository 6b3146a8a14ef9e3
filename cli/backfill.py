"""`switchboard backfill`: give every item of a table that lacks an attribute its value, and verify it."""

from __future__ import annotations

import json
import random
import sys
import time
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003 - typer reads annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer
from botocore.exceptions import ClientError

from cli import direct, options, output, tables
from cli.checkpoints import CheckpointFile
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.backfill.engine import Checkpoint
from switchboard.backfill.errors import InvalidInput, NotATarget, Refused, Systemic
from switchboard.backfill.job import SetAttribute
from switchboard.backfill.plan import described, planned
from switchboard.backfill.run import Run
from switchboard.backfill.sample import write_samples
from switchboard.backfill.source import Source
from switchboard.backfill.units import Units
from switchboard.backfill.waiting import Waiting
from switchboard.ids import compose_uuid7
from switchboard.messages.sort_keys import milliseconds
from switchboard.schema import deployment, runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.session import Target
    from cli.tools import Tools

app = typer.Typer(no_args_is_help=True, help="Give every item of a table that lacks an attribute its value.")

_RANDOM_BITS = 74
_NOT_TARGETS = ("cdr", "runs")
"""Call data records are never changed; the runs table is the backfill's own."""

TableName = Annotated[
    str, typer.Option("--table", metavar="TABLE", help="messages, or a table's exact name.", show_default=False)
]
Attribute = Annotated[str, typer.Option("--attribute", metavar="NAME", help="The attribute.", show_default=False)]
Prefix = Annotated[
    str | None,
    typer.Option(
        "--prefix", metavar="TEXT", help="Only items whose partition key begins so; the others are read, too."
    ),
]
ReadUnits = Annotated[
    float, typer.Option("--max-read-units", metavar="N", min=1, help="At most so many read units per second.")
]


@app.command()
def start(
    context: typer.Context,
    *,
    table: TableName,
    attribute: Attribute,
    value: Annotated[
        str,
        typer.Option(
            "--value",
            metavar="VALUE",
            help='A text; or, beginning with {, a value in DynamoDB\'s JSON form, such as {"N": "1"}.',
            show_default=False,
        ),
    ],
    inline: Annotated[
        bool, typer.Option("--inline", help="Run in this process, from this machine: required.", show_default=False)
    ] = False,
    prefix: Prefix = None,
    max_write_units: Annotated[
        float, typer.Option("--max-write-units", metavar="N", min=1, help="At most so many write units per second.")
    ] = 500,
    max_read_units: ReadUnits = 500,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            "--checkpoint", metavar="FILE", help="Where an interrupted run goes on; removed once there is a verdict."
        ),
    ] = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Give every item that lacks the attribute the value, and verify that none lacks it.

    It never creates an item and never replaces a value, so that writers may go on meanwhile. Interrupted, it may be
    started again at any time: what is done is not written twice, and with --checkpoint not even read twice. Both rates
    are halved where the table throttles, and are at most half of what a provisioned table or index has. Ends with 0
    where nothing is missing, else with 5.
    """
    if not inline:
        raise Failure(Code.USAGE, "It runs in this process only.", remedy="Give --inline.")
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    client = target.client("dynamodb")
    with _on_table(table):
        plan = planned(
            client,
            _target(target, table),
            attribute=attribute,
            value=_value(value),
            prefix=prefix,
            max_write_units=max_write_units,
            max_read_units=max_read_units,
        )
        if (plan.write_units, plan.read_units) != (max_write_units, max_read_units):
            output.say(
                f"The table is provisioned: at most {plan.write_units:g} write and {plan.read_units:g} read units per "
                "second, half of what it has."
            )
        file = CheckpointFile(checkpoint, plan.job) if checkpoint else None
        began = file.read() if file else Checkpoint()
        with output.Bar(plan.items, shown=True) as bar:
            shown = 0

            def settled(at: Checkpoint) -> None:
                nonlocal shown
                bar.advance(at.counters.scanned - shown)
                shown = at.counters.scanned
                if file:
                    file.write(at)

            run_id = compose_uuid7(milliseconds(tools.clock()), tools.random_bits(_RANDOM_BITS))
            run = Run(client, plan, run_id=run_id, waiting=_waiting(tools), start=began, settled=settled)
            report = run()
        if file:
            file.remove()
    answer = report.as_answer()
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
    else:
        output.results().print(tables.of_record({**answer, **answer.pop("counters")}))
    if report.status != runs.SUCCEEDED:
        output.say(_NEXT[report.status])
        raise typer.Exit(Code.PARTLY)


_NEXT = {
    runs.INCOMPLETE: "Writers keep adding items without the attribute: change them, and start again.",
    runs.FAILED: "Some items were refused, as too large items are; the others are done. Start again to try those.",
}


@app.command()
def verify(
    context: typer.Context,
    *,
    table: TableName,
    attribute: Attribute,
    prefix: Prefix = None,
    max_read_units: ReadUnits = 500,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the count as JSON.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Count the items that lack the attribute, with strongly consistent reads. Ends with 5 where there are any."""
    tools = tools_of(context)
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    client = target.client("dynamodb")
    waiting = _waiting(tools)
    units = Units(max_read_units, clock=waiting.clock, sleep=waiting.sleep)
    with _on_table(table):
        name = direct.table_name(target, table)
        job = SetAttribute(described(client, name, attribute), attribute, {"NULL": True}, prefix)
        missing = Source(client, job, units=units, waiting=waiting).count()
    if as_json:
        sys.stdout.write(json.dumps({"missing": missing, "read_units": round(units.used, 1)}) + "\n")
    else:
        output.result(f"{missing:,} items lack the attribute.")
        output.say(f"Consumed {units.used:g} read capacity units.")
    if missing:
        raise typer.Exit(Code.PARTLY)


@app.command("sample-data")
def sample_data(
    context: typer.Context,
    *,
    table: TableName,
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
    with _on_table(table), output.Bar(items, shown=True) as bar:
        answer = write_samples(
            client,
            described(client, _target(target, table), attribute),
            attribute,
            items=items,
            share=share,
            waiting=_waiting(tools),
            written=bar.advance,
        )
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
    else:
        output.results().print(tables.of_record(answer))


def _waiting(tools: Tools) -> Waiting:
    return Waiting(clock=time.monotonic, sleep=tools.sleep, jitter=random.SystemRandom().random)


def _target(target: Target, table: str) -> str:
    """The name of a table that may be changed, however it is called."""
    name = direct.table_name(target, table)
    if name in {direct.table_name(target, each) for each in _NOT_TARGETS}:
        raise NotATarget("table: expected one that may be changed: neither call data records nor runs")
    return name


def _value(text: str) -> Any:
    if not text.startswith("{"):
        return {"S": text}
    try:
        return json.loads(text)
    except ValueError:
        raise InvalidInput('value: expected JSON, such as {"S": "text"}') from None


@contextmanager
def _on_table(table: str) -> Iterator[None]:
    """Work on the table: what refuses or stops it becomes a `Failure`."""
    try:
        yield
    except Refused as refused:
        raise Failure(Code.REFUSED, f"The backfill is refused: {refused.code}.", details=(str(refused),)) from refused
    except Systemic as stopped:
        missing = stopped.code.startswith("ResourceNotFound")
        raise Failure(
            Code.NOT_FOUND if missing else Code.REFUSED,
            f"The backfill stopped: {stopped}.",
            remedy="What was done stays done.",
        ) from stopped
    except ClientError as error:
        raise direct.no_table(table) if direct.is_missing(error) else error from error
