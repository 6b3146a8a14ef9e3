"""A run's memory does not grow with the table: items are generated as they are read, and writes keep nothing."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.backfill_cloud import BackfillCloud
from tests.fakes.backfill_machine import Machine
from tests.unit.backfill.runs_of import VALUE, run

if TYPE_CHECKING:
    from collections.abc import Callable


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
        if "Select" in request or request["ConsistentRead"]:
            return {"Count": 0, "Items": [], "ScannedCount": self._items}
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


class Posted(dict[str, bytes]):
    """Objects of a bucket that are elsewhere: how many there are is known, what they hold is not."""

    def __init__(self) -> None:
        super().__init__()
        self.bytes = 0

    def __setitem__(self, _: str, body: bytes) -> None:
        self.bytes += len(body)


def inline(table: Endless) -> int:
    return run(table, told=LastOnly()).at.counters.updated


def by_the_state_machine(table: Endless) -> int:
    """The same by invocations on segments, with their checkpoints and their journal."""
    things: Any = table
    cloud = BackfillCloud(things)
    cloud.bucket.objects = journal = Posted()
    cloud.kept.stream = LastOnly()  # every change of the runs table, which the table in memory remembers for others
    machine = Machine(cloud, counted=LastOnly())
    job = {"job": "set_attribute", "table": "things", "attribute": "test", "value": VALUE, "max_write_units": 500}
    ended = machine.start("run-1", job)
    assert ended.output, ended.cause
    assert journal.bytes > table.updates, "every key is written down"
    updated: int = ended.output["counters"]["updated"]
    return updated


def peak(items: int, way: Callable[[Endless], int]) -> int:
    table = Endless(items)
    tracemalloc.start()
    try:
        updated = way(table)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        assert updated == table.updates == items


@pytest.mark.parametrize("way", [inline, by_the_state_machine])
def test_many_more_items_take_no_more_memory(stress: bool, way: Callable[[Endless], int]) -> None:
    peak(2_000, way)  # what is only loaded or cached at the first run
    small = peak(10_000, way)
    assert peak(1_000_000 if stress else 60_000, way) <= 1.2 * small
