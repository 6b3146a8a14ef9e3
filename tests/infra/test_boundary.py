"""What Lambda does in the name of every function, and what the role of a function can do at most."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import pytest

from infra.config import LOCAL
from infra.constructs.boundary import NETWORK_INTERFACES, OF_LAMBDA
from infra.constructs.dynamodb_actions import ON_ITEMS
from tests.infra.templates import MANAGED_POLICY, STAGES

if TYPE_CHECKING:
    from tests.infra.templates import Statement, Templates

FUNCTION = "AWS::Lambda::Function"
ROLE = "AWS::IAM::Role"
LARGEST_POLICY = 6_144
"""Characters of a managed policy without white space (IAM User Guide, "IAM and AWS STS quotas")."""
AN_ARN = "arn:aws:dynamodb:eu-central-1:111122223333:table/switchboard-prod-data-MessagesTable05B58A27-1A2B3C4D5E6F7"
PSEUDO = {"AWS::AccountId": "111122223333", "AWS::Partition": "aws-cn", "AWS::Region": "ap-southeast-2"}


def policy(templates: Templates, stage: str, name: str) -> list[Statement]:
    return templates.statements(stage, templates.one(stage, MANAGED_POLICY, name)["PolicyDocument"])


def function_roles(templates: Templates, stage: str) -> dict[str, dict[str, Any]]:
    """Properties of the role of every function, by the construct's id."""
    functions = templates.resources(stage, FUNCTION).values()
    names = [templates.text(stage, function["Properties"]["Role"]) for function in functions]
    return {name.removeprefix("${").removesuffix("Role.Arn}"): templates.one(stage, ROLE, name[2:-5]) for name in names}


@pytest.mark.parametrize("stage", STAGES)
def test_every_function_has_the_boundary_and_what_lambda_does_for_it(templates: Templates, stage: str) -> None:
    roles = function_roles(templates, stage)
    assert len(roles) == 6
    for role in roles.values():
        assert templates.text(stage, role["PermissionsBoundary"]) == "${FunctionBoundary}"
        assert [templates.text(stage, arn) for arn in role["ManagedPolicyArns"]] == ["${LambdaService}"]


def covered(action: str, resource: str, statements: list[Statement]) -> bool:
    return any(
        action in statement.actions
        and any(resource == one or fnmatchcase(resource, one) for one in statement.resources)
        for statement in statements
        if statement.effect == "Allow"
    )


@pytest.mark.parametrize("stage", STAGES)
def test_the_boundary_leaves_every_function_what_its_code_calls(templates: Templates, stage: str) -> None:
    boundary = policy(templates, stage, "FunctionBoundary")
    # A function's own log group and its queue are named by the boundary, and referred to by the function's policy.
    named = {
        f"${{{logical}.Arn}}": f"arn:{logs['Properties']['LogGroupName']}"
        for logical, logs in (
            (re.sub(r"[0-9A-F]{8}$", "", key), found)
            for key, found in templates.resources(stage, "AWS::Logs::LogGroup").items()
        )
    } | {"${CdrIngestQueue.Arn}": f"arn:switchboard-{stage}-cdr-ingest"}
    for owner in function_roles(templates, stage):
        for action, resources in templates.allowed(stage, owner).items():
            for resource in resources:
                if resource in named:
                    short = named[resource].removeprefix("arn:")
                    possible = [one for it in boundary if action in it.actions for one in it.resources]
                    assert any(re.search(rf":{re.escape(short)}(:\*)?$", one) for one in possible), (owner, action)
                else:
                    assert covered(action, resource, boundary), (owner, action, resource)
    for statement in policy(templates, stage, "LambdaService"):
        if statement.effect == "Allow":
            assert all(covered(action, one, boundary) for action in statement.actions for one in statement.resources)


