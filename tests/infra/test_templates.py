"""What holds for every resource of every stage."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from infra.constructs.boundary import NETWORK_INTERFACES
from switchboard.schema import deployment
from tests.infra.templates import MANAGED_POLICY, ROOT, STACKS, STAGES, stacks_of, walk

if TYPE_CHECKING:
    from tests.infra.templates import Statement, Templates

PUBLISHED = {
    "data": {
        "cdr/table": "${CdrTable}",
        "messages/table": "${MessagesTable}",
        "backfill/runs-table": "${RunsTable}",
        "quarantine/bucket": "${Quarantine}",
        "backfill/reports-bucket": "${Reports}",
    },
    "network": {},
    "functions": {
        "cdr/writer-function": "${CdrWriterFunction.Arn}",
        "cdr/query-function": "${CdrQueryFunction.Arn}",
        "cdr/ingest-queue": "${CdrIngestQueue}",
        "messages/function": "${MessagingMessagesFunction.Arn}",
        "stream/handler-function": "${MessagingStreamHandlerFunction.Arn}",
    },
    "backfill": {"backfill/state-machine": "${Machine.Arn}"},
    "access": {
        "roles/qm-service": "${QmServiceRole.Arn}",
        "roles/cdr-reader": "${CdrReaderRole.Arn}",
        "roles/messaging-service": "${MessagingServiceRole.Arn}",
        "roles/data-operator": "${DataOperatorRole.Arn}",
        "roles/backfill-operator": "${BackfillOperatorRole.Arn}",
    },
    "observability": {},
    "guardrails": {},
}
DEPLOYED_BY_A_PIPELINE = ("local", "prod")
"""What callers find, and what it must be: ARNs of functions and roles, names of tables and buckets, URLs of queues."""

DESCRIBED = {
    "AWS::CloudWatch::Alarm",
    "AWS::Config::ConfigRule",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Lambda::Function",
    "AWS::Lambda::LayerVersion",
    "AWS::SSM::Parameter",
}
TAGGED = {
    "AWS::Backup::BackupVault",
    "AWS::CloudTrail::Trail",
    "AWS::DynamoDB::Table",
    "AWS::EC2::FlowLog",
    "AWS::EC2::RouteTable",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::Subnet",
    "AWS::EC2::VPC",
    "AWS::EC2::VPCEndpoint",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::StepFunctions::StateMachine",
}
"""Types that CloudFormation gives no description: the tag `purpose` says it."""
PARTS = {
    "AWS::Backup::BackupPlan",
    "AWS::Backup::BackupSelection",
    "AWS::EC2::SubnetRouteTableAssociation",
    "AWS::IAM::InstanceProfile",
    "AWS::IAM::OIDCProvider",
    "AWS::CloudWatch::Dashboard",
    "AWS::KMS::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Logs::MetricFilter",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::TopicPolicy",
    "AWS::SQS::QueuePolicy",
}
"""Types that stand for nothing of their own: what they belong to says what for."""
TAG_KEY = re.compile(r"[\w .:/=+@-]{1,128}", re.ASCII)
TAG_VALUE = re.compile(r"[\w .:/=+@-]{0,256}", re.ASCII)
"""What every service takes: DynamoDB, S3 and CloudWatch Logs refuse commas and apostrophes, others do not (Tagging AWS
Resources User Guide, "Tag naming limits and requirements")."""


def all_statements(templates: Templates, stage: str) -> list[Statement]:
    return [
        statement
        for stack in stacks_of(stage)
        for key, document in walk(templates.by_stack[stage, stack])
        if key in {"PolicyDocument", "AssumeRolePolicyDocument", "KeyPolicy", "AccessPolicy"}
        for statement in templates.statements(stage, document)
    ]


@pytest.mark.parametrize("stage", STAGES)
def test_every_template_says_what_it_holds(templates: Templates, stage: str) -> None:
    for stack in stacks_of(stage):
        assert templates.by_stack[stage, stack]["Description"].startswith(f"Switchboard {stage}: ")


@pytest.mark.parametrize("stage", STAGES)
def test_every_resource_says_what_for(templates: Templates, stage: str) -> None:
    for stack in stacks_of(stage):
        for logical_id, resource in templates.by_stack[stage, stack]["Resources"].items():
            kind, properties = resource["Type"], resource["Properties"]
            if kind in DESCRIBED:
                assert len(properties.get("Description") or properties["AlarmDescription"]) > 20, logical_id
            elif kind in TAGGED:
                tags = properties.get("BackupVaultTags") or {tag["Key"]: tag["Value"] for tag in properties["Tags"]}
                assert len(tags["purpose"]) > 10, logical_id
            else:
                assert kind in PARTS, f"{kind} needs a description or the tag purpose: {logical_id}"


@pytest.mark.parametrize("stage", STAGES)
def test_everything_that_bears_tags_names_application_and_stage(templates: Templates, stage: str) -> None:
    tagged = [
        value for stack in stacks_of(stage) for key, value in walk(templates.by_stack[stage, stack]) if key == "Tags"
    ]
    assert tagged
    for tags in tagged:
        pairs = tags.items() if isinstance(tags, dict) else ((tag["Key"], tag["Value"]) for tag in tags)
        assert {("application", "switchboard"), ("stage", stage)} <= set(pairs)


@pytest.mark.parametrize("stage", [*STAGES, "organisation"])
def test_no_tag_holds_a_character_that_some_service_refuses(
    templates: Templates, organisation: Templates, stage: str
) -> None:
    every = {**templates.by_stack, **organisation.by_stack}
    tags = [
        pair
        for (owner, _), template in every.items()
        if owner == stage
        for resource in template["Resources"].values()
        for key, value in walk(resource)
        if key.endswith("Tags")
        for pair in (value.items() if isinstance(value, dict) else ((tag["Key"], tag["Value"]) for tag in value))
    ]
    assert tags
    for key, value in tags:
        assert TAG_KEY.fullmatch(key), key
        assert TAG_VALUE.fullmatch(value), value


@pytest.mark.parametrize(("stage", "stack"), [(stage, stack) for stage in STAGES for stack in stacks_of(stage)])
def test_everything_a_caller_needs_is_published_twice(templates: Templates, stage: str, stack: str) -> None:
    template = templates.by_stack[stage, stack]
    outputs = {
        name: templates.text(stage, output["Value"])
        for name, output in template.get("Outputs", {}).items()
        if "Export" not in output
    }
    parameters = {
        resource["Properties"]["Name"]: templates.text(stage, resource["Properties"]["Value"])
        for resource in templates.resources(stage, "AWS::SSM::Parameter", stack).values()
    }
    published = dict(PUBLISHED[stack])
    if stack == "access" and stage in DEPLOYED_BY_A_PIPELINE:
        published["roles/deployer"] = "${DeployerRole.Arn}"
    assert outputs == {deployment.output_name(path): value for path, value in published.items()}
    assert parameters == {f"/switchboard/{stage}/{path}": value for path, value in published.items()}


def test_output_names_are_the_paths_in_pascal_case() -> None:
    assert deployment.output_name("cdr/writer-function") == "CdrWriterFunction"
    assert deployment.output_name("roles/qm-service") == "RolesQmService"


@pytest.mark.parametrize("stage", STAGES)
def test_no_reference_runs_backwards(templates: Templates, stage: str) -> None:
    exports = templates.exports(stage)
    crossed = 0
    for position, stack in enumerate(stacks_of(stage)):
        for key, value in walk(templates.by_stack[stage, stack]):
            if key == "Fn::ImportValue":
                assert exports[value][0] in STACKS[:position]
                crossed += 1
            assert key != "Fn::GetStackOutput"
    assert crossed
    assert set(exports) == {
        value
        for stack in stacks_of(stage)
        for key, value in walk(templates.by_stack[stage, stack])
        if key == "Fn::ImportValue"
    }


@pytest.mark.parametrize("stage", STAGES)
def test_no_permission_is_a_wildcard(templates: Templates, stage: str) -> None:
    allowed = [statement for statement in all_statements(templates, stage) if statement.effect == "Allow"]
    assert allowed
    for statement in allowed:
        assert not [action for action in statement.actions if "*" in action], statement.sid


@pytest.mark.parametrize("stage", STAGES)
def test_only_what_no_resource_can_narrow_is_allowed_on_every_resource(templates: Templates, stage: str) -> None:
    granted: set[str] = set()
    possible: set[str] = set()
    for name, policy in templates.resources(stage, MANAGED_POLICY).items():
        for statement in templates.statements(stage, policy["Properties"]["PolicyDocument"]):
            if statement.effect == "Allow" and "*" in statement.resources:
                (possible if name.startswith("FunctionBoundary") else granted).update(statement.actions)
                assert name.startswith(("FunctionBoundary", "LambdaService", "MachinePolicy")), name
    traces = {"xray:PutTelemetryRecords", "xray:PutTraceSegments"}
    machine = {action for action, where in templates.allowed(stage, "Machine").items() if where == ("*",)}
    lists = {"dynamodb:ListStreams"}
    assert granted == traces | machine | lists | {"ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"}
    assert possible == traces | lists | set(NETWORK_INTERFACES)


@pytest.mark.parametrize("stage", STAGES)
def test_every_permission_reads_as_a_sentence(templates: Templates, stage: str) -> None:
    for policy in templates.resources(stage, MANAGED_POLICY).values():
        for statement in templates.statements(stage, policy["Properties"]["PolicyDocument"]):
            assert re.fullmatch(r"([A-Z][a-z]+){2,}", statement.sid)


@pytest.mark.parametrize("stage", STAGES)
def test_nobody_is_named_and_nothing_is_inline(templates: Templates, stage: str) -> None:
    for stack in stacks_of(stage):
        template = templates.by_stack[stage, stack]
        kinds = {resource["Type"] for resource in template["Resources"].values()}
        assert {kind for kind in kinds if kind.startswith("AWS::IAM::")} <= {
            "AWS::IAM::InstanceProfile",
            "AWS::IAM::ManagedPolicy",
            "AWS::IAM::OIDCProvider",
            "AWS::IAM::Role",
        }
        for role in templates.resources(stage, "AWS::IAM::Role", stack).values():
            assert not {"Policies", "RoleName"} & set(role["Properties"])
            attached = [templates.text(stage, arn) for arn in role["Properties"].get("ManagedPolicyArns", [])]
            assert attached in ([], ["${LambdaService}"])


@pytest.mark.parametrize("stage", STAGES)
def test_services_are_trusted_for_this_account_only(templates: Templates, stage: str) -> None:
    for role in templates.resources(stage, "AWS::IAM::Role").values():
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            service = statement["Principal"].get("Service")
            if service not in (None, "ec2.amazonaws.com"):
                assert list(statement["Condition"]["StringEquals"]) == ["aws:SourceAccount"]


def test_policies_of_the_data_stack_name_no_role_of_a_function(templates: Templates) -> None:
    for stage in ("local", "dev"):
        assert not templates.resources(stage, "AWS::IAM::Role", "data")
    backup_only = templates.resources("prod", "AWS::IAM::Role", "data")
    assert [name.startswith("BackupRole") for name in backup_only] == [True]


def test_no_permission_comes_from_a_construct_library() -> None:
    sources = list((ROOT / "infra").rglob("*.py"))
    assert len(sources) > 10
    for path in sources:
        source = path.read_text()
        assert not re.search(r"\.grant[_(]|add_to_role_policy|add_to_principal_policy", source), path.name
