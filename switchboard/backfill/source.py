"""The items that lack the attribute: page by page with their keys, or counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.engine import Page
from switchboard.backfill.scanning import scanned_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.engine import Cursor
    from switchboard.backfill.job import Key, SetAttribute
    from switchboard.backfill.pace import PageSize
    from switchboard.backfill.units import Units
    from switchboard.backfill.waiting import Waiting

PAGE: Final = 4_000
"""Items examined at once, where DynamoDB's own 1 MB holds so many: their keys are all that a run holds in memory."""


class Source:
    """A scan of one table for one job, its read units taken from `units`; `Pages` of keys."""

    def __init__(
        self,
        client: DynamoDBClient,
        job: SetAttribute,
        *,
        units: Units,
        waiting: Waiting,
        segment: int = 0,
        of: int = 1,
        size: PageSize | None = None,
    ) -> None:
        """A source of one `segment` of so many; pages are as long as `size` says, or else `PAGE`."""
        self._client = client
        self._job = job
        self._units = units
        self._waiting = waiting
        self._part = {"Segment": segment, "TotalSegments": of} if of > 1 else {}
        self._size = size

    def pages(self, cursor: Cursor | None, *, consistent: bool) -> Iterator[Page[Key]]:
        """The pages after `cursor`, each key once per page.

        An eventually consistent scan costs half and may miss what was written a moment ago. Raises `Systemic`, and what
        the client raises.
        """
        return self._keys(cursor, consistent=consistent, whole=False)

    def missing(self, cursor: Cursor | None) -> Iterator[Page[Key]]:
        """The items that lack the attribute, by strongly consistent reads of whole pages of a megabyte."""
        return self._keys(cursor, consistent=True, whole=True)

    def count(self) -> int:
        """How many items lack the attribute, by a strongly consistent scan. Raises as `pages` does."""
        request = {**self._job.missing(), "Select": "COUNT"}
        return sum(answer["Count"] for answer in self._scan(request, None, consistent=True, whole=True))

    def _keys(self, cursor: Cursor | None, *, consistent: bool, whole: bool) -> Iterator[Page[Key]]:
        table = self._job.table
        names = {f"#key{index}": name for index, name in enumerate(table.key_names)}
        missing = self._job.missing()
        request = {
            **missing,
            "ExpressionAttributeNames": {**missing["ExpressionAttributeNames"], **names},
            "ProjectionExpression": ", ".join(names),
        }
        for answer in self._scan(request, cursor, consistent=consistent, whole=whole):
            keys = dict.fromkeys(table.key(item) for item in answer["Items"])
            yield Page(tuple(keys), answer["ScannedCount"], answer.get("LastEvaluatedKey"))

    def _scan(self, request: dict[str, Any], cursor: Cursor | None, *, consistent: bool, whole: bool) -> Iterator[Any]:
        fixed = {
            "TableName": self._job.table.name,
            "ConsistentRead": consistent,
            "ReturnConsumedCapacity": "TOTAL",
            **self._part,
            **request,
        }
        while True:
            self._units.take(0)
            limit = {} if whole else {"Limit": self._size() if self._size else PAGE}
            start = {"ExclusiveStartKey": cursor} if cursor else {}
            answer = self._read({**fixed, **limit, **start})
            self._units.spent(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0), taken=0)
            if not whole and self._too_much(answer):
                continue
            yield answer
            cursor = answer.get("LastEvaluatedKey")
            if not cursor:
                return

    def _too_much(self, answer: Any) -> bool:
        found = len(answer["Items"])
        return self._size is not None and not self._size.fits(examined=answer["ScannedCount"], found=found)

    def _read(self, request: dict[str, Any]) -> Any:
        return scanned_page(self._client, request, units=self._units, waiting=self._waiting)
