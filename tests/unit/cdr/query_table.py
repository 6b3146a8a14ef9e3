"""A CDR table that answers `Query`: pages, key conditions, start keys and orders that the reads rest on, no more."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING, Any

from switchboard.dynamo.budget import Budget
from switchboard.schema import cdr

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "cdr-table"
INDEX_KEYS = {cdr.BY_SPONSOR: cdr.SPONSOR_SHARD, cdr.BY_DAY: cdr.DAY_SHARD}
CONDITION = re.compile(r"(\w+) = (:\w+)(?: AND (\w+) BETWEEN (:\w+) AND (:\w+))?")
UNITS_PER_PAGE = 0.5


def within(seconds: Callable[[], float] = lambda: 60.0) -> Budget:
    """The time of an invocation that has so many seconds left."""
    return Budget(remaining_seconds=seconds, sleep=lambda _: None, jitter=lambda: 0.5)


def stored(
    *,
    sponsorship_id: str = "sp-1",
    sponsor_id: str = "s-1",
    record_type: str = cdr.CONSUME,
    source: str = "qm",
    record_id: str = "r-1",
    occurred_at: str = "2026-11-21T00:00:00.000000Z",
    subscriber_id: str | None = None,
    sk: str | None = None,
    data: dict[str, Any] | None = None,
    expires_at: int | None = None,
) -> dict[str, Any]:
    """An item as the writer stores it."""
    pk = cdr.partition_key(sponsorship_id)
    if sk is None:
        sk = cdr.consume_key(source, record_id)
    shard = cdr.shard_of(pk, sk)
    item: dict[str, Any] = {
        cdr.PK: {"S": pk},
        cdr.SK: {"S": sk},
        cdr.VERSION: {"N": "1"},
        cdr.TYPE: {"S": record_type},
        cdr.SOURCE: {"S": source},
        cdr.ID: {"S": record_id},
        cdr.SPONSOR_ID: {"S": sponsor_id},
        cdr.SPONSORSHIP_ID: {"S": sponsorship_id},
        cdr.OCCURRED_AT: {"S": occurred_at},
        cdr.RECORDED_AT: {"S": "2026-11-22T00:00:00.000000Z"},
        cdr.SPONSOR_SHARD: {"S": cdr.sponsor_shard(sponsor_id, shard)},
        cdr.DAY_SHARD: {"S": cdr.day_shard(occurred_at[:10], shard)},
        cdr.PAYLOAD_HASH: {"S": "0" * 64},
        cdr.DATA: {"M": data or {}},
    }
    if subscriber_id is not None:
        item[cdr.SUBSCRIBER_ID] = {"S": subscriber_id}
    if expires_at is not None:
        item[cdr.EXPIRES_AT] = {"N": str(expires_at)}
    return item


class QueryTable:
    """Answers `query` like a DynamoDB client; records every call."""

    def __init__(self, items: list[dict[str, Any]] | None = None, *, page_items: int = 1_000) -> None:
        self.items = items or []
        self.page_items = page_items
        self.calls: list[dict[str, Any]] = []
        self.items_read = 0
        self._lock = threading.Lock()

    def query(self, **parameters: Any) -> dict[str, Any]:
        with self._lock:
            self.calls.append(parameters)
            return self._answer(**parameters)

    def _answer(
        self,
        *,
        TableName: str,  # noqa: N803 - the API's own names
        KeyConditionExpression: str,  # noqa: N803
        ExpressionAttributeValues: dict[str, Any],  # noqa: N803
        ReturnConsumedCapacity: str,  # noqa: N803
        IndexName: str | None = None,  # noqa: N803
        Limit: int | None = None,  # noqa: N803
        ConsistentRead: bool = False,  # noqa: N803
        ExclusiveStartKey: dict[str, Any] | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        assert (TableName, ReturnConsumedCapacity) == (TABLE, "TOTAL")
        assert not (IndexName and ConsistentRead), "an index is never read strongly consistent"
        assert Limit is None or Limit >= 1
        partition = INDEX_KEYS[IndexName] if IndexName else cdr.PK
        sort = cdr.OCCURRED_AT if IndexName else cdr.SK
        order = list(dict.fromkeys([sort, cdr.PK, cdr.SK]))
        matched = CONDITION.fullmatch(KeyConditionExpression)
        assert matched, KeyConditionExpression
        name, value, ranged, low, high = matched.groups()
        assert (name, ranged) in {(partition, None), (partition, sort)}

        def text(item: dict[str, Any], attribute: str) -> str:
            return str(item[attribute]["S"])

        def holds(item: dict[str, Any]) -> bool:
            if partition not in item or item[partition] != ExpressionAttributeValues[value]:
                return False
            if low is None:
                return True
            bounds = ExpressionAttributeValues[low]["S"], ExpressionAttributeValues[high]["S"]
            assert bounds[0] <= bounds[1]
            return bool(bounds[0] <= text(item, sort) <= bounds[1])

        def key(item: dict[str, Any]) -> tuple[str, ...]:
            return tuple(text(item, attribute) for attribute in order)

        found = sorted(filter(holds, self.items), key=key)
        if ExclusiveStartKey is not None:
            assert set(ExclusiveStartKey) == {partition, *order}
            assert holds(ExclusiveStartKey), "DynamoDB refuses a start key outside the key condition"
            found = [item for item in found if key(item) > key(ExclusiveStartKey)]
        size = min(Limit or self.page_items, self.page_items)
        page = found[:size]
        self.items_read += len(page)
        answer: dict[str, Any] = {"Items": page, "ConsumedCapacity": {"CapacityUnits": UNITS_PER_PAGE}}
        if len(page) == size:
            answer["LastEvaluatedKey"] = {attribute: page[-1][attribute] for attribute in {partition, *order}}
        return answer
