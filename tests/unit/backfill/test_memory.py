"""A run's memory does not grow with the table: items are generated as they are read, and writes keep nothing."""

from __future__ import annotations

import tracemalloc
from typing import Any

from tests.unit.backfill.runs_of import run


class Endless:
    """`items` items that all lack the attribute, and are gone from the count once they were read."""

    def __init__(self, items: int) -> None:
        self.updates = 0
        self._items = items

    def describe_table(self, **_: Any) -> Any:
        keys = [{"AttributeName": "pk", "KeyType": "HASH"}]
        defined = [{"AttributeName": "pk", "AttributeType": "S"}]
        billing = {"BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}
        return {"Table": {"TableName": "things", "KeySchema": keys, "AttributeDefinitions": defined, **billing}}

    def describe_continuous_backups(self, **_: Any) -> Any:
        status = {"PointInTimeRecoveryStatus": "ENABLED"}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": status}}

    def scan(self, **request: Any) -> Any:
        if "Select" in request:
            return {"Count": 0, "ScannedCount": self._items}
        start = int(request["ExclusiveStartKey"]["pk"]["S"]) if "ExclusiveStartKey" in request else 0
        end = min(start + request["Limit"], self._items)
        answer = {"Items": [{"pk": {"S": f"{n:09}"}} for n in range(start, end)], "ScannedCount": end - start}
        return answer | ({"LastEvaluatedKey": {"pk": {"S": f"{end:09}"}}} if end < self._items else {})

    def batch_execute_statement(self, **request: Any) -> Any:
        self.updates += len(request["Statements"])
        return {"Responses": [{"TableName": "things"}] * len(request["Statements"])}


class LastOnly(list[Any]):
    """Forgets what it was told: a file of checkpoints does, too."""

    def append(self, _: Any) -> None:
        """Keep nothing."""


def peak(items: int) -> int:
    table = Endless(items)
    tracemalloc.start()
    try:
        report = run(table, told=LastOnly())
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert report.at.counters.updated == items


def test_many_more_items_take_no_more_memory(stress: bool) -> None:
    peak(2_000)  # what is only loaded or cached at the first run
    small = peak(10_000)
    assert peak(1_000_000 if stress else 60_000) <= 1.2 * small
