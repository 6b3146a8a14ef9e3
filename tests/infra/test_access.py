from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Stack
from aws_cdk.assertions import Template
from aws_cdk.aws_iam import ManagedPolicy, PolicyStatement

from infra.config import DEV, LOCAL
from infra.config_types import PLACEHOLDER_ACCOUNT, Ci, Compute, Existing, RolesAnywhere
from infra.constructs.deployer import Deployer
from infra.constructs.service_access import ServiceAccess
from infra.inputs import PLACEHOLDER_REGION, PLACEHOLDER_SUBJECT
from tests.infra.templates import MANAGED_POLICY, STAGES, walk

if TYPE_CHECKING:
    from infra.config_types import StageConfig
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


def access(runs_on: Compute | RolesAnywhere, stage: StageConfig = DEV) -> Template:
    stack = Stack(App(), "stack")
    boundary = ManagedPolicy(stack, "Boundary", statements=[CALL])
    ServiceAccess(
        stack,
        "Service",
        stage=stage,
        runs_on=runs_on,
        boundary=boundary,
        description="A service.",
        statements=[CALL],
    )
    return Template.from_stack(stack)


def trust(runs_on: Compute | RolesAnywhere, stage: StageConfig = DEV) -> list[dict[str, Any]]:
    (role,) = access(runs_on, stage).find_resources(ROLE).values()
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
    uuid, by_code = "????????-????-????-????-????????????", f"????/??/??/{'?' * 64}.json"
    by_lambda = f"????/??/??/????-??-??T??.??.??-{uuid}"
    shard = f"shardId-{'?' * 20}-{'?' * 8}"
    kept = tuple(
        f"${{Quarantine.Arn}}/{name}"
        for name in (
            f"aws/lambda/{uuid}/{shard}/{by_lambda}",
            f"aws/lambda/async/switchboard-{stage}-cdr-writer/{by_lambda}",
            f"cdr-guard/{by_code}",
            f"cdr-writer/{by_code}",
            f"stream-handler/{by_code}",
        )
    )
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
        "s3:GetObject": kept,
        "s3:DeleteObject": kept,
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
    for name in (*TRUSTED, *(["DeployerRole"] if stage != DEV.name else [])):
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


ANCHOR = "arn:aws:rolesanywhere:eu-central-1:123456789012:trust-anchor/00000000-0000-0000-0000-000000000000"
SERVER = RolesAnywhere(ANCHOR, {"CN": "qm-1.example.com", "O": "QM"})


@pytest.mark.parametrize("stage", [DEV, LOCAL])
def test_a_server_outside_aws_is_its_certificate_of_one_anchor(stage: StageConfig) -> None:
    statements = [one for one in trust(SERVER, stage) if "Service" in one["Principal"]]
    actions = [
        action
        for one in statements
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
    ]
    assert sorted(actions) == ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"]
    for one in statements:
        assert one["Principal"] == {"Service": "rolesanywhere.amazonaws.com"}
        assert one["Condition"] == {
            "ArnEquals": {"aws:SourceArn": ANCHOR},
            "StringEquals": {
                "aws:PrincipalTag/x509Subject/CN": "qm-1.example.com",
                "aws:PrincipalTag/x509Subject/O": "QM",
            },
        }


def test_a_certificate_without_a_common_name_is_nobodys() -> None:
    with pytest.raises(ValueError, match="give CN"):
        RolesAnywhere(ANCHOR, {"O": "QM"})


