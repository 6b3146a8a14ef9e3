"""A bounded look at a table: how many of its items lack the attribute, how large they are, what an update costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.amplification import reached_indexes, update_units
from switchboard.backfill.errors import systemic
from switchboard.dynamo.values import item_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.job import SetAttribute
    from switchboard.backfill.units import Units

PAGES: Final = 16
PAGE_ITEMS: Final = 250
"""At most 16 pages of a megabyte, read eventually consistent: 2,048 read units, however large the table is."""
_SMALL: Final = PAGES * PAGE_ITEMS
_MOST_SEGMENTS: Final = 1_000_000
"""What `TotalSegments` takes at most (docs: `Scan`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What was seen of a table: how many of `scanned` items are `missing` the attribute; `whole` if that is all of it.

    `item_bytes` and `key_bytes` are means, `update_units` the mean write units of an update with its indexes, and
    `read_units` what the look cost.
    """

    scanned: int
    missing: int
    item_bytes: float
    key_bytes: float
    update_units: float
    read_units: float
    whole: bool

    def items(self, counted: int) -> int:
        """How many items the table has, where AWS counted so many some hours ago."""
        return self.scanned if self.whole else max(counted, self.scanned)

    def to_change(self, counted: int) -> int:
        """How many of them lack the attribute."""
        return round(self.items(counted) * self.missing / self.scanned) if self.scanned else 0


def sampled(
    client: DynamoDBClient,
    job: SetAttribute,
    description: Mapping[str, Any],
    *,
    units: Units,
    draw: Callable[[], float],
) -> Sample:
    """A look at up to `PAGES` pages of the table that `description` (of `DescribeTable`) describes.

    A small table is read from its beginning. From a large one a page is taken at a random place in each of as many
    equal parts of the hash range, where `draw` draws from [0, 1): items are spread over it by the hash of their
    partition keys, so that their places say nothing of them. Raises `Systemic`, and what the client raises.
    """
    indexes = reached_indexes(description, job.attribute)
    scanned = missing = total_bytes = key_bytes = needed = 0
    read_units = 0.0
    counted = description.get("ItemCount", 0)
    whole = False
    for answer in _pages(client, job.table.name, counted, units=units, draw=draw):
        for item in answer["Items"]:
            scanned += 1
            total_bytes += item_size(item)
            key_bytes += item_size({name: item[name] for name in job.table.key_names})
            if job.needs(item):
                missing += 1
                needed += update_units(item, job.attribute, job.value, indexes)
        read_units += answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0)
        whole = counted <= _SMALL and "LastEvaluatedKey" not in answer
    return Sample(
        scanned=scanned,
        missing=missing,
        item_bytes=total_bytes / scanned if scanned else 0.0,
        key_bytes=key_bytes / scanned if scanned else 0.0,
        update_units=needed / missing if missing else 0.0,
        read_units=read_units,
        whole=whole,
    )


def _pages(
    client: DynamoDBClient, table: str, counted: int, *, units: Units, draw: Callable[[], float]
) -> Iterator[Any]:
    request: dict[str, Any] = {"TableName": table, "Limit": PAGE_ITEMS, "ReturnConsumedCapacity": "TOTAL"}
    of = min(_MOST_SEGMENTS, counted // PAGE_ITEMS)
    for part in range(PAGES):
        if counted > _SMALL:
            request |= {"Segment": int((part + draw()) * of / PAGES), "TotalSegments": of}
        answer = _scan(client, request, units)
        yield answer
        if counted <= _SMALL:
            if "LastEvaluatedKey" not in answer:
                return
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _scan(client: DynamoDBClient, request: dict[str, Any], units: Units) -> Any:
    units.take(0)
    with systemic():
        answer: Any = client.scan(**request)
    units.spent(answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0), taken=0)
    return answer
