"""Journal, undo, replay and export with real statements and real objects: a run's steps in this process, on a cloud."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.cloud import LocalCloud
from switchboard.backfill.engine import Checkpoint, Meter, Outcome, settled_pages
from switchboard.backfill.export import Exported, Exporting, exported
from switchboard.backfill.job import SetAttribute, Table
from switchboard.backfill.sample import PER_REQUEST
from switchboard.backfill.source import Source
from switchboard.backfill.units import Units
from switchboard.backfill.waiting import Waiting
from switchboard.backfill.writes import Writer
from switchboard.schema import runs
from tests.conformance.scenarios import eventually, fresh
from tests.fakes.backfill_cloud import BUCKET, RUNS
from tests.fakes.backfill_machine import Machine
from tests.fakes.backfill_table import TABLE, Clock
from tests.fakes.mishaps import Killed
from tests.fakes.page_sizes import PagesOf

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

ITEMS = 300
ATTRIBUTE = "order.value of [select]"
VALUE = {"M": {"since": {"N": "1.5"}, "tags": {"SS": ["b", "a"]}, "none": {"NULL": True}, "list": {"L": [{"S": "x"}]}}}
OTHER = {"M": {"since": {"N": "1.5"}}}
RATES = {"max_write_units": 100_000, "max_read_units": 100_000}
SET = {"job": runs.SET_ATTRIBUTE, "table": TABLE, "attribute": ATTRIBUTE, "value": VALUE, **RATES}


def thing(number: int, *, other: bool) -> dict[str, Any]:
    given = {ATTRIBUTE: OTHER} if other else {}
    return {"pk": {"S": f"p{number % 7}"}, "sk": {"S": f"{number:07}"}, "text": {"S": "x" * 100}, **given}


class Hooked:
    """A client of which every call is told to `before`."""

    def __init__(self, client: Any) -> None:
        self.before: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None
        self._client = client

    def __getattr__(self, name: str) -> Any:
        def call(**request: Any) -> Any:
            self.before(name, request)
            return getattr(self._client, name)(**request)

        return call


class Cloud(Hooked):
    """The tables `things` and `runs` and a bucket on a local cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        client: Any = cloud.client("dynamodb")
        super().__init__(client)
        self.client = client
        s3: Any = cloud.client("s3")
        self.bucket = Hooked(s3)
        s3.create_bucket(Bucket=BUCKET)
        for name in (TABLE, RUNS):
            client.create_table(
                TableName=name,
                BillingMode="PAY_PER_REQUEST",
                KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
                AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk")],
            )
        recovery = {"PointInTimeRecoveryEnabled": True}
        client.update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification=recovery)

    def fill(self, rng: random.Random) -> None:
        """Write the items anew, a third of them with another value."""
        puts = [{"PutRequest": {"Item": thing(number, other=rng.random() < 0.3)}} for number in range(ITEMS)]
        for start in range(0, ITEMS, PER_REQUEST):
            self.client.batch_write_item(RequestItems={TABLE: puts[start : start + PER_REQUEST]})

    def held(self) -> dict[str, Any]:
        """The attribute of every item."""
        pages = self.client.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
        return {item["sk"]["S"]: item.get(ATTRIBUTE) for page in pages for item in page["Items"]}


@pytest.fixture(scope="module")
def standing() -> Iterator[Cloud]:
    with LocalCloud.start() as started:
        yield Cloud(started)


@pytest.fixture
def cloud(standing: Cloud, rng: random.Random) -> Cloud:
    standing.fill(rng)
    return standing


def machine(cloud: Cloud) -> Any:
    here: Any = cloud
    return Machine(here)


def test_undo_restores_the_table_after_a_run_whose_workers_died(cloud: Cloud) -> None:
    before = cloud.held()
    lacking = sum(value is None for value in before.values())
    deaths = [runs.OUTCOMES, runs.CANDIDATES, runs.OUTCOMES]

    def die(name: str, request: dict[str, Any]) -> None:
        if name == "put_object" and deaths and deaths[0] in request["Key"]:
            deaths.pop(0)
            raise Killed

    cloud.bucket.before = die
    run, undo, told, again = (fresh(name) for name in ("run", "undo", "undo-told", "undo-again"))
    report = machine(cloud).start(run, {**SET, "segments": 8}).output
    cloud.bucket.before = lambda _name, _request: None
    assert report is not None
    assert (report["status"], report["missing_after"]) == ("succeeded", 0)
    assert not deaths
    assert 0 < report["counters"]["updated"] < lacking, "some were updated by workers that could not say so"
    assert [value for value in cloud.held().values() if value == OTHER] == [OTHER] * (ITEMS - lacking)

    undone = machine(cloud).start(undo, {"job": runs.UNDO, "run": run}).output
    assert undone["counters"]["updated"] == report["counters"]["updated"]
    left = sum(value not in (None, OTHER) for value in cloud.held().values())
    assert left == lacking - report["counters"]["updated"] == undone["uncertain"]
    assert all(set(key) == {"pk", "sk"} for key in undone["uncertain_keys"])
    assert len(undone["uncertain_keys"]) == 10

    rest = machine(cloud).start(told, {"job": runs.UNDO, "run": run, "uncertain": True}).output
    assert (rest["status"], rest["missing_after"], rest["counters"]["updated"]) == ("succeeded", 0, left)
    assert rest["uncertain"] == 0
    assert cloud.held() == before

    nothing = machine(cloud).start(again, {"job": runs.UNDO, "run": run, "uncertain": True}).output
    assert (nothing["status"], nothing["counters"]["updated"]) == ("succeeded", 0)
    assert cloud.held() == before


