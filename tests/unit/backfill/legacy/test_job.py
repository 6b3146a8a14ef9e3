from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest

from switchboard.backfill.amplification import READ_UNIT_BYTES
from switchboard.backfill.errors import InvalidInput, NotATarget, RecoveryOff, Refused
from switchboard.backfill.kinds import Names
from switchboard.backfill.legacy import job
from switchboard.backfill.legacy.evidence import page_writer
from switchboard.backfill.legacy.tally import VERIFIED, WORK, Side, Tally
from switchboard.dynamo.values import item_size
from switchboard.schema import cdr, legacy, runs
from tests.fakes.backfill_table import Clock
from tests.fakes.legacy_tables import CDR, OLD, LegacyTables
from tests.fakes.messages_table import client_error
from tests.unit.backfill.legacy.imports import NOW, Import, consumed, old
from tests.unit.backfill.runs_of import waiting

MAPPING = {"schema": legacy.MAPPING_SCHEMA, "type": {"otherwise": "consume"}, "sponsorship_id": {"first_of": ["/sp"]}}


class Bucket:
    """The calls of S3 that an import makes, on one bucket."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {"mappings/m.json": json.dumps(MAPPING).encode(), "mappings/bad": b"{}"}

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803 - the API's own names
        assert Bucket == "reports"
        if Key not in self.objects:
            raise client_error("NoSuchKey")
        return {"Body": BytesIO(self.objects[Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        assert (Bucket, ContentType) == ("reports", "application/json")
        self.objects[Key] = Body

    def get_paginator(self, name: str) -> Any:
        assert name == "list_objects_v2"
        return SimpleNamespace(
            paginate=lambda Bucket, Prefix: [  # noqa: ARG005, N803 - the API's own names
                {"Contents": [{"Key": key}]} for key in sorted(self.objects) if key.startswith(Prefix)
            ]
        )


class Cloud(LegacyTables):
    """The two tables with their descriptions: one read unit for the old one, four write units for the other."""

    recovery = "ENABLED"
    range_key = "sponsor_id"

    def describe_table(self, *, TableName: str) -> Any:  # noqa: N803
        if TableName == CDR:
            index = {"ProvisionedThroughput": {"ReadCapacityUnits": 3, "WriteCapacityUnits": 3}}
            return {"Table": {**_throughput(4, 4), "GlobalSecondaryIndexes": [index]}}
        if TableName != OLD:
            raise client_error("ResourceNotFoundException")
        keys = {"timestamp": ("N", "HASH"), self.range_key: ("S", "RANGE")}
        return {
            "Table": {
                **_throughput(1, 1),
                "ItemCount": 7,
                "TableSizeBytes": 700,
                "AttributeDefinitions": [
                    {"AttributeName": name, "AttributeType": kind} for name, (kind, _) in keys.items()
                ],
                "KeySchema": [{"AttributeName": name, "KeyType": part} for name, (_, part) in keys.items()],
            }
        }

    def describe_continuous_backups(self, *, TableName: str) -> Any:  # noqa: N803
        assert TableName == CDR
        status = {"PointInTimeRecoveryStatus": self.recovery}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": status}}


def _throughput(reads: int, writes: int) -> dict[str, Any]:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}}


def tools(cloud: Cloud | None = None, bucket: Bucket | None = None) -> Any:
    names = Names(
        runs_table="runs", reports_bucket="reports", legacy_tables=(OLD, "gone"), messages_table="m", cdr_table=CDR
    )
    return SimpleNamespace(
        dynamodb=cloud or Cloud([]), s3=bucket or Bucket(), names=names, waiting=waiting(Clock()), now=lambda: NOW
    )


def asked(**fields: Any) -> dict[str, Any]:
    return {"source": OLD, "before": "2026-11-01T00:00:00+01:00", **fields}


def test_a_plan_takes_half_of_what_is_provisioned_and_holds_the_mapping() -> None:
    planned = job.plan(asked(mapping="mappings/m.json", max_read_units=50), tools())
    assert (planned.table, planned.read_units, planned.write_units, planned.items) == (CDR, 0.5, 1.5, 7)
    assert planned.stored == {
        "source": OLD,
        "before": "2026-10-31T23:00:00.000000Z",
        "mapping": MAPPING,
        "cdr_read_units": 2.0,
    }
    assert json.loads(json.dumps(planned.stored)) == planned.stored


@pytest.mark.parametrize(
    ("fields", "error", "told"),
    [
        (asked(source="cdr-table"), NotATarget, "source"),
        (asked(source="gone"), InvalidInput, "source"),
        (asked(before="2026-11-01"), InvalidInput, "before"),
        (asked(before="2026-11-22T00:00:00Z"), InvalidInput, "before"),
        ({"source": OLD}, InvalidInput, "before"),
        (asked(colour="red"), InvalidInput, "input"),
        (asked(mapping="runs/m.json"), InvalidInput, "mapping"),
        (asked(mapping="mappings/none.json"), InvalidInput, "mapping"),
        (asked(mapping="mappings/bad"), InvalidInput, "/schema: missing"),
    ],
)
def test_what_no_import_may_do_is_refused(fields: dict[str, Any], error: type[Refused], told: str) -> None:
    with pytest.raises(error, match=told):
        job.plan(fields, tools())


def test_a_table_of_another_key_and_one_that_cannot_be_restored_are_refused() -> None:
    cloud = Cloud([])
    cloud.range_key = "sponsor"
    with pytest.raises(InvalidInput, match="keyed timestamp"):
        job.plan(asked(), tools(cloud))
    cloud = Cloud([])
    cloud.recovery = "DISABLED"
    with pytest.raises(RecoveryOff):
        job.plan(asked(), tools(cloud))


def test_a_dry_run_says_what_becomes_of_a_sample_and_writes_nothing() -> None:
    cloud = Cloud([consumed(1_700_000_000), old(1_700_000_000, "s-2"), consumed(1_794_000_000_000, "s-3")])
    cloud.order = lambda key: key
    bench = tools(cloud)
    answer = job.preview(job.plan(asked(), bench), bench, run_id="run-1", segments=1, concurrency=1)
    assert answer["sample"] == {"record": 1, legacy.UNMAPPED: 1, legacy.LEFT_ALONE: 1}
    assert answer["errors"] == {"required /type": 1, "required /sponsorship_id": 1}
    assert (answer["run_id"], answer["status"], answer["items"]) == ("run-1", runs.PLANNED, 3)
    assert (answer["items_to_change"], answer["write_units"]) == (2, 6)
    assert not cloud.cdr


def test_a_plan_counts_what_the_verification_reads_back() -> None:
    items = [consumed(1_700_000_000 + number, note="x" * (9_000 if number == 3 else 10)) for number in range(7)]
    cloud = Cloud(items)
    cloud.order = lambda key: key
    bench = tools(cloud)
    planned = replace(job.plan(asked(max_write_units=1), bench), read_units=2.0)
    answer = job.preview(planned, bench, run_id="run-1", segments=1, concurrency=1)
    imported = Import(cloud)
    imported.run()
    assert imported.verify()[1].read_units == 7, "each item is looked up once, of whatever size"
    read_back = 6 + 3
    source = sum(item_size(item) for item in items) / READ_UNIT_BYTES
    assert answer["read_units"] == round(1.5 * source + read_back)
    assert planned.stored["cdr_read_units"] == 2
    assert answer["seconds"] == round(answer["write_units"] + read_back / 2)
    assert planned.lookup_seconds == 7 / 2


def worked(stored: int) -> Tally:
    return Tally(Counter({cdr.STORED: stored}))


def verified(number: int, *, target: int = 1) -> Tally:
    day = ("s-1", f"2026-11-{number:02}")
    source, stored = (Side(count, 2**127 * count, Counter({day: count})) for count in (1, target))
    return Tally(source=source, target=stored, places=Counter(record=target), read_units=1.5)


def test_the_report_adds_up_each_page_once_and_the_last_verification_only() -> None:
    bucket = Bucket()

    def write(done: str, tally: Tally, **part: Any) -> None:
        place = {"run_id": "run-1", "segment": 0, "number_of_pass": 1, "claim": 1, "version": lambda: 0, **part}
        page_writer(bucket, "reports", SimpleNamespace(**place))(done, tally)  # type: ignore[arg-type]

    write(WORK, worked(100))
    write(WORK, worked(1), claim=2)
    write(WORK, worked(2), version=lambda: 1)
    write(WORK, worked(3), segment=1, number_of_pass=2)
    write(VERIFIED, verified(1, target=0))
    for number in (1, 2):
        write(VERIFIED, verified(number), number_of_pass=2, segment=number)

    told = job.tell(SimpleNamespace(run_id="run-1"), tools(bucket=bucket))  # type: ignore[arg-type]

    assert told["import"]["source"]["items"] == 2
    assert told["import"]["statuses"] == {cdr.STORED: 1 + 2 + 3}
    assert told["import"]["verified"]
    assert "status" not in told
    days = json.loads(bucket.objects[told["import"]["sponsor_days_object"]])
    assert {row["day"] for row in days} == {"2026-11-01", "2026-11-02"}


def test_sides_that_differ_though_nothing_is_missing_fail_the_run() -> None:
    bucket = Bucket()
    wrong = verified(1)
    wrong.target.checksum += 1
    part = SimpleNamespace(run_id="run-1", segment=0, number_of_pass=1, claim=1, version=lambda: 0)
    page_writer(bucket, "reports", part)(VERIFIED, wrong)  # type: ignore[arg-type]  # what names a page
    told = job.tell(SimpleNamespace(run_id="run-1"), tools(bucket=bucket))  # type: ignore[arg-type]
    assert told["status"] == runs.FAILED
    assert not told["import"]["verified"]
