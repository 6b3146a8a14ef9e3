"""Reading pages of items: what they consumed, and what counts as the table being unavailable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import botocore.exceptions
from botocore.exceptions import ClientError, HTTPClientError

from switchboard.cdr.reading.errors import QueryUnavailable
from switchboard.dynamo.rounds import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.cdr.reading.records import Item

MIN_SECONDS: Final = 3.0
"""With less time left no further page is read: what was read must still be answered."""

CONNECTION: Final = "Connection"
_SERVER_FAULT: Final = 500


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a partition, and the start key of the next one where there is one."""

    items: Sequence[Item]
    next_key: Item | None


class Reader:
    """Queries one table and adds up the read units. Its `page` may be called by several threads at once."""

    def __init__(self, client: DynamoDBClient, table: str, *, remaining_seconds: Callable[[], float]) -> None:
        self._client = client
        self._table = table
        self._remaining_seconds = remaining_seconds
        self._units: list[float] = []

    @property
    def consumed_read_units(self) -> float:
        """Read capacity units of all pages so far."""
        return sum(self._units)

    def has_time(self) -> bool:
        """Whether another page may be read."""
        return self._remaining_seconds() >= MIN_SECONDS

    def page(self, start_key: Item | None = None, **query: Any) -> Page:
        """Read one page with these parameters of `Query`.

        Raises `QueryUnavailable` where the client gave up on a throttled, failing or unreachable table.
        """
        if start_key is not None:
            query["ExclusiveStartKey"] = start_key
        try:
            answer = self._client.query(TableName=self._table, ReturnConsumedCapacity="TOTAL", **query)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            if Refusal(code).transient or status >= _SERVER_FAULT:
                raise QueryUnavailable(code, "The table is busy: ask again.", retryable=True) from error
            raise
        except (botocore.exceptions.ConnectionError, HTTPClientError) as error:
            raise QueryUnavailable(CONNECTION, "The table did not answer: ask again.", retryable=True) from error
        self._units.append(answer["ConsumedCapacity"]["CapacityUnits"])
        return Page(answer["Items"], answer.get("LastEvaluatedKey"))
