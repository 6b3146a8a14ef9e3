"""Boundaries on the deployed stage: whatever is ever attached to a role, it stays what it is for."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.impersonation import function_credentials
from switchboard.schema import deployment
from tests.integration import commands
from tests.integration.calls import refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_cloud.stage import DeployedStage

EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
SERVICES = (deployment.QM_SERVICE, deployment.CDR_READER, deployment.MESSAGING_SERVICE)
FUNCTIONS = {
    deployment.CDR_WRITER: deployment.CDR_WRITER_PATH,
    deployment.CDR_QUERY: deployment.CDR_QUERY_PATH,
    deployment.MESSAGES: deployment.MESSAGES_FUNCTION_PATH,
    deployment.STREAM_HANDLER: deployment.STREAM_HANDLER_PATH,
}
BEYOND = {
    "users": ("iam", lambda client: client.list_users()),
    "a new role": ("iam", lambda client: client.create_role(RoleName="r", AssumeRolePolicyDocument="{}")),
    "a table's end": ("dynamodb", lambda client: client.delete_table(TableName="t")),
    "parameters": ("ssm", lambda client: client.put_parameter(Name="/p", Value="v", Type="String")),
    "buckets": ("s3", lambda client: client.create_bucket(Bucket="some-bucket")),
}


@contextmanager
def everything_attached(local: DeployedStage, role_arn: str) -> Iterator[None]:
    """The role with a policy that allows everything."""
    iam, name = local.client("iam"), role_arn.rpartition("/")[2]
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=json.dumps(EVERYTHING))
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=name, PolicyName="everything")


def refusals(local: DeployedStage, credentials: dict[str, Any]) -> set[str]:
    return {
        name
        for name, (service, call) in BEYOND.items()
        if refused(lambda call=call, service=service: call(local.cloud.client(service, credentials)))  # type: ignore[misc]
    }


@pytest.mark.parametrize("role", SERVICES)
def test_a_service_with_every_permission_still_only_calls_the_system(local: DeployedStage, role: str) -> None:
    arn = local.parameter(deployment.role_path(role))
    with everything_attached(local, arn):
        credentials = local.credentials(role)
        assert refusals(local, credentials) == set(BEYOND)
        table = local.parameter(deployment.CDR_TABLE_PATH)
        assert refused(lambda: local.cloud.client("dynamodb", credentials).scan(TableName=table))
        bucket = local.parameter(deployment.QUARANTINE_PATH)
        assert refused(lambda: local.cloud.client("s3", credentials).list_objects_v2(Bucket=bucket))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_with_every_permission_still_only_works_on_data(local: DeployedStage, function: str) -> None:
    name = local.parameter(FUNCTIONS[function])
    arn = local.client("lambda").get_function_configuration(FunctionName=name)["Role"]
    with everything_attached(local, arn):
        credentials = function_credentials(local.cloud, name)
        assert refusals(local, credentials) == set(BEYOND)
        client = local.cloud.client("dynamodb", credentials)
        assert not refused(lambda: client.scan(TableName=local.parameter(deployment.CDR_TABLE_PATH)))
        assert refused(lambda: client.scan(TableName="of-somebody-else"))


def test_without_its_boundary_nothing_would_have_held(local: DeployedStage) -> None:
    arn = local.parameter(deployment.role_path(deployment.CDR_READER))
    name, iam = arn.rpartition("/")[2], local.client("iam")
    boundary = iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"]["PermissionsBoundaryArn"]
    iam.delete_role_permissions_boundary(RoleName=name)
    try:
        with everything_attached(local, arn):
            assert "users" not in refusals(local, local.credentials(deployment.CDR_READER))
    finally:
        iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=boundary)


def test_the_pipeline_touches_nothing_itself(local: DeployedStage) -> None:
    credentials = local.credentials(deployment.DEPLOYER)
    assert refusals(local, credentials) == set(BEYOND)
    sts = local.cloud.client("sts", credentials)
    operator = local.parameter(deployment.role_path(deployment.DATA_OPERATOR))
    assert refused(lambda: sts.assume_role(RoleArn=operator, RoleSessionName="test"))


def test_tables_carry_their_policy(local: DeployedStage) -> None:
    client = local.client("dynamodb")
    for path in deployment.TABLE_PATHS.values():
        table = client.describe_table(TableName=local.parameter(path))["Table"]["TableArn"]
        policy = json.loads(client.get_resource_policy(ResourceArn=table)["Policy"])
        assert [statement["Effect"] for statement in policy["Statement"]] == ["Deny", "Deny"]


def test_the_doctor_finds_the_stage_well_and_says_what_is_not_here(local: DeployedStage) -> None:
    done = commands.run(local.cloud, commands.environment(local.cloud), "doctor", "--json")
    states = {one["about"]: one["state"] for one in json.loads(done.stdout)["findings"]}
    assert done.returncode == 0, done.stdout
    assert {about for about, state in states.items() if state == "well"} >= {
        "identity",
        "parameters",
        "table cdr",
        "table messages",
        "table runs",
        "bootstrap",
    }
    assert states["trail"] == states["network"] == "absent"


def test_the_doctor_tells_an_operator_what_he_may_not_see(local: DeployedStage) -> None:
    shell = commands.environment(local.cloud, local.credentials(deployment.DATA_OPERATOR))
    done = commands.run(local.cloud, shell, "doctor", "--json")
    states = {one["about"]: one["state"] for one in json.loads(done.stdout)["findings"]}
    assert done.returncode == 5
    assert states["identity"] == "well"
    assert states["tables"] == "unseen"


def test_the_doctor_lists_a_key_and_the_old_table(local: DeployedStage) -> None:
    iam = local.client("iam")
    iam.create_user(UserName="left-behind")
    key = iam.create_access_key(UserName="left-behind")["AccessKey"]["AccessKeyId"]
    try:
        done = commands.run(local.cloud, commands.environment(local.cloud), "doctor", "--account", "--json")
        said = {one["about"]: one["state"] for one in json.loads(done.stdout)["findings"]}
        assert done.returncode == 5
        assert said["keys of left-behind"] == "amiss"
        assert f"legacy table {deployment.LOCAL_LEGACY_TABLE}" in said
        assert key not in done.stdout
    finally:
        iam.delete_access_key(UserName="left-behind", AccessKeyId=key)
        iam.delete_user(UserName="left-behind")
