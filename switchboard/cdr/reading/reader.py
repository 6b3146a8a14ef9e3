"""Reading pages of items: what they consumed, and what counts as the table being unavailable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import botocore.exceptions
from botocore.exceptions import ClientError, HTTPClientError

from switchboard.cdr.reading.errors import QueryUnavailable
from switchboard.dynamo.rounds import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.cdr.reading.records import Item
    from switchboard.dynamo.budget import Budget

CONNECT_SECONDS: Final = 0.5
READ_SECONDS: Final = 2.0
"""How long the client may take for a page, which it asks for once: this code asks again, within the invocation."""

RESERVE_SECONDS: Final = 4.0
"""With less time left no page is asked for: one takes up to 2.5 s, and what was read must still be answered."""

ATTEMPTS: Final = 6
"""How often a page is asked for: the pauses of these stand by a table that is busy for a second."""

CONNECTION: Final = "Connection"
_SERVER_FAULT: Final = 500


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a partition, and the start key of the next one where there is one."""

    items: Sequence[Item]
    next_key: Item | None


class Reader:
    """Queries one table and adds up the read units. Its `page` may be called by several threads at once."""

    def __init__(self, client: DynamoDBClient, table: str, *, budget: Budget) -> None:
        self._client = client
        self._table = table
        self._budget = budget.leaving(RESERVE_SECONDS)
        self._units: list[float] = []

    @property
    def consumed_read_units(self) -> float:
        """Read capacity units of all pages so far."""
        return sum(self._units)

    def has_time(self) -> bool:
        """Whether another page may be read."""
        return not self._budget.spent()

    def page(self, start_key: Item | None = None, **query: Any) -> Page:
        """Read one page with these parameters of `Query`.

        Raises `QueryUnavailable` where the table stays throttled, failing or unreachable, or the time runs out.
        """
        if start_key is not None:
            query["ExclusiveStartKey"] = start_key
        attempt = 0
        while True:
            try:
                return self._ask(query)
            except QueryUnavailable:
                attempt += 1
                if attempt == ATTEMPTS:
                    raise
                self._budget.pause(attempt - 1)
                if self._budget.spent():
                    raise

    def _ask(self, query: Mapping[str, Any]) -> Page:
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