def test_a_dry_run_says_what_the_run_then_takes(cloud: Cloud) -> None:
    before = cloud.held()
    planned = machine(cloud).start(fresh("dry"), {**SET, "dry_run": True}).output
    assert cloud.held() == before
    lacking = sum(value is None for value in before.values())
    assert (planned["status"], planned["items"], planned["items_to_change"]) == ("planned", ITEMS, lacking)
    report = machine(cloud).start(fresh("run"), SET).output
    assert report["counters"]["updated"] == planned["items_to_change"]
    assert report["write_units"] == planned["write_units"]


def test_a_replay_settles_items_that_failed(cloud: Cloud) -> None:
    run = fresh("run")
    assert machine(cloud).start(run, SET).output["status"] == "succeeded"
    failed = [key for key, value in cloud.held().items() if value != OTHER][:3]
    keys = [{"pk": {"S": f"p{int(key) % 7}"}, "sk": {"S": key}} for key in failed]
    for key in keys:
        cloud.client.update_item(
            TableName=TABLE, Key=key, UpdateExpression="REMOVE #a", ExpressionAttributeNames={"#a": ATTRIBUTE}
        )
    body = json.dumps({Outcome.FAILED.value: keys}).encode()
    cloud.bucket.put_object(Bucket=BUCKET, Key=runs.failed_object(run, 0, 4), Body=body)

    report = machine(cloud).start(fresh("replay"), {"job": runs.REPLAY, "run": run}).output

    assert (report["status"], report["missing_after"], report["counters"]["updated"]) == ("succeeded", 0, 3)
    assert all(cloud.held().values())


def test_a_first_pass_from_an_export_scans_nothing(cloud: Cloud) -> None:
    before = cloud.held()
    client: Any = cloud
    arn = cloud.client.describe_table(TableName=TABLE)["Table"]["TableArn"]
    run = fresh("run")

    def finished() -> str | None:
        try:
            return exported(client, arn, bucket=BUCKET, run_id=run)
        except Exporting:
            return None

    summary = eventually(finished)
    assert exported(client, arn, bucket=BUCKET, run_id=run) == summary, "it is one export however often it is asked for"
    changed = next(key for key, value in before.items() if value is None)
    key = {"pk": {"S": f"p{int(changed) % 7}"}, "sk": {"S": changed}}
    cloud.client.put_item(TableName=TABLE, Item={**key, ATTRIBUTE: OTHER})
    job = SetAttribute(Table(TABLE, ("pk", "sk")), ATTRIBUTE, VALUE)
    clock = Clock()
    units = Units(1e9, clock=clock, sleep=clock.sleep)
    waiting = Waiting(clock=clock, sleep=clock.sleep, jitter=lambda: 0.5)
    live = Source(client, job, units=units, waiting=waiting)
    writer = Writer(client, job, write_units=units, read_units=units, waiting=waiting)
    asked: list[str] = []
    cloud.before = lambda name, _request: asked.append(name)
    scanned = 0
    for segment in range(2):
        s3: Any = cloud.bucket
        pages = Exported(s3, BUCKET, job, summary=summary, live=live, segment=segment, of=2, size=PagesOf(40))
        meter = Meter(Checkpoint(), writes=units, reads=units, clock=clock)
        scanned += list(settled_pages(pages, writer, Checkpoint(), meter=meter))[-1].counters.scanned
    cloud.before = lambda _name, _request: None

    assert scanned == ITEMS
    assert set(asked) <= {"batch_execute_statement", "batch_get_item"}
    after = cloud.held()
    assert after[changed] == OTHER
    assert {key: value for key, value in after.items() if before[key] is not None} == {
        key: value for key, value in before.items() if value is not None
    }
    assert all(after.values())
