"""The old table, read gently: whole items, page by page, no faster than its budget however large they are."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.amplification import WRITE_UNIT_BYTES
from switchboard.backfill.engine import Page
from switchboard.backfill.legacy.items import LegacyItem
from switchboard.backfill.legacy.tally import VERIFIED
from switchboard.backfill.legacy.target import TABLE_AND_INDEXES
from switchboard.backfill.scanning import scanned_page
from switchboard.dynamo.values import item_size
from switchboard.schema import legacy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.engine import Cursor
    from switchboard.backfill.legacy.rekeying import Rekeying
    from switchboard.backfill.legacy.tally import Notes
    from switchboard.backfill.legacy.verifying import Verifier
    from switchboard.backfill.units import Units
    from switchboard.backfill.waiting import Waiting

MAX_ITEMS: Final = 1_000
"""Items of a page at most; DynamoDB ends one at a megabyte before that where they are large."""
_FIRST: Final = 10
"""Items of the first page, which tells what they cost."""
PAGE_SECONDS: Final = 20.0
"""How much of either budget one page may take: a worker stops between pages only."""


class LegacySource:
    """`Pages` of the old items before the cut-over, of one segment of a scan."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        *,
        rekeying: Rekeying,
        verifier: Verifier,
        notes: Notes,
        reads: Units,
        writes: Units,
        waiting: Waiting,
        segment: int = 0,
        of: int = 1,
        size: Callable[[], int] = lambda: MAX_ITEMS,
    ) -> None:
        """`reads` are the old table's units, `writes` those of the CDR table; `size` bounds a page as well."""
        self._client = client
        self._table = table
        self._rekeying = rekeying
        self._verifier = verifier
        self._notes = notes
        self._reads = reads
        self._writes = writes
        self._waiting = waiting
        self._part = {"Segment": segment, "TotalSegments": of} if of > 1 else {}
        self._size = size

    def pages(self, cursor: Cursor | None, *, consistent: bool) -> Iterator[Page[LegacyItem]]:
        """The items to import; those at or after the cut-over are examined and left alone.

        What is read at once may cost much more to write than to read, so it is cut where a page's time is up. Raises
        `Systemic`, and what the client raises.
        """
        for items, following in self._scan(cursor, consistent=consistent):
            for part, end in self._affordable(items, following):
                work = tuple(self._before(part))
                self._notes.page.statuses[legacy.LEFT_ALONE] += len(part) - len(work)
                yield Page(work, len(part), end)

    def missing(self, cursor: Cursor | None) -> Iterator[Page[LegacyItem]]:
        """The items for which nothing stands in the CDR table; both sides of each page are noted. Raises as `pages`."""
        for items, following in self._scan(cursor, consistent=True):
            lacking = self._verifier.missing(self._before(items))
            self._notes.end(VERIFIED)
            yield Page(tuple(lacking), len(items), following)

    def _before(self, items: list[LegacyItem]) -> list[LegacyItem]:
        return [item for item in items if not self._rekeying.left_alone(item)]

    def _affordable(
        self, items: list[LegacyItem], following: Cursor | None
    ) -> Iterator[tuple[list[LegacyItem], Cursor | None]]:
        """The items in parts that are written in a page's time, each with the place after it."""
        affordable = self._writes.rate * PAGE_SECONDS
        part: list[LegacyItem] = []
        units = 0.0
        for item in items:
            cost = TABLE_AND_INDEXES * ceil(item_size(item.attributes) / WRITE_UNIT_BYTES)
            if part and units + cost > affordable:
                yield part, {name: part[-1].attributes[name] for name in (legacy.TIMESTAMP, legacy.SPONSOR_ID)}
                part, units = [], 0.0
            part.append(item)
            units += cost
        yield part, following

    def _scan(self, cursor: Cursor | None, *, consistent: bool) -> Iterator[tuple[list[LegacyItem], Cursor | None]]:
        per_item: float | None = None
        while True:
            self._reads.take(0)
            start = {"ExclusiveStartKey": cursor} if cursor else {}
            answer = self._read(
                {
                    "TableName": self._table,
                    "ConsistentRead": consistent,
                    "ReturnConsumedCapacity": "TOTAL",
                    "Limit": self._limit(per_item),
                    **self._part,
                    **start,
                }
            )
            cost = answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0)
            self._reads.spent(cost, taken=0)
            items = [LegacyItem.of(item) for item in answer["Items"]]
            if items:
                per_item = cost / len(items)
            cursor = answer.get("LastEvaluatedKey")
            yield items, cursor
            if not cursor:
                return

    def _limit(self, per_item: float | None) -> int:
        most = min(self._size(), MAX_ITEMS)
        if per_item is None:
            return min(_FIRST, most)
        affordable = self._reads.rate * PAGE_SECONDS / per_item if per_item else most
        return max(1, int(min(affordable, most)))

    def _read(self, request: dict[str, Any]) -> Any:
        return scanned_page(self._client, request, units=self._reads, waiting=self._waiting)
