"""Roles on the deployed stage, with IAM enforced: each may do what it needs, and is refused everything else."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.impersonation import function_credentials
from switchboard.schema import cdr, deployment
from tests.integration.calls import envelope, history, invoke, record, refused, unique, write

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from local_cloud.stage import DeployedStage

KEY = {cdr.PK: {"S": "SPONSORSHIP#sp"}, cdr.SK: {"S": "CREATE"}}
INSERT = "INSERT INTO \"{table}\" VALUE {{'pk': 'SPONSORSHIP#sp', 'sk': '{sk}'}}"

DYNAMODB_CALLS: dict[str, Callable[[Any, str], Any]] = {
    "GetItem": lambda client, table: client.get_item(TableName=table, Key=KEY),
    "BatchGetItem": lambda client, table: client.batch_get_item(RequestItems={table: {"Keys": [KEY]}}),
    "Query": lambda client, table: client.query(
        TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": KEY[cdr.PK]}
    ),
    "QueryIndex": lambda client, table: client.query(
        TableName=table,
        IndexName=cdr.BY_SPONSOR,
        KeyConditionExpression="sponsor_shard = :s",
        ExpressionAttributeValues={":s": {"S": "s-1#0"}},
    ),
    "Scan": lambda client, table: client.scan(TableName=table),
    "PutItem": lambda client, table: client.put_item(TableName=table, Item=KEY),
    "UpdateItem": lambda client, table: client.update_item(TableName=table, Key=KEY),
    "DeleteItem": lambda client, table: client.delete_item(TableName=table, Key=KEY),
    "BatchWriteItem": lambda client, table: client.batch_write_item(
        RequestItems={table: [{"PutRequest": {"Item": KEY}}]}
    ),
    "TransactWriteItems": lambda client, table: client.transact_write_items(
        TransactItems=[{"Put": {"TableName": table, "Item": KEY}}]
    ),
    "PartiQLSelect": lambda client, table: client.execute_statement(Statement=f'SELECT * FROM "{table}"'),
    "PartiQLInsert": lambda client, table: client.execute_statement(
        Statement=INSERT.format(table=table, sk=f"CONSUME#test#{id(client)}")
    ),
    "PartiQLUpdate": lambda client, table: client.execute_statement(
        Statement=f"UPDATE \"{table}\" SET v = 2 WHERE pk = 'SPONSORSHIP#sp' AND sk = 'CREATE'"
    ),
    "PartiQLDelete": lambda client, table: client.execute_statement(
        Statement=f"DELETE FROM \"{table}\" WHERE pk = 'SPONSORSHIP#sp' AND sk = 'CREATE'"
    ),
    "DescribeTable": lambda client, table: client.describe_table(TableName=table),
    "DeleteTable": lambda client, table: client.delete_table(TableName=table),
    "UpdateTable": lambda client, table: client.update_table(TableName=table, BillingMode="PAY_PER_REQUEST"),
}
"""Every item-level action, and some on the table, each as its smallest call."""

ALLOWED = {
    deployment.CDR_WRITER_PATH: {"PartiQLInsert", "BatchGetItem"},
    deployment.CDR_QUERY_PATH: {"Query", "QueryIndex"},
    deployment.QM_SERVICE: set(),
    deployment.CDR_READER: set(),
}
"""By published path of a function, or by name of a calling service: what its role may do with the CDR table."""


def dynamodb(local: DeployedStage, who: str) -> Any:
    """A DynamoDB client with the credentials of a function's role or of a calling service's role."""
    if who in local.parameters:
        return local.cloud.client("dynamodb", function_credentials(local.cloud, local.parameter(who)))
    return local.client("dynamodb", who)


def allowed(client: Any, table: str) -> set[str]:
    """The calls that IAM lets through."""
    return {name for name, call in DYNAMODB_CALLS.items() if not refused(partial(call, client, table))}


@pytest.mark.parametrize("who", ALLOWED)
def test_on_the_cdr_table_a_role_may_do_what_its_code_calls_and_nothing_else(local: DeployedStage, who: str) -> None:
    client, table = dynamodb(local, who), local.parameter(deployment.CDR_TABLE_PATH)
    assert allowed(client, table) == ALLOWED[who]


@pytest.mark.parametrize("who", ALLOWED)
@pytest.mark.parametrize("path", [deployment.MESSAGES_TABLE_PATH, deployment.RUNS_TABLE_PATH])
def test_no_role_of_the_cdr_store_reaches_another_table(local: DeployedStage, who: str, path: str) -> None:
    client, table = dynamodb(local, who), local.parameter(path)
    assert allowed(client, table) == set()


def test_qm_may_invoke_the_writer_and_enqueue(local: DeployedStage, rng: random.Random) -> None:
    write(local, envelope(record(unique(rng, "access"))))
    body = json.dumps(record(unique(rng, "access")))
    local.client("sqs", deployment.QM_SERVICE).send_message(
        QueueUrl=local.parameter(deployment.CDR_QUEUE_PATH), MessageBody=body
    )


@pytest.mark.parametrize(
    ("role", "path"),
    [(deployment.QM_SERVICE, deployment.CDR_QUERY_PATH), (deployment.CDR_READER, deployment.CDR_WRITER_PATH)],
)
def test_a_service_may_not_invoke_the_other_function(local: DeployedStage, role: str, path: str) -> None:
    assert refused(lambda: invoke(local, path, {"query": "history", "sponsorship_id": "sp"}, role))


def test_a_reader_may_not_enqueue_and_qm_may_not_receive(local: DeployedStage) -> None:
    url = local.parameter(deployment.CDR_QUEUE_PATH)
    reader, qm = (local.client("sqs", role) for role in (deployment.CDR_READER, deployment.QM_SERVICE))
    assert refused(lambda: reader.send_message(QueueUrl=url, MessageBody="{}"))
    assert refused(lambda: qm.receive_message(QueueUrl=url))
    assert refused(lambda: qm.purge_queue(QueueUrl=url))


@pytest.mark.parametrize("role", [deployment.QM_SERVICE, deployment.CDR_READER])
def test_a_service_reaches_no_bucket_and_no_role(local: DeployedStage, role: str) -> None:
    s3, bucket = local.client("s3", role), local.parameter(deployment.QUARANTINE_PATH)
    other = ({deployment.QM_SERVICE, deployment.CDR_READER} - {role}).pop()
    assert refused(lambda: s3.list_objects_v2(Bucket=bucket))
    assert refused(lambda: s3.put_object(Bucket=bucket, Key="cdr-writer/x", Body=b""))
    assert refused(
        lambda: local.client("sts", role).assume_role(
            RoleArn=local.parameter(deployment.role_path(other)), RoleSessionName="test"
        )
    )


def test_the_writer_may_keep_payloads_and_never_reads_or_replaces_others(local: DeployedStage) -> None:
    credentials = function_credentials(local.cloud, local.parameter(deployment.CDR_WRITER_PATH))
    s3, bucket = local.cloud.client("s3", credentials), local.parameter(deployment.QUARANTINE_PATH)
    name = f"2026/01/01/{'0' * 64}.json"
    s3.put_object(Bucket=bucket, Key=f"cdr-writer/{name}", Body=b'{"payload": null}')
    try:
        assert refused(lambda: s3.put_object(Bucket=bucket, Key=f"cdr-guard/{name}", Body=b"{}"))
        assert refused(lambda: s3.put_object(Bucket=bucket, Key="cdr-writer/2026/01/01/test.json", Body=b"{}"))
        assert refused(lambda: s3.get_object(Bucket=bucket, Key=f"cdr-writer/{name}"))
        assert refused(lambda: s3.delete_object(Bucket=bucket, Key=f"cdr-writer/{name}"))
    finally:
        local.client("s3").delete_object(Bucket=bucket, Key=f"cdr-writer/{name}")


def test_an_insert_over_a_stored_record_changes_nothing(local: DeployedStage, rng: random.Random) -> None:
    sponsorship = unique(rng, "sp")
    write(local, envelope(record("kept", cdr.CREATE, sponsorship_id=sponsorship)))
    before = history(local, sponsorship)
    client, table = dynamodb(local, deployment.CDR_WRITER_PATH), local.parameter(deployment.CDR_TABLE_PATH)
    key = f"'pk': '{cdr.partition_key(sponsorship)}', 'sk': '{cdr.create_key()}'"
    with pytest.raises(ClientError) as duplicate:
        client.execute_statement(Statement=f"INSERT INTO \"{table}\" VALUE {{{key}, 'id': 'forged'}}")
    assert duplicate.value.response["Error"]["Code"] == "DuplicateItemException"
    assert history(local, sponsorship) == before
