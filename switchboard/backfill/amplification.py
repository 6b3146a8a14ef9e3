"""What one update of an item costs in write units, with the indexes that it reaches.

Source of the rules: "DynamoDB read and write operations" and "Write throughput considerations for global secondary
indexes". A write is charged for the larger of the item before and after it, rounded up to a kilobyte. An index whose
projection holds the attribute is written as well, where the item is in it at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from switchboard.dynamo.values import item_size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.dynamo.values import AttributeValue

WRITE_UNIT_BYTES: Final = 1_024
READ_UNIT_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True)
class Index:
    """An index that holds the attribute: the keys that put an item into it, and what it projects (None: everything)."""

    keys: frozenset[str]
    projected: frozenset[str] | None

    def entry(self, item: Mapping[str, AttributeValue]) -> dict[str, AttributeValue] | None:
        """What the index keeps of an item; None where the item lacks one of its keys."""
        if not self.keys <= item.keys():
            return None
        return {name: value for name, value in item.items() if self.projected is None or name in self.projected}


def reached_indexes(description: Mapping[str, Any], attribute: str) -> tuple[Index, ...]:
    """The indexes of a table, as `DescribeTable` describes it, that hold `attribute`, which is a key of none."""
    table_keys = {each["AttributeName"] for each in description["KeySchema"]}
    found = []
    for index in (*description.get("GlobalSecondaryIndexes", ()), *description.get("LocalSecondaryIndexes", ())):
        keys = frozenset(each["AttributeName"] for each in index["KeySchema"])
        projection = index["Projection"]
        included = frozenset(projection.get("NonKeyAttributes", ()))
        if projection["ProjectionType"] == "ALL":
            found.append(Index(keys, None))
        elif attribute in included:
            found.append(Index(keys, keys | table_keys | included))
    return tuple(found)


def update_units(
    item: Mapping[str, AttributeValue], attribute: str, value: AttributeValue, indexes: tuple[Index, ...]
) -> int:
    """Write units of giving `item`, which lacks it, the attribute."""
    entries = (index.entry(item) for index in indexes)
    return sum(_units({**entry, attribute: value}) for entry in (item, *entries) if entry is not None)


def _units(item: Mapping[str, AttributeValue]) -> int:
    return ceil(item_size(item) / WRITE_UNIT_BYTES)
