from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template
from aws_cdk.aws_iam import PolicyStatement

from infra.config import DEV, LOCAL, PLACEHOLDER_ACCOUNT, PLACEHOLDER_REGION, Compute
from infra.constructs.service_role import ServiceRole
from tests.infra.templates import MANAGED_POLICY, STAGES, walk

if TYPE_CHECKING:
    from tests.infra.templates import Templates

ROLE = "AWS::IAM::Role"
SAME_ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}

TRUSTED = {
    "QmServiceRole": "ec2.amazonaws.com",
    "CdrReaderRole": "ecs-tasks.amazonaws.com",
    "MessagingServiceRole": "ecs-tasks.amazonaws.com",
}

LOOKED_UP = (
    "backfill/runs-table",
    "cdr/table",
    "cdr/writer-function",
    "messages/function",
    "messages/table",
    "quarantine/bucket",
    "stream/handler-function",
)
TEAM = "SwitchboardPlatform"

CALL = PolicyStatement(
    actions=["lambda:InvokeFunction"], resources=["arn:aws:lambda:eu-central-1:123456789012:function:f"]
)


def arn(stage: str, service: str, resource: str, *, everywhere: bool = False) -> str:
    """A resource of the stage's own account, as its template writes it."""
    known = stage == "prod"
    partition = "aws" if known else "${AWS::Partition}"
    region = PLACEHOLDER_REGION if known else "${AWS::Region}"
    account = PLACEHOLDER_ACCOUNT if known else "${AWS::AccountId}"
    return f"arn:{partition}:{service}:{'' if everywhere else region}:{account}:{resource}"


def trust(compute: Compute) -> list[dict[str, Any]]:
    stack = Stack(App(), "stack")
    ServiceRole(stack, "Service", stage=DEV, runs_on=compute, description="A service.", statements=[CALL])
    (role,) = Template.from_stack(stack).find_resources(ROLE).values()
    statements: list[dict[str, Any]] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    return statements


@pytest.mark.parametrize("stage", STAGES)
def test_qm_may_invoke_the_writer_and_send_to_its_queue(templates: Templates, stage: str) -> None:
    assert templates.allowed(stage, "QmService") == {
        "lambda:InvokeFunction": ("${CdrWriterFunction.Arn}",),
        "sqs:SendMessage": ("${CdrIngestQueue.Arn}",),
    }


@pytest.mark.parametrize("stage", STAGES)
def test_a_reader_may_invoke_the_query(templates: Templates, stage: str) -> None:
    assert templates.allowed(stage, "CdrReader") == {"lambda:InvokeFunction": ("${CdrQueryFunction.Arn}",)}


@pytest.mark.parametrize("stage", STAGES)
def test_the_message_backend_may_invoke_messages(templates: Templates, stage: str) -> None:
    assert templates.allowed(stage, "MessagingService") == {
        "lambda:InvokeFunction": ("${MessagingMessagesFunction.Arn}",)
    }


@pytest.mark.parametrize("stage", STAGES)
def test_an_operator_may_do_what_the_commands_on_data_call(templates: Templates, stage: str) -> None:
    messages = ("${MessagesTable.Arn}",)
    example_data = {"dynamodb:ConditionCheckItem": messages, "dynamodb:PutItem": messages}
    assert templates.allowed(stage, "DataOperator") == {
        "ssm:GetParameter": tuple(arn(stage, "ssm", f"parameter/switchboard/{stage}/{path}") for path in LOOKED_UP),
        "lambda:InvokeFunction": (
            "${CdrGuardFunction.Arn}",
            "${CdrWriterFunction.Arn}",
            "${MessagingMessagesFunction.Arn}",
            "${MessagingStreamHandlerFunction.Arn}",
        ),
        "dynamodb:Scan": ("${CdrTable.Arn}", "${MessagesTable.Arn}", "${RunsTable.Arn}"),
        "dynamodb:BatchGetItem": messages,
        "dynamodb:GetItem": messages,
        "dynamodb:Query": messages,
        "dynamodb:UpdateItem": messages,
        "s3:ListBucket": ("${Quarantine.Arn}",),
        "s3:GetObject": ("${Quarantine.Arn}/*",),
        "s3:DeleteObject": ("${Quarantine.Arn}/*",),
        **({} if stage == "prod" else example_data),
    }


@pytest.mark.parametrize("stage", STAGES)
def test_an_operator_changes_nothing_but_previews_where_example_data_is_refused(
    templates: Templates, stage: str
) -> None:
    policy = templates.one(stage, MANAGED_POLICY, "DataOperatorPolicy")["PolicyDocument"]
    conditions = {
        statement.sid: statement.condition for statement in templates.statements(stage, policy) if statement.condition
    }
    assert conditions == {
        "RepairPreviewsOfMembershipsOnly": {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["USER#*"]},
            "ForAllValues:StringEquals": {
                "dynamodb:Attributes": ["pk", "sk", "last_message_sk", "last_message", "last_sender_uuid"]
            },
        }
    }


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("operator", ["DataOperatorRole", "BackfillOperatorRole"])
def test_an_operator_is_the_platform_team_signed_in(templates: Templates, stage: str, operator: str) -> None:
    role = templates.one(stage, ROLE, operator)
    (statement,) = templates.statements(stage, role["AssumeRolePolicyDocument"])
    assert isinstance(statement.principals, dict)
    assert statement.actions == ("sts:AssumeRole",)
    assert templates.text(stage, statement.principals["AWS"]) == arn(stage, "iam", "root", everywhere=True)
    signed_in = [templates.text(stage, value) for key, value in walk(statement.condition) if key == "aws:PrincipalArn"]
    team = f"role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_{TEAM}_*"
    assert signed_in == ([] if stage == LOCAL.name else [arn(stage, "iam", team, everywhere=True)])
    assert set(statement.condition) == (set() if stage == LOCAL.name else {"ArnLike"})
    assert role["MaxSessionDuration"] == 3_600


@pytest.mark.parametrize("stage", STAGES)
def test_only_the_local_stage_trusts_the_account(templates: Templates, stage: str) -> None:
    for name in TRUSTED:
        document = templates.one(stage, ROLE, name)["AssumeRolePolicyDocument"]
        roots = [templates.text(stage, value) for key, value in walk(document) if key == "AWS"]
        assert roots == (["arn:${AWS::Partition}:iam::${AWS::AccountId}:root"] if stage == LOCAL.name else [])


def test_each_service_is_trusted_where_it_runs(templates: Templates) -> None:
    for stage in STAGES:
        for name, service in TRUSTED.items():
            document = templates.one(stage, ROLE, name)["AssumeRolePolicyDocument"]
            assert [value for key, value in walk(document) if key == "Service"] == [service]


@pytest.mark.parametrize("compute", [Compute.ECS, Compute.LAMBDA])
def test_a_service_that_says_for_whom_it_acts_acts_for_this_account_only(compute: Compute) -> None:
    principal = {"Service": compute.value}
    assert trust(compute) == [
        {"Action": "sts:AssumeRole", "Condition": SAME_ACCOUNT, "Effect": "Allow", "Principal": principal}
    ]


def test_ec2_does_not_say_for_whom_it_acts() -> None:
    assert trust(Compute.EC2) == [
        {"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
    ]


def test_eks_tags_its_sessions() -> None:
    statements = trust(Compute.EKS)
    actions = sorted(value for statement in statements for value in statement["Action"])
    assert actions == ["sts:AssumeRole", "sts:TagSession"]
    assert all(statement["Condition"] == SAME_ACCOUNT for statement in statements)