@pytest.mark.parametrize("runs_on", [*Compute, SERVER])
def test_every_mode_has_one_policy_one_boundary_and_what_carries_the_role(runs_on: Compute | RolesAnywhere) -> None:
    template = access(runs_on)
    ((role_id, role),) = template.find_resources(ROLE).items()
    assert role["Properties"]["PermissionsBoundary"]["Ref"].startswith("Boundary")
    attached = [
        policy["Properties"]["Roles"]
        for policy in template.find_resources(MANAGED_POLICY).values()
        if "Roles" in policy["Properties"]
    ]
    assert attached == [[{"Ref": role_id}]]
    carriers = [
        carrier["Properties"]
        for kind in ("AWS::IAM::InstanceProfile", "AWS::RolesAnywhere::Profile")
        for carrier in template.find_resources(kind).values()
    ]
    if runs_on is Compute.EC2:
        assert carriers == [{"Roles": [{"Ref": role_id}]}]
    elif runs_on is SERVER:
        (profile,) = carriers
        assert profile["RoleArns"] == [{"Fn::GetAtt": [role_id, "Arn"]}]
        assert (profile["Enabled"], profile["DurationSeconds"]) == (True, 3_600)
    else:
        assert carriers == []


@pytest.mark.parametrize("stage", STAGES)
def test_no_service_can_ever_touch_data(templates: Templates, stage: str) -> None:
    boundary = templates.one(stage, MANAGED_POLICY, "ServiceBoundary")["PolicyDocument"]
    actions = {action for statement in templates.statements(stage, boundary) for action in statement.actions}
    assert actions == {"lambda:InvokeFunction", "sqs:SendMessage"}
    for name in TRUSTED:
        role = templates.one(stage, ROLE, name)
        assert templates.text(stage, role["PermissionsBoundary"]) == "${ServiceBoundary}"


@pytest.mark.parametrize("stage", STAGES)
def test_the_boundary_of_services_leaves_each_what_it_needs(templates: Templates, stage: str) -> None:
    boundary = templates.one(stage, MANAGED_POLICY, "ServiceBoundary")["PolicyDocument"]
    possible = {
        (action, resource)
        for statement in templates.statements(stage, boundary)
        for action in statement.actions
        for resource in statement.resources
    }
    for name in TRUSTED:
        granted = templates.allowed(stage, name.removesuffix("Role"))
        assert {(action, resource) for action, where in granted.items() for resource in where} <= possible


def test_the_pipeline_is_one_exact_subject(templates: Templates) -> None:
    role = templates.one("prod", ROLE, "DeployerRole")
    (statement,) = templates.statements("prod", role["AssumeRolePolicyDocument"])
    issuer = "token.actions.githubusercontent.com"
    assert isinstance(statement.principals, dict)
    assert statement.actions == ("sts:AssumeRoleWithWebIdentity",)
    assert templates.text("prod", statement.principals["Federated"]) == "${DeployerProvider.Arn}"
    assert statement.condition == {
        "StringEquals": {f"{issuer}:aud": "sts.amazonaws.com", f"{issuer}:sub": PLACEHOLDER_SUBJECT}
    }
    provider = templates.one("prod", "AWS::IAM::OIDCProvider", "DeployerProvider")
    assert (provider["Url"], provider["ClientIdList"]) == (f"https://{issuer}", ["sts.amazonaws.com"])


def test_the_pipeline_may_assume_the_bootstrap_roles_and_nothing_else(templates: Templates) -> None:
    place = f"{PLACEHOLDER_ACCOUNT}-{PLACEHOLDER_REGION}"
    assert templates.allowed("prod", "Deployer") == {
        "sts:AssumeRole": tuple(
            f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:role/cdk-hnb659fds-{role}-role-{place}"
            for role in ("deploy", "file-publishing", "lookup")
        )
    }


def test_an_existing_provider_is_referred_to() -> None:
    stack = Stack(App(), "stack")
    known = "arn:aws:iam::123456789012:oidc-provider/ci.example.com"
    Deployer(stack, stage=DEV, ci=Ci("project:1:main", Existing(known), issuer="ci.example.com", audience="aws"))
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::IAM::OIDCProvider", 0)
    (role,) = template.find_resources(ROLE).values()
    (statement,) = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Federated": known}
    assert statement["Condition"]["StringEquals"] == {
        "ci.example.com:aud": "aws",
        "ci.example.com:sub": "project:1:main",
    }


def test_people_deploy_the_disposable_stage(templates: Templates) -> None:
    assert not templates.resources("dev", "AWS::IAM::OIDCProvider")
    assert not [name for name in templates.resources("dev", ROLE) if name.startswith("Deployer")]
