"""The items that lack the attribute: page by page with their keys, or counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from botocore.exceptions import ClientError

from switchboard.backfill.errors import systemic
from switchboard.dynamo.rounds import Refusal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.job import Key, SetAttribute
    from switchboard.backfill.units import Units
    from switchboard.backfill.waiting import Waiting
    from switchboard.dynamo.values import AttributeValue

Cursor: TypeAlias = "dict[str, AttributeValue]"
"""The key after which a scan goes on."""

PAGE: Final = 4_000
"""Items examined at once, where DynamoDB's own 1 MB holds so many: their keys are all that a run holds in memory."""


@dataclass(frozen=True, slots=True)
class Page:
    """`scanned` items were examined, those of `keys` lack the attribute; `cursor` is None after the last page."""

    keys: tuple[Key, ...]
    scanned: int
    cursor: Cursor | None


class Source:
    """A scan of one table for one job, its read units taken from `units`."""

    def __init__(self, client: DynamoDBClient, job: SetAttribute, *, units: Units, waiting: Waiting) -> None:
        self._client = client
        self._job = job
        self._units = units
        self._waiting = waiting

    def pages(self, cursor: Cursor | None, *, consistent: bool) -> Iterator[Page]:
        """The pages after `cursor`, each key once per page.

        An eventually consistent scan costs half and may miss what was written a moment ago. Raises `Systemic`, and what
        the client raises.
        """
        table = self._job.table
        names = {f"#key{index}": name for index, name in enumerate(table.key_names)}
        missing = self._job.missing()
        request = {
            **missing,
            "ExpressionAttributeNames": {**missing["ExpressionAttributeNames"], **names},
            "ProjectionExpression": ", ".join(names),
            "Limit": PAGE,
        }
        for answer in self._scan(request, cursor, consistent=consistent):
            keys = dict.fromkeys(table.key(item) for item in answer["Items"])
            yield Page(tuple(keys), answer["ScannedCount"], answer.get("LastEvaluatedKey"))

    def count(self) -> int:
        """How many items lack the attribute, by a strongly consistent scan. Raises as `pages` does."""
        request = {**self._job.missing(), "Select": "COUNT"}
        return sum(answer["Count"] for answer in self._scan(request, None, consistent=True))

    def _scan(self, request: dict[str, Any], cursor: Cursor | None, *, consistent: bool) -> Iterator[Any]:
        fixed = {
            "TableName": self._job.table.name,
            "ConsistentRead": consistent,
            "ReturnConsumedCapacity": "TOTAL",
            **request,
        }
        while True:
            self._units.take(0)
            answer = self._read({**fixed, "ExclusiveStartKey": cursor} if cursor else fixed)
            self._units.spent(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0), taken=0)
            yield answer
            cursor = answer.get("LastEvaluatedKey")
            if not cursor:
                return

    def _read(self, request: dict[str, Any]) -> Any:
        budget = self._waiting.patience()
        attempt = 0
        while True:
            try:
                with systemic():
                    return self._client.scan(**request)
            except ClientError as error:
                if not Refusal(error.response["Error"]["Code"]).transient or budget.spent():
                    raise
            self._units.throttled()
            budget.pause(attempt)
            attempt += 1
