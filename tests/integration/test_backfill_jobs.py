"""The jobs beside `set_attribute` through the deployed state machine, and what stands in the tables afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from switchboard.messages import keys
from switchboard.schema import cdr, deployment, legacy, runs
from switchboard.schema import messages as schema
from tests.integration.backfills import ATTRIBUTE, VALUE, Backfills, run_of
from tests.integration.calls import history, unique
from tests.integration.test_messages import ask, handle_of, people

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from local_cloud.stage import DeployedStage

CUT_OVER = "2026-11-01T00:00:00Z"


@pytest.fixture
def backfills(local: DeployedStage, rng: random.Random) -> Iterator[Backfills]:
    with Backfills.of(local, rng) as given:
        yield given


@pytest.fixture
def sponsor(local: DeployedStage, rng: random.Random) -> Iterator[str]:
    """A sponsor of whom alone the old table has items: three records, two that can become none, and a later one."""
    client, sponsor = local.client("dynamodb"), unique(rng, "old")
    record: dict[str, Any] = {cdr.TYPE: {"S": cdr.CONSUME}, cdr.SPONSORSHIP_ID: {"S": f"{sponsor}-sp"}}
    items: dict[str, dict[str, Any]] = {
        "1763683692": {**record, "bytes": {"N": "12"}},
        "1763683693000": {**record, "regions": {"SS": ["south", "north"]}},
        "1763683694000000": {**record, "raw": {"B": b"\x00\xff"}},
        "1763683695": {cdr.TYPE: {"S": cdr.CONSUME}, "note": {"S": "of no sponsorship"}},
        "1763683696": {**record, cdr.TYPE: {"S": "unheard of"}},
        "1793836800": record,
    }
    stored = [
        {legacy.TIMESTAMP: {"N": timestamp}, legacy.SPONSOR_ID: {"S": sponsor}, **attributes}
        for timestamp, attributes in items.items()
    ]
    for item in stored:
        client.put_item(TableName=deployment.LOCAL_LEGACY_TABLE, Item=item)
    yield sponsor
    for item in stored:
        key = {name: item[name] for name in (legacy.TIMESTAMP, legacy.SPONSOR_ID)}
        client.delete_item(TableName=deployment.LOCAL_LEGACY_TABLE, Key=key)


def kept_whole(local: DeployedStage, sponsor: str) -> list[dict[str, Any]]:
    return list(
        local.client("dynamodb").query(
            TableName=local.parameter(deployment.CDR_TABLE_PATH),
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": f"{legacy.KEPT_PREFIX}{sponsor}"}},
        )["Items"]
    )


def test_an_import_makes_records_keeps_the_rest_and_changes_nothing_when_repeated(
    backfills: Backfills, sponsor: str, rng: random.Random
) -> None:
    asked = {"job": runs.IMPORT_LEGACY_CDR, "source": deployment.LOCAL_LEGACY_TABLE, "before": CUT_OVER}
    report = backfills.report(backfills.start(asked, rng))
    assert (report["status"], report["missing_after"]) == (runs.SUCCEEDED, 0)
    counters = {"scanned": 6, "updated": 5, "already": 1, "deleted": 0, "failed": 0}
    assert report["counters"] == counters, "one item is later than the cut-over"
    evidence = report["import"]
    assert (evidence["verified"], evidence["places"]) == (True, {"kept": 2, "record": 3})
    assert evidence["source"] == evidence["target"]

    records = history(backfills.local, f"{sponsor}-sp")
    times = ["1763683692", "1763683693000", "1763683694000000"]
    assert [record["id"] for record in records] == [f"legacy:{timestamp}:{sponsor}" for timestamp in times]
    assert [record["data"] for record in records] == [{"bytes": 12}, {"regions": ["north", "south"]}, {"raw": "AP8="}]
    assert len(kept_whole(backfills.local, sponsor)) == 2

    again = backfills.report(backfills.start(asked, rng))
    assert (again["status"], again["counters"]["updated"]) == (runs.SUCCEEDED, 0)
    assert history(backfills.local, f"{sponsor}-sp") == records


def test_a_rename_reaches_every_conversation_that_still_shows_the_old_name(
    backfills: Backfills, rng: random.Random
) -> None:
    local = backfills.local
    ann, *others = people(local, rng, 4)
    groups = [
        ask(local, "create_message_group", ann, other_user_uuid=other, message="Hello!")["group_uuid"]
        for other in others
    ]
    ask(local, "rename_user", ann, handle=handle_of(ann)[::-1], display_name="Anna")
    for other, group in list(zip(others, groups, strict=True))[:2]:
        local.client("dynamodb").update_item(
            TableName=backfills.table,
            Key=keys.membership_key(other, group).attributes(),
            UpdateExpression=f"SET {schema.OTHER_DISPLAY_NAME} = :old, {schema.PROFILE_VERSION} = :version",
            ExpressionAttributeValues={":old": {"S": "an older name"}, ":version": {"N": "0"}},
        )

    report = backfills.report(backfills.start({"job": runs.RENAME_USER, "user_uuid": ann}, rng))

    assert (report["status"], report["missing_after"]) == (runs.SUCCEEDED, 0)
    assert (report["counters"]["updated"], report["counters"]["already"]) == (2, 1)
    for other in others:
        (shown,) = ask(local, "list_message_groups", other, consistent=True)["message_groups"]
        assert (shown["other_display_name"], shown["other_handle"]) == ("Anna", handle_of(ann)[::-1])
    unknown = backfills.refusal({"job": runs.RENAME_USER, "user_uuid": unique(rng, "nobody")}, rng)
    assert unknown[0] == runs.INVALID_INPUT


def test_a_run_is_verified_again_by_the_machine_which_changes_nothing(backfills: Backfills, rng: random.Random) -> None:
    backfills.write(range(30))
    run = run_of(execution := backfills.start(backfills.request(), rng))
    backfills.report(execution)
    verified = backfills.report(backfills.start({"job": runs.VERIFY, "run": run}, rng))
    assert (verified["status"], verified["missing_after"], verified["write_units"]) == (runs.SUCCEEDED, 0, 0)

    backfills.write([30, 31])
    found = backfills.report(backfills.start({"job": runs.VERIFY, "run": run}, rng))
    assert (found["status"], found["missing_after"], len(found["sample_keys"])) == (runs.INCOMPLETE, 2, 2)
    assert list(backfills.values().values()).count(None) == 2


def test_an_undo_tells_of_uncertain_items_and_touches_them_only_when_told(
    backfills: Backfills, rng: random.Random
) -> None:
    backfills.write(range(20))
    run = run_of(execution := backfills.start(backfills.request(), rng))
    backfills.report(execution)
    s3, bucket = backfills.local.client("s3"), backfills.local.parameter(deployment.REPORTS_PATH)
    written = s3.list_objects_v2(Bucket=bucket, Prefix=runs.journal_prefix(run, 0))["Contents"]
    # As a worker leaves its journal that dies between its writes and its record of them.
    for each in written:
        if each["Key"].endswith(f"{runs.OUTCOMES}.json"):
            s3.delete_object(Bucket=bucket, Key=each["Key"])

    first = run_of(execution := backfills.start({"job": runs.UNDO, "run": run}, rng))
    assert backfills.report(execution)["counters"]["updated"] == 0
    assert list(backfills.values().values()).count(VALUE) == 20
    told = s3.list_objects_v2(Bucket=bucket, Prefix=runs.uncertain_prefix(first))
    assert told["KeyCount"] > 0

    backfills.local.client("dynamodb").update_item(
        TableName=backfills.table,
        Key=backfills.key(7),
        UpdateExpression="SET #test = :late",
        ExpressionAttributeNames={"#test": ATTRIBUTE},
        ExpressionAttributeValues={":late": {"S": "a writer's"}},
    )
    undone = backfills.report(backfills.start({"job": runs.UNDO, "run": run, "uncertain": True}, rng))
    assert undone["counters"]["updated"] == 19
    left = [value for value in backfills.values().values() if value is not None]
    assert left == [{"S": "a writer's"}]
