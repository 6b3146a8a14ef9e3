"""Reading CDRs: what the function `cdr-query` answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from switchboard.cdr.reading import cursors
from switchboard.cdr.reading.merge import in_range
from switchboard.cdr.reading.partition import first, history
from switchboard.cdr.reading.reader import Reader
from switchboard.cdr.reading.request import First, History, parse

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.dynamo.budget import Budget


def answer(request: object, *, client: DynamoDBClient, table: str, budget: Budget) -> dict[str, Any]:
    """Answer one request of the published contract `cdr-query.schema.json`. `client` makes one attempt of each call.

    `first` answers `{"record": {…} or null, "consumed_read_units": n}`, every other query
    `{"records": […], "cursor"?: …, "consumed_read_units": n}` in time order. No cursor means the end; a page may be
    short, even empty, and still have one. A record written while pages are read may come late, and none comes twice.

    Raises `InvalidQuery` before anything is read, and `QueryUnavailable` where the table is busy or time ran out.
    """
    query = parse(request)
    reader = Reader(client, table, budget=budget)
    if isinstance(query, First):
        return {"record": first(query, reader), "consumed_read_units": reader.consumed_read_units}
    records, cursor = history(query, reader) if isinstance(query, History) else in_range(query, reader)
    page: dict[str, Any] = {"records": records}
    if cursor is not None:
        page["cursor"] = cursors.encode(cursor, query=query.digest)
    page["consumed_read_units"] = reader.consumed_read_units
    return page