@pytest.mark.parametrize("stage", STAGES)
def test_items_are_reached_through_the_endpoint_only_where_the_stage_binds_them(
    templates: Templates, stage: str
) -> None:
    denials = [statement for statement in policy(templates, stage, "FunctionBoundary") if statement.effect == "Deny"]
    if stage == LOCAL.name:
        assert denials == []
        return
    (denial,) = denials
    assert denial.resources == ("*",)
    assert set(denial.actions) == set(ON_ITEMS)
    ((operator, condition),) = denial.condition.items()
    assert operator == "StringNotEquals"
    assert {key: templates.text(stage, value) for key, value in condition.items()} == {
        "aws:SourceVpce": "${EndpointsDynamoDb}"
    }


def test_what_lambda_does_from_outside_is_never_bound() -> None:
    outside = ("Stream", "GetRecords", "GetShardIterator", "sqs:", "logs:", "s3:", "xray:", "ec2:")
    assert not [action for action in ON_ITEMS if any(word in action for word in outside)]
    assert all(action.startswith("dynamodb:") for action in ON_ITEMS)


@pytest.mark.parametrize("stage", STAGES)
def test_the_code_is_denied_the_network_interfaces(templates: Templates, stage: str) -> None:
    statements = policy(templates, stage, "LambdaService")
    (denial,) = [statement for statement in statements if statement.effect == "Deny"]
    assert denial.condition == {"Null": {"lambda:SourceFunctionArn": "false"}}
    assert denial.resources == ("*",)
    granted = {
        action
        for statement in statements
        if statement.effect == "Allow"
        for action in statement.actions
        if action.startswith("ec2:")
    }
    assert granted == set(denial.actions) == set(NETWORK_INTERFACES)


@pytest.mark.parametrize("stage", STAGES)
def test_lambda_does_for_every_function_what_no_function_could_do_without(templates: Templates, stage: str) -> None:
    statements = [one for one in policy(templates, stage, "LambdaService") if one.effect == "Allow"]
    granted = {
        action: statement.resources
        for statement in statements
        for action in statement.actions
        if not action.startswith("ec2:")
    }
    assert granted == {
        "dynamodb:ListStreams": ("*",),
        "s3:PutObject": ("${Quarantine.Arn}/aws/lambda/????????-????-????-????-????????????/*",),
        "sqs:SendMessage": ("${FailedInvocations.Arn}",),
        "xray:PutTelemetryRecords": ("*",),
        "xray:PutTraceSegments": ("*",),
    }
    kept_from_the_code = {action for one in statements if one.condition == OF_LAMBDA for action in one.actions}
    assert kept_from_the_code == {"dynamodb:ListStreams", "s3:PutObject"}
    assert OF_LAMBDA == {"Null": {"lambda:SourceFunctionArn": "true"}}


@pytest.mark.parametrize("stage", STAGES)
def test_lambda_connects_functions_to_these_subnets_only(templates: Templates, stage: str) -> None:
    (create,) = [
        one
        for one in policy(templates, stage, "LambdaService")
        if "ec2:CreateNetworkInterface" in one.actions and one.effect == "Allow"
    ]
    kinds = sorted(re.sub(r"^.*:(?=[a-z-]+/)", "", resource) for resource in create.resources)
    assert [kind.partition("/")[0] for kind in kinds] == ["network-interface", "security-group", "subnet", "subnet"]
    assert [kind for kind in kinds if kind.endswith("*")] == ["network-interface/*"]


@pytest.mark.parametrize("stage", STAGES)
def test_no_managed_policy_outgrows_what_iam_takes(templates: Templates, stage: str) -> None:
    for name, found in templates.resources(stage, MANAGED_POLICY).items():
        document = json.loads(json.dumps(found["Properties"]["PolicyDocument"]), object_hook=_resolved)
        assert len(json.dumps(document, separators=(",", ":"))) < LARGEST_POLICY, name


def _resolved(value: dict[str, Any]) -> Any:
    """References as long as what they become."""
    function = next(iter(value), "")
    if function == "Fn::Join":
        return "".join(str(part) for part in value[function][1])
    if function == "Ref" and value[function].startswith("AWS::"):
        return PSEUDO[value[function]]
    return AN_ARN if function == "Ref" or function.startswith("Fn::") else value
