"""The policy with which CloudFormation works holds what the stacks hold, and nobody's keys."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.infra.templates import ROOT, STAGES, stacks_of

if TYPE_CHECKING:
    from tests.infra.templates import Templates

POLICY: Final[list[dict[str, Any]]] = json.loads((ROOT / "docs/examples/execution-policy.json").read_text())[
    "Statement"
]
LARGEST_POLICY = 6_144

CREATED_BY: Final = {
    "AWS::Backup::BackupPlan": "backup:CreateBackupPlan",
    "AWS::Backup::BackupSelection": "backup:CreateBackupSelection",
    "AWS::Backup::BackupVault": "backup:CreateBackupVault",
    "AWS::CloudTrail::Trail": "cloudtrail:CreateTrail",
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm",
    "AWS::CloudWatch::CompositeAlarm": "cloudwatch:PutCompositeAlarm",
    "AWS::CloudWatch::Dashboard": "cloudwatch:PutDashboard",
    "AWS::Config::ConfigRule": "config:PutConfigRule",
    "AWS::Config::ConfigurationRecorder": "config:PutConfigurationRecorder",
    "AWS::Config::DeliveryChannel": "config:PutDeliveryChannel",
    "AWS::DynamoDB::Table": "dynamodb:CreateTable",
    "AWS::EC2::FlowLog": "ec2:CreateFlowLogs",
    "AWS::EC2::RouteTable": "ec2:CreateRouteTable",
    "AWS::EC2::SecurityGroup": "ec2:AuthorizeSecurityGroupEgress",
    "AWS::EC2::Subnet": "ec2:CreateSubnet",
    "AWS::EC2::SubnetRouteTableAssociation": "ec2:AssociateRouteTable",
    "AWS::EC2::VPC": "ec2:CreateVpc",
    "AWS::EC2::VPCEndpoint": "ec2:CreateVpcEndpoint",
    "AWS::IAM::InstanceProfile": "iam:CreateInstanceProfile",
    "AWS::IAM::ManagedPolicy": "iam:CreatePolicy",
    "AWS::IAM::OIDCProvider": "iam:CreateOpenIDConnectProvider",
    "AWS::IAM::Role": "iam:PutRolePermissionsBoundary",
    "AWS::KMS::Alias": "kms:CreateAlias",
    "AWS::KMS::Key": "kms:CreateKey",
    "AWS::Lambda::EventInvokeConfig": "lambda:PutFunctionEventInvokeConfig",
    "AWS::Lambda::EventSourceMapping": "lambda:CreateEventSourceMapping",
    "AWS::Lambda::Function": "lambda:CreateFunction",
    "AWS::Lambda::LayerVersion": "lambda:PublishLayerVersion",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup",
    "AWS::Logs::MetricFilter": "logs:PutMetricFilter",
    "AWS::RolesAnywhere::Profile": "rolesanywhere:CreateProfile",
    "AWS::S3::Bucket": "s3:CreateBucket",
    "AWS::S3::BucketPolicy": "s3:PutBucketPolicy",
    "AWS::SNS::Topic": "sns:CreateTopic",
    "AWS::SNS::TopicPolicy": "sns:SetTopicAttributes",
    "AWS::SQS::Queue": "sqs:CreateQueue",
    "AWS::SQS::QueuePolicy": "sqs:SetQueueAttributes",
    "AWS::SSM::Parameter": "ssm:PutParameter",
    "AWS::StepFunctions::StateMachine": "states:CreateStateMachine",
}
"""The most telling action of each type of resource; a type that is missing here is new to the stacks and the policy."""

KEYS_AND_PASSWORDS: Final = (
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateGroup",
    "iam:CreateLoginProfile",
    "iam:CreateUser",
)


def says(effect: str, action: str, resource: str) -> bool:
    return any(
        statement["Effect"] == effect
        and any(fnmatchcase(action, one) for one in _listed(statement["Action"]))
        and any(fnmatchcase(resource, one) for one in _listed(statement["Resource"]))
        for statement in POLICY
    )


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("stage", STAGES)
def test_everything_the_stacks_hold_can_be_made(templates: Templates, stage: str) -> None:
    kinds = {
        found["Type"] for stack in stacks_of(stage) for found in templates.by_stack[stage, stack]["Resources"].values()
    }
    granted = [action for one in POLICY if one["Effect"] == "Allow" for action in _listed(one["Action"])]
    for kind in kinds:
        assert any(fnmatchcase(CREATED_BY[kind], action) for action in granted), kind


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("iam:CreateRole", "arn:aws:iam::1:role/switchboard-prod-access-QmServiceRole-X", True),
        ("iam:CreateRole", "arn:aws:iam::1:role/Administrator", False),
        ("iam:PassRole", "arn:aws:iam::1:role/switchboard-prod-functions-CdrWriterRole-X", True),
        ("iam:PassRole", "arn:aws:iam::1:role/Administrator", False),
        ("iam:AttachRolePolicy", "arn:aws:iam::1:role/Administrator", False),
        ("dynamodb:CreateTable", "arn:aws:dynamodb:eu-central-1:1:table/switchboard-prod-data-CdrTable-X", True),
        ("dynamodb:DeleteTable", "arn:aws:dynamodb:eu-central-1:1:table/of-somebody-else", False),
        ("s3:PutObject", "arn:aws:s3:::of-somebody-else/x", False),
        ("kms:Decrypt", "arn:aws:kms:eu-central-1:1:key/1", False),
        ("organizations:LeaveOrganization", "*", False),
    ],
)
def test_it_ends_at_the_systems_names(action: str, resource: str, *, allowed: bool) -> None:
    assert says("Allow", action, resource) is allowed


@pytest.mark.parametrize("action", KEYS_AND_PASSWORDS)
def test_nobody_gets_a_key_or_a_password(action: str) -> None:
    assert says("Deny", action, "arn:aws:iam::1:user/jo")
    assert not says("Allow", action, "arn:aws:iam::1:user/jo")


def test_iam_takes_it() -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": POLICY}, separators=(",", ":"))
    assert len(text) < LARGEST_POLICY
