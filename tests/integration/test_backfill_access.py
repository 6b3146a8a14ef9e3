"""The roles of the backfill on the deployed stage: what they use is allowed, and everything else refused."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.impersonation import function_credentials
from switchboard.ids import compose_uuid7
from switchboard.schema import deployment, runs
from tests.integration.calls import refused
from tests.integration.test_access import DYNAMODB_CALLS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from local_cloud.stage import DeployedStage

OTHERS = {
    "DescribeContinuousBackups": lambda client, table: client.describe_continuous_backups(TableName=table),
    "Count": lambda client, table: client.scan(TableName=table, Select="COUNT"),
    "UpdateUser": lambda client, table: client.update_item(TableName=table, Key=key("USER#u")),
    "GetUser": lambda client, table: client.get_item(TableName=table, Key=key("USER#u")),
    "UpdateControl": lambda client, table: client.update_item(TableName=table, Key=key(runs.control_key("r"))),
    "UpdateLock": lambda client, table: client.update_item(TableName=table, Key=key(runs.lock_key("t"))),
    "UpdateRun": lambda client, table: client.update_item(TableName=table, Key=key(runs.run_key("r"))),
}
CALLS: dict[str, Callable[[Any, str], Any]] = {**DYNAMODB_CALLS, **OTHERS}
CALLS["Query"] = lambda client, table: client.query(
    TableName=table, KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": "USER#u"}}
)

FUNCTION, OPERATOR = "function", "operator"
TARGET, CDRS, RUNS = deployment.MESSAGES_TABLE_PATH, deployment.CDR_TABLE_PATH, deployment.RUNS_TABLE_PATH
PLANNED = {"DescribeTable", "DescribeContinuousBackups"}
KEPT = {"BatchGetItem", "Query", "UpdateItem", "UpdateControl", "UpdateLock", "UpdateRun", "UpdateUser"}
RENAMED = {"Query", "UpdateUser", "GetUser"}
ALLOWED = {
    (FUNCTION, TARGET): PLANNED | RENAMED | {"BatchGetItem", "PartiQLUpdate", "Scan", "Count"},
    (FUNCTION, CDRS): PLANNED | {"BatchGetItem", "PartiQLInsert"},
    (FUNCTION, RUNS): KEPT,
    (OPERATOR, TARGET): set(),
    (OPERATOR, CDRS): set(),
    (OPERATOR, RUNS): {"BatchGetItem", "Query", "UpdateControl"},
}


def key(partition: str) -> dict[str, Any]:
    return {"pk": {"S": partition}, "sk": {"S": "test"}}


def client_of(local: DeployedStage, who: str, service: str) -> Any:
    if who == OPERATOR:
        return local.client(service, deployment.BACKFILL_OPERATOR)
    name = deployment.function_name(local.name, deployment.BACKFILL)
    return local.cloud.client(service, function_credentials(local.cloud, name))


@pytest.mark.parametrize(("who", "path"), ALLOWED)
def test_on_each_table_a_role_may_do_what_it_uses_and_nothing_else(local: DeployedStage, who: str, path: str) -> None:
    client, table = client_of(local, who, "dynamodb"), local.parameter(path)
    allowed = {name for name, call in CALLS.items() if not refused(partial(call, client, table))}
    # An index is no part of any permission, and which index is asked for makes no difference.
    assert allowed - {"QueryIndex"} == ALLOWED[who, path]


RUN = "0f1e2d3c-4b5a-7697-8877-665544332211"


@pytest.mark.parametrize(
    ("who", "folder", "name", "may"),
    [
        (FUNCTION, runs.objects_prefix(RUN), "access/test.json", {"put", "get", "list"}),
        (FUNCTION, runs.MAPPINGS_PREFIX, "access/test.json", {"get"}),
        (FUNCTION, runs.EXPORTS_PREFIX, "access/test.json", {"put", "get"}),
        (FUNCTION, "elsewhere/", "access/test.json", set()),
        (OPERATOR, runs.objects_prefix(RUN), runs.REPORT_OBJECT, {"get", "list"}),
        (OPERATOR, runs.failed_prefix(RUN, 3), "000000007.json", {"get", "list"}),
        (OPERATOR, runs.journal_prefix(RUN, 3), "test.json", {"list"}),
        (OPERATOR, runs.MAPPINGS_PREFIX, "access/test.json", set()),
        (OPERATOR, "elsewhere/", "access/test.json", set()),
    ],
)
def test_in_the_reports_bucket_a_role_reaches_its_own_folders(
    local: DeployedStage, who: str, folder: str, name: str, may: set[str]
) -> None:
    s3, bucket = client_of(local, who, "s3"), local.parameter(deployment.REPORTS_PATH)
    calls = {
        "put": lambda: s3.put_object(Bucket=bucket, Key=folder + name, Body=b"{}"),
        "get": lambda: s3.get_object(Bucket=bucket, Key=folder + name),
        "list": lambda: s3.list_objects_v2(Bucket=bucket, Prefix=folder),
        "delete": lambda: s3.delete_object(Bucket=bucket, Key=folder + name),
    }
    local.client("s3").put_object(Bucket=bucket, Key=folder + name, Body=b"{}")
    assert {action for action, call in calls.items() if not refused(call)} == may


def test_an_operator_starts_lists_follows_and_stops_runs_and_changes_no_machine(
    local: DeployedStage, rng: random.Random
) -> None:
    client = local.client("stepfunctions", deployment.BACKFILL_OPERATOR)
    machine = local.parameter(deployment.STATE_MACHINE_PATH)
    # As the command names them; no other execution is an operator's.
    name = compose_uuid7(1_795_000_000_000, rng.getrandbits(74))
    started = client.start_execution(stateMachineArn=machine, name=name, input=json.dumps({"job": "none"}))
    execution = started["executionArn"]
    assert name in {found["name"] for found in client.list_executions(stateMachineArn=machine)["executions"]}
    assert client.describe_execution(executionArn=execution)["name"] == name
    assert not refused(lambda: client.stop_execution(executionArn=execution))
    assert refused(lambda: client.describe_state_machine(stateMachineArn=machine))
    assert refused(lambda: client.update_state_machine(stateMachineArn=machine, definition="{}"))
    assert refused(lambda: client.delete_state_machine(stateMachineArn=machine))
    assert refused(lambda: client.get_execution_history(executionArn=execution))


def test_only_the_machine_calls_the_function(local: DeployedStage) -> None:
    name = deployment.function_name(local.name, deployment.BACKFILL)
    for role in (deployment.BACKFILL_OPERATOR, deployment.DATA_OPERATOR, deployment.QM_SERVICE):
        client = local.client("lambda", role)
        assert refused(partial(client.invoke, FunctionName=name, Payload=b"{}"))
