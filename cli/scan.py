"""`switchboard scan`: the items of a table, page by page."""

from __future__ import annotations

import base64
import json
import sys
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer
from botocore.exceptions import ClientError

from cli import direct, options, output
from cli.tools import tools_of
from switchboard.dynamo.values import from_item
from switchboard.schema import deployment
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def scan(
    context: typer.Context,
    *,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="cdr, messages or runs; or a table's exact name.")],
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many items.")] = 100,
    prefix: Annotated[
        str | None,
        typer.Option(
            "--prefix", metavar="TEXT", help="Only items whose partition key begins so; the others are read, too."
        ),
    ] = None,
    stage: options.Stage = None,
    endpoint_url: options.EndpointUrl = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print each item on a line of its own, in DynamoDB's JSON form.")
    ] = False,
    profile: options.Profile = None,
    region: options.Region = None,
) -> None:
    """Print items of a table as they are stored.

    They come in no order that means anything. With --prefix a scan reads the whole table on its way to the limit.
    """
    target = tools_of(context).connect(options.where(stage, endpoint_url, profile, region))
    client = direct.Metered(target.client("dynamodb"))
    try:
        name = direct.table_name(target, table)
        request = {"TableName": name, **_filter(client, table, name, prefix)}
        with output.waiting("Reading the table"):
            found = list(islice(_items(client, request, limit + 1), limit + 1))
    except ClientError as error:
        raise direct.no_table(table) if direct.is_missing(error) else error from error
    items = found[:limit]
    for item in items:
        if as_json:
            sys.stdout.write(json.dumps(item, default=_portable) + "\n")
        else:
            output.result(_line(from_item(item)))
    more = "; there are more: raise --limit." if len(found) > limit else "."
    output.say(output.counted(len(items), "item") + more)
    client.consumed.say()


def _filter(client: Any, table: str, name: str, prefix: str | None) -> dict[str, Any]:
    if prefix is None:
        return {}
    partition_key = schema.PK
    if table not in deployment.TABLE_PATHS:
        keys = client.describe_table(TableName=name)["Table"]["KeySchema"]
        partition_key = next(key["AttributeName"] for key in keys if key["KeyType"] == "HASH")
    return {
        "FilterExpression": "begins_with(#partition, :prefix)",
        "ExpressionAttributeNames": {"#partition": partition_key},
        "ExpressionAttributeValues": {":prefix": {"S": prefix}},
    }


def _items(client: Any, request: dict[str, Any], wanted: int) -> Iterator[dict[str, Any]]:
    following: dict[str, Any] = {} if "FilterExpression" in request else {"Limit": wanted}
    while True:
        page = client.scan(**request, **following)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        following["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _line(item: Mapping[str, Any]) -> str:
    """An item on one line: its key, and all else as JSON."""
    keys = [name for name in (schema.PK, schema.SK) if name in item]
    rest = {name: value for name, value in item.items() if name not in keys}
    return "  ".join((*(str(item[name]) for name in keys), json.dumps(rest, ensure_ascii=False, default=_portable)))


def _portable(value: Any) -> Any:
    """A value of DynamoDB that JSON has no form for."""
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    return str(value) if isinstance(value, Decimal) else sorted(value, key=str)
