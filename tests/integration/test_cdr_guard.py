"""A CDR changed behind the system's back is noticed, and what it was is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from switchboard.schema import cdr, deployment
from tests.integration.calls import envelope, eventually, quarantined, record, unique, write

if TYPE_CHECKING:
    import random

    from local_cloud.stage import DeployedStage

RETENTION = timedelta(days=3_650)
"""Of stage `local`."""


def guard_name() -> str:
    return deployment.function_name("local", deployment.CDR_GUARD)


def alarms(local: DeployedStage) -> int:
    """Sum of the alarm metric over the guard's log: CloudWatch makes the metric of these lines."""
    pages = local.client("logs").get_paginator("filter_log_events").paginate(logGroupName=f"/aws/lambda/{guard_name()}")
    total = 0
    for event in (event for page in pages for event in page["events"]):
        line = event["message"].strip()
        if line.startswith("{") and f'"{deployment.METRIC_CDR_CHANGED}"' in line:
            document = json.loads(line)
            assert document["_aws"]["CloudWatchMetrics"][0]["Namespace"] == deployment.METRICS_NAMESPACE
            value = document[deployment.METRIC_CDR_CHANGED]
            total += int(sum(value) if isinstance(value, list) else value)
    return total


def old_images(local: DeployedStage) -> list[Any]:
    return [one["payload"] for one in quarantined(local, deployment.CDR_GUARD)]


def key_of(sponsorship: str) -> dict[str, Any]:
    return {cdr.PK: {"S": cdr.partition_key(sponsorship)}, cdr.SK: {"S": cdr.create_key()}}


def test_root_changing_and_deleting_a_cdr_raises_the_alarm_and_the_old_images_are_kept(
    local: DeployedStage, rng: random.Random
) -> None:
    sponsorship = unique(rng, "sp")
    write(local, envelope(record("watched", cdr.CREATE, sponsorship_id=sponsorship)))
    root, table = local.client("dynamodb"), local.parameter(deployment.CDR_TABLE_PATH)
    stored = root.get_item(TableName=table, Key=key_of(sponsorship))["Item"]
    before = alarms(local)
    root.update_item(
        TableName=table,
        Key=key_of(sponsorship),
        UpdateExpression="SET sponsor_id = :forged",
        ExpressionAttributeValues={":forged": {"S": "s-forged"}},
    )
    eventually(lambda: alarms(local) == before + 1, "the change is counted")
    root.delete_item(TableName=table, Key=key_of(sponsorship))
    eventually(lambda: alarms(local) == before + 2, "the removal is counted")
    eventually(lambda: stored in old_images(local), "the record as it was before the change is kept")
    eventually(lambda: {**stored, "sponsor_id": {"S": "s-forged"}} in old_images(local), "so is the changed one")


def test_a_removal_by_time_to_live_alarms_before_its_time_only(local: DeployedStage, rng: random.Random) -> None:
    recorded = datetime(2026, 1, 1, tzinfo=UTC)
    before = alarms(local)
    removed_at = recorded + RETENTION
    assert invoke_guard(local, removal(rng, recorded, removed_at)) == {"batchItemFailures": []}
    assert invoke_guard(local, removal(rng, recorded, removed_at - timedelta(seconds=1))) == {"batchItemFailures": []}
    eventually(lambda: alarms(local) > before, "the early removal is counted")
    assert alarms(local) == before + 1


def removal(rng: random.Random, recorded: datetime, removed: datetime) -> dict[str, Any]:
    """A removal by DynamoDB itself, in the shape in which the stream delivers it."""
    key = key_of(unique(rng, "sp"))
    return {
        "eventID": unique(rng, "event"),
        "eventName": "REMOVE",
        "eventSource": "aws:dynamodb",
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "dynamodb": {
            "ApproximateCreationDateTime": removed.timestamp(),
            "Keys": key,
            "OldImage": {**key, cdr.RECORDED_AT: {"S": recorded.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}},
            "SequenceNumber": str(rng.randrange(10**20)),
            "StreamViewType": "OLD_IMAGE",
        },
    }


def invoke_guard(local: DeployedStage, stream_record: dict[str, Any]) -> Any:
    """Invoke the guard as Lambda's poller does."""
    answer = local.client("lambda").invoke(
        FunctionName=guard_name(), Payload=json.dumps({"Records": [stream_record]}).encode()
    )
    return json.load(answer["Payload"])
