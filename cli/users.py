"""`switchboard users`: who there is, and what they are called."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import direct, fitting, options, output, tables
from cli.asking import People
from cli.errors import Code, Failure
from cli.tools import tools_of
from cli.users_sync import sync
from switchboard.dynamo.values import from_item
from switchboard.ids import compose_uuid7, is_uuid
from switchboard.messages.sort_keys import milliseconds
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Iterator

app = typer.Typer(no_args_is_help=True, help="People, their handles and their names.")

_RANDOM_BITS = 74
_SHOWN = {schema.HANDLE: 0, schema.DISPLAY_NAME: 1, schema.EMAIL: 2, schema.COGNITO_SUB: 3, schema.USER_UUID: 0}
"""What is shown of a person, and when it is left out where there is no room, the highest first."""

Handle = Annotated[str, typer.Argument(metavar="HANDLE", help="Their handle.", show_default=False)]


@app.command("list")
def list_(
    context: typer.Context,
    *,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each profile as JSON, one per line.")] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """List everybody who has a profile.

    This reads the whole table: there is no index of people.
    """
    target = tools_of(context).connect(options.where(stage, endpoint_url, profile, region))
    client = direct.Metered(target.client("dynamodb"))
    people = []
    count = 0
    with direct.on_messages(), output.waiting("Reading the table", shown=not as_json):
        for person in _profiles(client, direct.table_name(target, direct.MESSAGES)):
            count += 1
            if as_json:
                sys.stdout.write(json.dumps({name: person[name] for name in _SHOWN if name in person}) + "\n")
            else:
                people.append([tables.cell(person.get(name, "")) for name in _SHOWN])
    if people:
        fitting.show(
            [
                fitting.Column(name.replace("_", " "), cells, rank=rank, is_whole=name == schema.USER_UUID)
                for (name, rank), cells in zip(_SHOWN.items(), zip(*people, strict=True), strict=True)
            ]
        )
    output.say(f"{output.counted(count, 'person', 'people')}.")
    client.consumed.say()


@app.command()
def put(
    context: typer.Context,
    *,
    handle: Handle,
    name: Annotated[str, typer.Option("--name", metavar="TEXT", help="The name that others see.")],
    email: Annotated[str | None, typer.Option("--email", metavar="ADDRESS", help="Their e-mail address.")] = None,
    cognito_sub: Annotated[
        str | None, typer.Option("--cognito-sub", metavar="ID", help="Their subject in the Cognito user pool.")
    ] = None,
    user: Annotated[
        str | None,
        typer.Option("--user", metavar="UUID", help="Their id; without it, the handle's owner or a new one."),
    ] = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.Json = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Write somebody's whole profile, a new person's or a known one's: what is left out is removed.

    A changed name follows into every conversation that shows it.
    """
    tools = tools_of(context)
    if user is not None and not is_uuid(user):
        raise Failure(Code.USAGE, "--user is not a UUID in lower case.", remedy="Leave it out for a new person.")
    people = People(tools.connect(options.where(stage, endpoint_url, profile, region)))
    if user is None:
        user = people.owner_of(handle) or compose_uuid7(milliseconds(tools.clock()), tools.random_bits(_RANDOM_BITS))
    fields = {"display_name": name, "email": email, "cognito_sub": cognito_sub}
    answer = people.ask("put_user", user, as_json=as_json, handle=handle, **fields)
    if not as_json:
        output.results().print(tables.of_record(answer.value))


@app.command()
def rename(
    context: typer.Context,
    *,
    handle: Handle,
    new_handle: Annotated[str | None, typer.Option("--handle", metavar="HANDLE", help="The new handle.")] = None,
    name: Annotated[str | None, typer.Option("--name", metavar="TEXT", help="The new name that others see.")] = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: options.Json = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Give somebody a new handle, a new name or both, in every conversation that shows them.

    May be interrupted and run again, then under the new handle.
    """
    if new_handle is None and name is None:
        raise Failure(Code.USAGE, "Say what changes.", remedy="Give --handle, --name or both.")
    people = People(tools_of(context).connect(options.where(stage, endpoint_url, profile, region)))
    user_uuid = people.user_of(handle, "HANDLE")
    while True:
        answer = people.ask("rename_user", user_uuid, handle=new_handle, display_name=name)
        if answer.value["complete"]:
            break
        output.say(f"{answer.value['conversations']:,} conversations show the name so far")
    if as_json:
        sys.stdout.write(answer.text + "\n")
    else:
        output.results().print(tables.of_record(answer.value))


app.command()(sync)


def _profiles(client: Any, table: str) -> Iterator[dict[str, Any]]:
    request: dict[str, Any] = {
        "TableName": table,
        "FilterExpression": f"begins_with({schema.PK}, :users) AND {schema.SK} = :profile",
        "ExpressionAttributeValues": {":users": {"S": schema.USER_PREFIX}, ":profile": {"S": schema.PROFILE}},
    }
    while True:
        page = client.scan(**request)
        for item in page["Items"]:
            person = from_item(item)
            yield {**person, schema.USER_UUID: person[schema.PK].removeprefix(schema.USER_PREFIX)}
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
