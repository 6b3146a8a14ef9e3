"""`switchboard seed`: a conversation from a text file, the same however often it is written."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from cli import conversations, direct, options, output
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.messages import history
from switchboard.messages.reconcile import reconcile_group
from switchboard.schema import deployment


def seed(
    context: typer.Context,
    *,
    file: Annotated[
        str | None,
        typer.Option("--file", metavar="FILE", help="The conversation; without it, one that comes with the command."),
    ] = None,
    first: Annotated[
        str | None,
        typer.Option("--as", metavar="HANDLE", help="The handle of who speaks first; without it, the speaker's name."),
    ] = None,
    second: Annotated[
        str | None, typer.Option("--other", metavar="HANDLE", help="The handle of the other speaker, likewise.")
    ] = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.Json = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Write an example conversation of two people.

    Each line of the file is a speaker, a colon and what they write. An empty line lets hours pass, a line like
    `@ 2026-01-01T08:00:00Z` says when the next one is written, from 1970 to now, and one that begins with # says
    nothing. Messages keep their place in the past, and a second run writes nothing. Refused in stages with other
    people's data.
    """
    tools = tools_of(context)
    talk = conversations.read(_content(file), now=tools.clock())
    target = tools.connect(options.where(stage, endpoint_url, profile, region))
    if target.stage not in deployment.EXAMPLE_STAGES:
        raise Failure(
            Code.REFUSED,
            f"Stage {target.stage} takes no example data: it holds real people's conversations.",
            remedy=f"Seed one of {', '.join(deployment.EXAMPLE_STAGES)}.",
        )
    handles = [conversations.handle(given, name) for given, name in zip((first, second), talk.speakers, strict=True)]
    if handles[0] == handles[1]:
        raise Failure(Code.USAGE, "Both speakers have one handle.", remedy="Give two: --as and --other.")
    table, consumed = direct.messages_table(target, tools)
    with direct.on_messages():
        first_user, first_new = history.ensure_person(table, handles[0], talk.speakers[0])
        other_user, other_new = history.ensure_person(table, handles[1], talk.speakers[1])
        if first_user == other_user:
            raise Failure(Code.REFUSED, "Both handles led to one person.", remedy="Give two: --as and --other.")
        messages = talk.messages(first_user, other_user)
        with output.Bar(len(messages), shown=True) as bar:
            written = history.write_history(table, (first_user, other_user), messages, advanced=bar.advance)
        reconcile_group(table, written.group_uuid, now=tools.clock().timestamp())
    if as_json:
        answer = {
            "group_uuid": written.group_uuid,
            "messages": len(messages),
            "written": written.new,
            "people": first_new + other_new,
        }
        sys.stdout.write(json.dumps(answer) + "\n")
    else:
        output.results().print(
            f"{written.new} of {len(messages)} messages written, the others were there."
            if written.new < len(messages)
            else f"{written.new} messages written.",
        )
        output.results().print(f"Group {written.group_uuid}: {handles[0]} and {handles[1]}")
    consumed.say()


def _content(file: str | None) -> str:
    try:
        data = conversations.EXAMPLE.read_bytes() if file is None else Path(file).read_bytes()
    except OSError as error:
        raise Failure(Code.USAGE, f"The file cannot be read: {error.strerror}.", remedy="Give --file FILE.") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise conversations.unreadable(f"byte {error.start + 1} is not UTF-8") from None
