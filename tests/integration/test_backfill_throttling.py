"""A backfill by a real client over HTTP, on a table that throttles as provisioned ones do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.backfill.engine import Checkpoint
from switchboard.backfill.plan import planned
from switchboard.backfill.run import Report, Run
from switchboard.backfill.waiting import Waiting
from switchboard.dynamo.client import dynamodb_client
from tests.fakes.throttling_proxy import throttling_proxy
from tests.models.throttling import Throttle

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from local_cloud.stage import DeployedStage

ITEMS = 1_200
TABLE = "throttled"
OTHER = {"S": "set by a writer"}
VALUE = {"S": "1"}


@pytest.fixture
def engine(local: DeployedStage) -> Iterator[Any]:
    """A client of the engine itself, which never throttles, with a table of items of which one in ten has a value."""
    client = local.client("dynamodb")
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
    )
    on = {"PointInTimeRecoveryEnabled": True}
    client.update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification=on)
    for start in range(0, ITEMS, 25):
        puts = [{"PutRequest": {"Item": item(number)}} for number in range(start, min(start + 25, ITEMS))]
        assert not client.batch_write_item(RequestItems={TABLE: puts})["UnprocessedItems"]
    yield client
    client.delete_table(TableName=TABLE)


def item(number: int) -> dict[str, Any]:
    key = {"pk": {"S": f"p{number % 12}"}, "sk": {"S": f"{number:05}"}}
    return key if number % 10 else {**key, "test": OTHER}


def stored(engine: Any) -> list[dict[str, Any]]:
    pages = engine.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
    return sorted((each for page in pages for each in page["Items"]), key=lambda each: str(each["sk"]["S"]))


def backfilled(endpoint: str, monkeypatch: pytest.MonkeyPatch, rng: random.Random, *, write_units: float) -> Report:
    settings = {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    client = dynamodb_client()
    plan = planned(
        client, TABLE, attribute="test", value=VALUE, prefix=None, max_write_units=write_units, max_read_units=1e6
    )
    waiting = Waiting(clock=time.monotonic, sleep=time.sleep, jitter=rng.random)
    return Run(client, plan, run_id="run-1", waiting=waiting, start=Checkpoint(), settled=lambda _: None)()


def test_a_throttled_table_gets_every_update_and_nothing_else_changes(
    engine: Any, monkeypatch: pytest.MonkeyPatch, rng: random.Random
) -> None:
    throttle = Throttle(
        clock=time.monotonic, write_units=300.0, read_units=400.0, partition_units=100.0, burst_seconds=1.0
    )
    with throttling_proxy(engine, throttle) as endpoint:
        report = backfilled(endpoint, monkeypatch, rng, write_units=2_000)
    missing = ITEMS - ITEMS // 10
    assert (report.status, report.missing_after) == ("succeeded", 0)
    assert (report.at.counters.scanned, report.at.counters.updated) == (ITEMS, missing)
    assert throttle.refused > 0, "the table was asked for more than it serves"
    assert stored(engine) == [{"test": VALUE, **item(number)} for number in range(ITEMS)]
