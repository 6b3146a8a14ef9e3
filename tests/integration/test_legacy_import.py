"""An import with real statements: an old table, the deployed CDR table, and every type of attribute between them."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.backfill.engine import Checkpoint, Meter, settled_pages
from switchboard.backfill.legacy.job import import_of
from switchboard.backfill.legacy.mapping import DEFAULT_MAPPING, LegacyMapping
from switchboard.backfill.legacy.rekeying import Rekeying
from switchboard.backfill.legacy.sample import SAMPLE_SPONSOR, write_legacy_samples
from switchboard.backfill.legacy.tally import Tally
from switchboard.backfill.units import Units
from switchboard.backfill.waiting import Waiting
from switchboard.schema import cdr, deployment, legacy
from tests.integration.calls import query, unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_cloud.stage import DeployedStage

ITEMS = 300
BEFORE = datetime(2026, 11, 1, tzinfo=UTC)
WAITING = Waiting(clock=time.monotonic, sleep=time.sleep, jitter=random.random)


@pytest.fixture
def old_table(local: DeployedStage, rng: random.Random) -> Iterator[str]:
    client, name = local.client("dynamodb"), unique(rng, "old")
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": legacy.TIMESTAMP, "AttributeType": "N"},
            {"AttributeName": legacy.SPONSOR_ID, "AttributeType": "S"},
        ],
        KeySchema=[
            {"AttributeName": legacy.TIMESTAMP, "KeyType": "HASH"},
            {"AttributeName": legacy.SPONSOR_ID, "KeyType": "RANGE"},
        ],
    )
    yield name
    client.delete_table(TableName=name)


def imported(local: DeployedStage, old_table: str) -> tuple[Checkpoint, Tally, int]:
    """Where one pass ended, what it and the verification counted, and how many items are missing."""
    tally = Tally()
    reads, writes, lookups = (Units(1e6, clock=time.monotonic, sleep=time.sleep) for _ in range(3))
    work = import_of(
        local.client("dynamodb"),
        source=old_table,
        cdr_table=local.parameter(deployment.CDR_TABLE_PATH),
        rekeying=Rekeying(LegacyMapping(DEFAULT_MAPPING), before=BEFORE),
        retention=None,
        now=lambda: datetime.now(UTC),
        reads=reads,
        writes=writes,
        lookups=lookups,
        waiting=WAITING,
        note=lambda _done, page: tally.join(page),
    )
    meter = Meter(Checkpoint(), writes=writes, reads=reads, clock=time.monotonic)
    *_, at = settled_pages(work.pages, work.settles, Checkpoint(), meter=meter)
    return at, tally, sum(len(page.work) for page in work.pages.missing(None))


def standing(local: DeployedStage) -> dict[tuple[str, str], dict[str, Any]]:
    """What the CDR table holds of samples."""
    pages = (
        local.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=local.parameter(deployment.CDR_TABLE_PATH), ConsistentRead=True)
    )
    items = (item for page in pages for item in page["Items"])
    return {(item[cdr.PK]["S"], item[cdr.SK]["S"]): item for item in items if SAMPLE_SPONSOR in item[cdr.PK]["S"]}


def test_every_old_item_becomes_a_record_or_is_kept_and_a_second_import_writes_nothing(
    local: DeployedStage, old_table: str
) -> None:
    known = write_legacy_samples(
        local.client("dynamodb"), old_table, items=ITEMS, share=0.3, waiting=WAITING, written=lambda _: None
    )
    later = {legacy.TIMESTAMP: {"N": str(int(BEFORE.timestamp()))}, legacy.SPONSOR_ID: {"S": f"{SAMPLE_SPONSOR}late"}}
    local.client("dynamodb").put_item(TableName=old_table, Item=later)

    at, tally, missing = imported(local, old_table)

    kept = sum(known["kept"].values())
    assert at.counters.add_up
    assert (at.counters.updated, at.counters.already, missing) == (ITEMS, 1, 0)
    assert tally.statuses == {cdr.STORED: known["records"], **known["kept"], legacy.LEFT_ALONE: 1}
    assert tally.agrees
    assert tally.places == {"record": known["records"], "kept": kept}
    stored = standing(local)
    assert len(stored) == ITEMS
    assert sum(pk.startswith(legacy.KEPT_PREFIX) for pk, _ in stored) == kept > 0

    again, told, missing = imported(local, old_table)

    assert standing(local) == stored
    assert (again.counters.updated, missing) == (0, 0)
    assert told.source.checksum == told.target.checksum == tally.target.checksum


def test_what_was_imported_is_answered_as_any_record(local: DeployedStage, old_table: str) -> None:
    client = local.client("dynamodb")
    client.put_item(
        TableName=old_table,
        Item={
            legacy.TIMESTAMP: {"N": "1763683692345"},
            legacy.SPONSOR_ID: {"S": f"{SAMPLE_SPONSOR}asked"},
            cdr.TYPE: {"S": cdr.CONSUME},
            cdr.SPONSORSHIP_ID: {"S": f"{SAMPLE_SPONSOR}sp-asked"},
            "bytes": {"N": "12"},
            "regions": {"SS": ["south", "north"]},
            "raw": {"B": b"\x00\xff"},
        },
    )
    imported(local, old_table)

    (record,) = query(local, query="history", sponsorship_id=f"{SAMPLE_SPONSOR}sp-asked")["records"]

    assert record["id"] == f"legacy:1763683692345:{SAMPLE_SPONSOR}asked"
    assert record["source"] == legacy.SOURCE
    assert record["time"] == "2025-11-21T00:08:12.345000Z"
    assert record["data"] == {"bytes": 12, "regions": ["north", "south"], "raw": "AP8="}
