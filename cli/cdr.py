"""`switchboard cdr`: write and read call data records through the two functions."""

from __future__ import annotations

import json
import shlex
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from cli import options, output, records, sending, session, tables
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.schema import cdr, deployment

app = typer.Typer(no_args_is_help=True, help="Write and read call data records (CDRs).")


class FirstType(StrEnum):
    """The types of which the first event counts."""

    FIRST_RETRIEVE = cdr.FIRST_RETRIEVE
    FIRST_ACTIVATE = cdr.FIRST_ACTIVATE
    EXPIRE = cdr.EXPIRE


Sponsorship = Annotated[str, typer.Option("--sponsorship", metavar="ID", help="The sponsorship.", show_default=False)]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, max=1_000, help="Records of one answer.")]
Cursor = Annotated[str | None, typer.Option("--cursor", metavar="TEXT", help="Continue where the last answer stopped.")]


@app.command()
def put(
    context: typer.Context,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file, or - for standard input.")],
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.Json = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Write the records of a file.

    FILE holds one record, an envelope, an array of records, or one record per line. Writing a record twice stores it
    once, so the same file may be sent again at any time. Ends with 0 where every record is stored or was before, with
    5 where one was rejected, is in conflict or failed.
    """
    tools = tools_of(context)
    batch = records.read(_content(file))
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    answers: list[session.Answer] = []

    def invoke(payload: bytes) -> dict[str, Any]:
        answers[:] = [*answers[:1], target.invoke(deployment.CDR_WRITER_PATH, payload)]
        return dict(answers[-1].value)

    with output.Bar(len(batch.records), shown=records.needs_several_calls(batch)) as bar:
        outcome = sending.send(batch, invoke, sleep=tools.sleep, advanced=bar.advance)
    if as_json:
        sys.stdout.write((answers[0].text if len(answers) == 1 else json.dumps(outcome.as_answer())) + "\n")
    else:
        output.results().print(tables.of_outcome(outcome))
    for line in tables.problems(outcome.results):
        output.say(line)
    if outcome.stopped_by is not None:
        output.tell_failure(outcome.stopped_by)
        output.say(
            f"{outcome.settled:,} of {len(batch.records):,} records were settled before that. "
            "Send the same file again: what is stored is not stored twice."
        )
    if not outcome.is_good:
        raise typer.Exit(Code.PARTLY)


@app.command()
def history(
    context: typer.Context,
    *,
    sponsorship: Sponsorship,
    limit: Limit = None,
    cursor: Cursor = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.Json = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Show a sponsorship's records in time order.

    The answer holds every record written before it was asked for.
    """
    request = {"query": "history", "sponsorship_id": sponsorship, "limit": limit, "cursor": cursor}
    where = options.where(stage, endpoint_url, profile, region)
    answer = _ask(context, request, where)
    _show_page(answer, "sponsorship_id", as_json=as_json)
    _show_next(answer, "history", {"--sponsorship": sponsorship, "--limit": limit}, where)


@app.command()
def first(
    context: typer.Context,
    *,
    sponsorship: Sponsorship,
    event: Annotated[FirstType, typer.Option("--type", metavar="TYPE", help=f"One of {', '.join(FirstType)}.")],
    subscriber: Annotated[
        str | None, typer.Option("--subscriber", metavar="ID", help="The subscriber whose first event is meant.")
    ] = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.Json = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Show the first event of a type.

    Ends with 4 where there was none in this sponsorship, or of this subscriber.
    """
    request = {"query": "first", "sponsorship_id": sponsorship, "type": event.value, "subscriber_id": subscriber}
    answer = _ask(context, request, options.where(stage, endpoint_url, profile, region))
    record = answer.value["record"]
    if as_json:
        sys.stdout.write(answer.text + "\n")
    elif record is not None:
        output.results().print(tables.of_record(record))
    _show_units(answer)
    if record is None:
        raise Failure(
            Code.NOT_FOUND,
            f"There was no {event.value} yet.",
            remedy=f"What there is: switchboard cdr history --sponsorship {shlex.quote(sponsorship)}"
            + (
                ""
                if subscriber
                else "\nOf a record that names a subscriber the first one is kept for each: --subscriber ID"
            ),
        )


@app.command("list")
def list_(
    context: typer.Context,
    *,
    start: Annotated[
        str, typer.Option("--from", metavar="TIME", help="From this time on, such as 2026-11-21T00:00:00Z.")
    ],
    end: Annotated[str, typer.Option("--to", metavar="TIME", help="Up to, and without, this time.")],
    sponsor: Annotated[
        str | None, typer.Option("--sponsor", metavar="ID", help="Only this sponsor's; without it, everybody's.")
    ] = None,
    limit: Limit = None,
    cursor: Cursor = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.Json = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """List the records of a time range.

    They come in time order, a sponsor's or everybody's.
    """
    kind = {"query": "by_time"} if sponsor is None else {"query": "by_sponsor", "sponsor_id": sponsor}
    where = options.where(stage, endpoint_url, profile, region)
    answer = _ask(context, {**kind, "from": start, "to": end, "limit": limit, "cursor": cursor}, where)
    _show_page(answer, "" if sponsor is None else "sponsor_id", as_json=as_json)
    _show_next(answer, "list", {"--sponsor": sponsor, "--from": start, "--to": end, "--limit": limit}, where)


def _content(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Failure(
            Code.USAGE, f"{file} cannot be read: {error.strerror}.", remedy="Give a file, or - for standard input."
        ) from None


def _ask(context: typer.Context, request: dict[str, Any], where: session.Where) -> session.Answer:
    tools = tools_of(context)
    said = {name: value for name, value in request.items() if value is not None}
    return tools.connect(where).invoke(deployment.CDR_QUERY_PATH, json.dumps(said).encode())


def _show_page(answer: session.Answer, without: str, *, as_json: bool) -> None:
    found = answer.value["records"]
    if as_json:
        sys.stdout.write(answer.text + "\n")
    elif found:
        tables.show_records(found, without=without)
    else:
        output.say("No records so far." if "cursor" in answer.value else "No records.")
    _show_units(answer)


def _show_units(answer: session.Answer) -> None:
    output.say(f"Consumed {answer.value['consumed_read_units']:g} read capacity units.")


def _show_next(answer: session.Answer, command: str, asked: dict[str, Any], where: session.Where) -> None:
    cursor = answer.value.get("cursor")
    if cursor is not None:
        options.say_next(("cdr", command), {**asked, "--cursor": cursor}, where)
