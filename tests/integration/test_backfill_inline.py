"""A backfill in the operator's own process, on the deployed stage: the messages table, its indexes and its stream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.backfill.sample import SAMPLE_PREFIX
from switchboard.schema import deployment
from switchboard.schema import messages as schema
from tests.integration import commands

if TYPE_CHECKING:
    from local_cloud.stage import DeployedStage
    from tests.integration.commands import Switchboard

ITEMS = 2_000
FAST = ("--max-write-units", "100000", "--max-read-units", "100000")
AWKWARD = "order.value of [select]"
"""Reserved words, a dot, blanks and brackets, none of which means anything in a quoted name."""


@pytest.fixture(scope="module")
def shell(local: DeployedStage) -> dict[str, str]:
    """The environment of the account's root: no role of the stage may change all items of a table yet."""
    return commands.environment(local.cloud)


def samples(local: DeployedStage) -> dict[str, dict[str, Any]]:
    pages = (
        local.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=local.parameter(deployment.MESSAGES_TABLE_PATH), ConsistentRead=True)
    )
    items = [item for page in pages for item in page["Items"] if item[schema.PK]["S"].startswith(SAMPLE_PREFIX)]
    return {item[schema.SK]["S"]: item for item in items}


@pytest.mark.parametrize("attribute", ["test", AWKWARD])
def test_what_lacks_the_attribute_gets_it_once_and_nothing_else_changes(
    local: DeployedStage, switchboard: Switchboard, refused: Switchboard, attribute: str
) -> None:
    job = ("--table", "messages", "--attribute", attribute, "--prefix", SAMPLE_PREFIX)
    made = json.loads(
        switchboard(
            *("backfill", "sample-data", "--table", "messages", "--attribute", attribute),
            *("--items", str(ITEMS), "--json"),
        ).stdout
    )
    before = samples(local)
    assert len(before) == ITEMS
    assert 0.25 * ITEMS < made["other_value"] < 0.35 * ITEMS
    counted = refused("backfill", "verify", *job, "--json")
    assert (counted.returncode, json.loads(counted.stdout)["missing"]) == (5, made["missing"])

    report = json.loads(switchboard("backfill", "start", "--inline", *job, "--value", "1", *FAST, "--json").stdout)

    counters = report["counters"]
    assert (report["status"], report["missing_after"], report["passes"]) == ("succeeded", 0, 1)
    assert counters["updated"] == made["missing"]
    assert counters["scanned"] == counters["updated"] + counters["already"] >= ITEMS
    assert report["write_units"] >= made["missing"]
    assert samples(local) == {name: {attribute: {"S": "1"}} | item for name, item in before.items()}
    again = json.loads(switchboard("backfill", "start", "--inline", *job, "--value", "2", *FAST, "--json").stdout)
    assert (again["counters"]["updated"], again["write_units"]) == (0, 0)
    assert json.loads(switchboard("backfill", "verify", *job, "--json").stdout)["missing"] == 0


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("--table", "cdr", "--attribute", "test", "--value", "1"), 3, "NotATarget"),
        (("--table", "runs", "--attribute", "test", "--value", "1"), 3, "NotATarget"),
        (("--table", "no-such-table", "--attribute", "test", "--value", "1"), 4, "no such table"),
        (("--table", "messages", "--attribute", schema.PK, "--value", "1"), 3, "InvalidInput"),
        (("--table", "messages", "--attribute", schema.LAST_MESSAGE_SK, "--value", "1"), 3, "InvalidInput"),
        (("--table", "messages", "--attribute", 'te"st', "--value", "1"), 3, "InvalidInput"),
        (("--table", "messages", "--attribute", "test", "--value", '{"N": "one"}'), 3, "InvalidInput"),
    ],
)
def test_what_no_backfill_may_do_is_refused(refused: Switchboard, words: tuple[str, ...], code: int, why: str) -> None:
    done = refused("backfill", "start", "--inline", *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert why in done.stderr


def test_a_table_that_cannot_be_recovered_is_refused(local: DeployedStage, refused: Switchboard) -> None:
    client = local.client("dynamodb")
    client.create_table(
        TableName="unrecoverable",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    try:
        words = ("--table", "unrecoverable", "--attribute", "test", "--value", "1", "--json")
        done = refused("backfill", "start", "--inline", *words)
    finally:
        client.delete_table(TableName="unrecoverable")
    assert done.returncode == 3
    assert "RecoveryOff" in done.stderr
