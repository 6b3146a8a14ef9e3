"""`switchboard messages`: somebody's groups and messages, through the messages function."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Final

import typer

from cli import options, output, tables, watching
from cli.asking import People
from cli.errors import Code, Failure
from cli.tools import tools_of
from switchboard.ids import compose_uuid7
from switchboard.messages.sort_keys import TIME_CHARACTERS, milliseconds

app = typer.Typer(no_args_is_help=True, help="Somebody's groups and messages.")

_RANDOM_BITS: Final = 74
_NAME_COLUMN: Final = TIME_CHARACTERS + 2
"""Where the name of who wrote a message begins, behind its time."""

Group = Annotated[str, typer.Argument(metavar="GROUP", help="The group's id.", show_default=False)]
As = Annotated[str, typer.Option("--as", metavar="HANDLE", help="Who reads or writes.", show_default=False)]
Limit = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, max=100, help="At most so many of them.")]


@app.command()
def groups(
    context: typer.Context,
    *,
    handle: As,
    limit: Limit = None,
    cursor: Annotated[
        str | None, typer.Option("--cursor", metavar="TEXT", help="Continue where the last answer stopped.")
    ] = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.Json = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """List somebody's groups, the most recent first."""
    where = options.where(stage, endpoint_url, profile, region)
    people = People(tools_of(context).connect(where))
    caller = people.user_of(handle, "--as")
    answer = people.ask("list_message_groups", caller, as_json=as_json, limit=limit, cursor=cursor)
    found = answer.value["message_groups"]
    if found and not as_json:
        tables.show_groups(found)
    elif not found:
        output.say("No groups.")
    _say_cost(answer.value)
    if "cursor" in answer.value:
        asked = {"--as": handle, "--limit": limit, "--cursor": answer.value["cursor"]}
        options.say_next(("messages", "groups"), asked, where)


@app.command()
def show(
    context: typer.Context,
    *,
    group: Group,
    handle: As,
    limit: Limit = None,
    before: Annotated[str | None, typer.Option("--before", metavar="TEXT", help="A cursor: what is older.")] = None,
    after: Annotated[str | None, typer.Option("--after", metavar="TEXT", help="A cursor: what is newer.")] = None,
    year: Annotated[
        int | None, typer.Option("--year", metavar="YYYY", min=1970, max=9999, help="Only this year of UTC.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From this time on, such as 2026-11-21T00:00:00Z.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to, and without, this time.")] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Then show new messages as they come, until Ctrl-C; --json: one per line.")
    ] = False,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.Json = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Show a group's messages, the newest page without a cursor, oldest first."""
    if watch and any(given is not None for given in (before, after, year, start, end)):
        raise Failure(
            Code.USAGE,
            "--watch follows the newest messages.",
            remedy="Leave out --before, --after, --year, --from and --to, or --watch.",
        )
    tools = tools_of(context)
    where = options.where(stage, endpoint_url, profile, region)
    people = People(tools.connect(where))
    caller = people.user_of(handle, "--as")
    span = {"year": year, "from": start, "to": end}
    asked = {"group_uuid": group, "limit": limit, "before": before, "after": after, **span}
    answer = people.ask("list_messages", caller, as_json=as_json and not watch, **asked)
    found = answer.value["messages"]

    def tell(message: dict[str, Any]) -> None:
        if as_json:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()
        else:
            line = f"{message['created_at']}  {people.name_of(message['user_uuid'])}: {message['message']}"
            output.result(output.set_in(line, _NAME_COLUMN))

    if watch or not as_json:
        for message in found:
            tell(message)
    if not found:
        output.say("No messages.")
    _say_cost(answer.value)
    if watch:
        watching.follow(people, caller, group, shown=found, tell=tell, sleep=tools.sleep)
    elif "before" in answer.value:
        said = {"--as": handle, "--limit": limit, "--year": year, "--from": start, "--to": end}
        options.say_next(("messages", "show", group), {**said, "--before": answer.value["before"]}, where)


@app.command()
def send(
    context: typer.Context,
    *,
    words: Annotated[
        list[str], typer.Argument(metavar="[GROUP] TEXT", help="The group's id, without --to; then the message.")
    ],
    handle: As,
    to: Annotated[
        str | None, typer.Option("--to", metavar="HANDLE", help="Instead of GROUP: the conversation with this person.")
    ] = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.Json = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Send a message to a group, or to a person: the first one begins the conversation."""
    if len(words) != (1 if to else 2):
        raise Failure(
            Code.USAGE, "Say to whom, and what.", remedy="Give GROUP TEXT, or --to HANDLE TEXT; quote the text."
        )
    tools = tools_of(context)
    people = People(tools.connect(options.where(stage, endpoint_url, profile, region)))
    caller = people.user_of(handle, "--as")
    # Made here, so that a request that is sent again after no answer is the same message.
    message_uuid = compose_uuid7(milliseconds(tools.clock()), tools.random_bits(_RANDOM_BITS))
    fields = {"message": words[-1], "message_uuid": message_uuid}
    if to is None:
        answer = people.ask("create_message", caller, as_json=as_json, group_uuid=words[0], **fields)
    else:
        other = people.user_of(to, "--to")
        answer = people.ask("create_message_group", caller, as_json=as_json, other_user_uuid=other, **fields)
    if not as_json:
        output.results().print(tables.of_record(answer.value))


def _say_cost(answer: dict[str, Any]) -> None:
    output.say(f"Consumed {answer['consumed_read_units']:g} read capacity units.")
