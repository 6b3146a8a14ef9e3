"""The documented capacity rules for one write to the messages table (docs: "DynamoDB read and write operations").

A write unit is a write of up to 1 KB of the larger of the item before and after. In an index, a changed key is the
removal of one entry and the insertion of another; a changed projected attribute is one write; nothing changed is free.
A condition that fails costs as much as the write of the item that stands there would have.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any

from switchboard.dynamo.values import item_size
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Mapping

UNIT_BYTES = 1_024
INDEX_KEYS = (schema.INBOX_USER, schema.LAST_MESSAGE_SK)
INDEX_ATTRIBUTES = (schema.PK, schema.SK, *INDEX_KEYS, *schema.INBOX_PROJECTION)

Item = dict[str, dict[str, Any]]


def write_units(before: Item | None, after: Item | None) -> int:
    """Write units of replacing `before` by `after` in the table and its index, outside a transaction."""
    table = max(_units(before), _units(after), 1)
    return table + _index_units(_entry(before), _entry(after))


def transaction_units(before: Item | None, after: Item | None) -> int:
    """Write units of the same write inside a transaction: the table's are doubled, its index's are not."""
    return write_units(before, after) + max(_units(before), _units(after), 1)


def check_units(standing: Item | None) -> int:
    """Write units of a `ConditionCheck` on the item that stands there, which only transactions have."""
    return 2 * max(_units(standing), 1)


def failed_units(standing: Item | None) -> int:
    """Write units of a write whose condition failed on the item that stands there."""
    return max(_units(standing), 1)


def _entry(item: Item | None) -> Item | None:
    if item is None or any(key not in item for key in INDEX_KEYS):
        return None
    return {name: item[name] for name in INDEX_ATTRIBUTES if name in item}


def _index_units(before: Item | None, after: Item | None) -> int:
    if before == after:
        return 0
    if before is not None and after is not None and all(before[key] == after[key] for key in INDEX_KEYS):
        return max(_units(before), _units(after))
    return _units(before) + _units(after)


def _units(item: Mapping[str, Mapping[str, Any]] | None) -> int:
    return 0 if item is None else ceil(item_size(item) / UNIT_BYTES)
