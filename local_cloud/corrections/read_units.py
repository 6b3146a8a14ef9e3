"""A read reports the capacity it costs.

Wrong: every `GetItem`, `Query` and `Scan` reports half a read unit, or one if strongly consistent, whatever it read.

AWS: the sizes of all items read are summed, rounded up to 4 KB, and cost one unit per 4 KB, or half a unit for an
eventually consistent read; filters and projections save nothing.
Source: DynamoDB developer guide, "DynamoDB read and write operations", capacity unit consumption for reads.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from ministack.services import dynamodb

from local_cloud.corrections import _seam

_UNIT_BYTES: Final = 4096
_READ: Final[ContextVar[int]] = ContextVar("read", default=0)
"""Bytes of the items of the page that this request evaluated last."""


def apply() -> None:
    """Weigh each page that is read, and multiply the reported units by its weight."""
    paginate = _seam.original(dynamodb, "_paginate_evaluated_items", "items", "limit", "table", "index_name")
    report = _seam.original(
        dynamodb,
        "_add_consumed_capacity",
        *("result", "data", "table_name", "write", "old_item", "new_item", "index_name"),
    )
    size = _seam.original(dynamodb, "_item_size_bytes", "item")
    project = _seam.original(dynamodb, "_apply_index_projection", "item", "table", "index_name")
    get = _seam.original(dynamodb, "_get_item_by_key", "table", "key")

    def paginate_evaluated_items(items: Any, limit: Any, table: Any, index_name: str | None = None) -> Any:
        page, more = paginate(items, limit, table, index_name)
        _READ.set(sum(size(project(item, table, index_name) if index_name else item) for item in page))
        return page, more

    def add_consumed_capacity(
        result: dict[str, Any], data: dict[str, Any], table_name: str, write: bool = False, **named: Any
    ) -> None:
        report(result, data, table_name, write=write, **named)
        consumed = result.get("ConsumedCapacity")
        if write or not consumed:
            return
        read = size(get(dynamodb._tables[table_name], data["Key"]) or {}) if "Key" in data else _READ.get()
        weight = max(1, -(-read // _UNIT_BYTES))
        parts = [consumed, consumed.get("Table")]
        for indexes in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
            parts += (consumed.get(indexes) or {}).values()
        for part in parts:
            if part:
                part["CapacityUnits"] *= weight

    dynamodb._paginate_evaluated_items = paginate_evaluated_items
    dynamodb._add_consumed_capacity = add_consumed_capacity
