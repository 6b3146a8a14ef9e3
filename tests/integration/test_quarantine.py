"""What the functions could not process, redriven by an operator against the deployed stage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from switchboard.cdr.refused import KEPT_SINGLY
from switchboard.ids import compose_uuid7
from switchboard.messages import keys
from switchboard.messages.sending import message_item
from switchboard.schema import cdr, deployment
from tests.integration.calls import eventually, history, invoke, quarantined, record, unique
from tests.integration.commands import json_lines, listed
from tests.integration.test_messages import now_ms

if TYPE_CHECKING:
    import random

    from local_cloud.stage import DeployedStage
    from tests.integration.commands import Switchboard


def keys_in_quarantine(switchboard: Switchboard, prefix: str) -> list[str]:
    return [each["key"] for each in json_lines(switchboard("quarantine", "list", "--prefix", prefix, "--json"))]


def put_discarded_batch(local: DeployedStage, switchboard: Switchboard, key: str) -> str:
    """The key of a batch of the stream as Lambda keeps it, of the record that the handler kept under `key`."""
    record = json.loads(switchboard("quarantine", "show", key, "--json").stdout)["payload"]
    arn = local.parameter(deployment.STREAM_HANDLER_PATH)
    document = {"requestContext": {"functionArn": f"{arn}:$LATEST"}, "payload": {"Records": [record]}}
    uuid, shard = "00000000-0000-4000-8000-000000000000", f"shardId-{'0' * 20}-{'0' * 8}"
    batch = f"{deployment.LAMBDA_PREFIX}{uuid}/{shard}/2026/11/21/2026-11-21T12.00.00-{uuid}"
    local.client("s3").put_object(
        Bucket=local.parameter(deployment.QUARANTINE_PATH), Key=batch, Body=json.dumps(document).encode()
    )
    return batch


def test_a_record_is_redriven_once_it_can_be_stored(
    local: DeployedStage, switchboard: Switchboard, refused: Switchboard, rng: random.Random
) -> None:
    sponsorship = unique(rng, "sp")
    create = record("create-1", cdr.CREATE, sponsorship_id=sponsorship)
    known = set(keys_in_quarantine(switchboard, deployment.CDR_WRITER))
    invoke(local, deployment.CDR_WRITER_PATH, {**create, "colour": "red"}, deployment.QM_SERVICE)
    (key,) = set(keys_in_quarantine(switchboard, deployment.CDR_WRITER)) - known
    document = json.loads(switchboard("quarantine", "show", key, "--json").stdout)
    assert (document["reason"], document["payload"]["colour"]) == ("rejected", "red")

    again = refused("quarantine", "redrive", key)
    assert again.returncode == 5
    assert "/records/0/colour: unknown_field" in again.stderr
    assert history(local, sponsorship) == []

    # What was wrong is mended in the document, as a newer contract that knows the field would.
    del document["payload"]["colour"]
    local.client("s3").put_object(
        Bucket=local.parameter(deployment.QUARANTINE_PATH), Key=key, Body=json.dumps(document).encode()
    )
    assert json.loads(switchboard("quarantine", "redrive", key, "--json").stdout)["removed"] is True
    assert [each["id"] for each in history(local, sponsorship)] == ["create-1"]
    assert refused("quarantine", "redrive", key).returncode == 4
    assert refused("quarantine", "show", key).returncode == 4


def test_an_envelope_of_many_refused_records_is_one_object_and_is_redriven_whole(
    local: DeployedStage, switchboard: Switchboard, refused: Switchboard, rng: random.Random
) -> None:
    sponsorship = unique(rng, "sp")
    bad = [{**record(f"r-{n}", sponsorship_id=sponsorship), "colour": "red"} for n in range(KEPT_SINGLY + 1)]
    envelope = {"schema": cdr.ENVELOPE_SCHEMA, "records": [record("good", sponsorship_id=sponsorship), *bad]}
    known = set(keys_in_quarantine(switchboard, deployment.CDR_WRITER))
    invoke(local, deployment.CDR_WRITER_PATH, envelope, deployment.QM_SERVICE)
    (key,) = set(keys_in_quarantine(switchboard, deployment.CDR_WRITER)) - known
    document = json.loads(switchboard("quarantine", "show", key, "--json").stdout)
    assert document["payload"] == envelope
    assert [error["path"] for error in document["errors"]] == [f"/records/{n + 1}/colour" for n in range(len(bad))]
    assert refused("quarantine", "redrive", key).returncode == 5

    for each in document["payload"]["records"]:
        each.pop("colour", None)
    local.client("s3").put_object(
        Bucket=local.parameter(deployment.QUARANTINE_PATH), Key=key, Body=json.dumps(document).encode()
    )
    switchboard("quarantine", "redrive", key)
    assert len(history(local, sponsorship)) == len(bad) + 1


def test_a_failed_asynchronous_call_is_redriven(
    local: DeployedStage, switchboard: Switchboard, refused: Switchboard
) -> None:
    prefix = f"{deployment.LAMBDA_PREFIX}async/{deployment.function_name(local.name, deployment.CDR_WRITER)}"
    known = set(keys_in_quarantine(switchboard, prefix))
    local.client("lambda", deployment.QM_SERVICE).invoke(
        FunctionName=local.parameter(deployment.CDR_WRITER_PATH),
        InvocationType="Event",
        Payload=json.dumps({"schema": "switchboard.cdr/9", "records": [record("r-1")]}),
    )
    eventually(lambda: set(keys_in_quarantine(switchboard, prefix)) > known, "Lambda keeps the failed call")
    (key,) = set(keys_in_quarantine(switchboard, prefix)) - known
    done = refused("quarantine", "redrive", key)
    assert done.returncode == 5
    assert "/schema: format" in done.stderr
    assert key in keys_in_quarantine(switchboard, prefix)


def test_a_message_without_its_group_is_redriven_once_the_group_is_there(
    local: DeployedStage, switchboard: Switchboard, refused: Switchboard, pair: tuple[str, str], group: str
) -> None:
    switchboard("messages", "send", group, "Here we are", "--as", pair[0])
    eventually(
        lambda: listed(switchboard, pair[1])["last_message"] == "Here we are", "the stream is followed to its end"
    )
    client, table = local.client("dynamodb"), local.parameter(deployment.MESSAGES_TABLE_PATH)
    meta = keys.group_key(group).attributes()
    stored = client.get_item(TableName=table, Key=meta)["Item"]
    client.delete_item(TableName=table, Key=meta)
    sent = message_item(group, compose_uuid7(now_ms(), 1), stored["created_by"]["S"], "Where did we go?")
    known = set(keys_in_quarantine(switchboard, deployment.STREAM_HANDLER))
    client.put_item(TableName=table, Item=sent)
    eventually(lambda: len(quarantined(local, deployment.STREAM_HANDLER)) > len(known), "the handler keeps the message")
    (key,) = set(keys_in_quarantine(switchboard, deployment.STREAM_HANDLER)) - known

    again = refused("quarantine", "redrive", key)
    assert again.returncode == 5
    assert key in keys_in_quarantine(switchboard, deployment.STREAM_HANDLER)

    batch = put_discarded_batch(local, switchboard, key)
    again = refused("quarantine", "redrive", batch)
    assert again.returncode == 5
    assert key in again.stderr.replace("\n", "")
    assert batch not in keys_in_quarantine(switchboard, deployment.LAMBDA_PREFIX)

    client.put_item(TableName=table, Item=stored)
    switchboard("quarantine", "redrive", key)
    assert key not in keys_in_quarantine(switchboard, deployment.STREAM_HANDLER)
    assert listed(switchboard, pair[1])["last_message"] == "Where did we go?"
