"""The trail, its bucket and its key, the rules of AWS Config, and stages that have them otherwise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from aws_cdk import App

from infra.build import build_stage
from infra.config import LOCAL
from infra.config_types import Create, DataEvents, Existing
from infra.constructs.config_rules import RULES
from tests.infra.templates import Templates, cdk_context
from tests.infra.test_guardrails import ALARM, FILTER, GUARDED, ORDINARY

if TYPE_CHECKING:
    from pathlib import Path

    from infra.config_types import StageConfig

TRAIL = "AWS::CloudTrail::Trail"


def selectors(templates: Templates, stage: str) -> list[dict[str, dict[str, list[str]]]]:
    """Event selectors of the trail: operators with their values, by field."""
    return [
        {
            field["Field"]: {
                operator: [templates.text(stage, value) for value in values]
                for operator, values in field.items()
                if operator != "Field"
            }
            for field in selector["FieldSelectors"]
        }
        for selector in templates.one(stage, TRAIL, "Trail")["AdvancedEventSelectors"]
    ]


@pytest.mark.parametrize("stage", GUARDED)
def test_the_trail_records_everybody_on_the_tables_but_the_functions(templates: Templates, stage: str) -> None:
    management, tables, streams = selectors(templates, stage)
    assert management == {"eventCategory": {"Equals": ["Management"]}}
    quiet = tables["userIdentity.arn"].pop("NotStartsWith")
    assert tables == {
        "eventCategory": {"Equals": ["Data"]},
        "resources.type": {"Equals": ["AWS::DynamoDB::Table"]},
        "resources.ARN": {"Equals": ["${CdrTable.Arn}", "${MessagesTable.Arn}"]},
        "userIdentity.arn": {},
    }
    assert streams["resources.type"] == {"Equals": ["AWS::DynamoDB::Stream"]}
    assert streams["resources.ARN"] == {"Equals": ["${CdrTable.StreamArn}", "${MessagesTable.StreamArn}"]}
    assert streams["userIdentity.arn"] == {"NotStartsWith": quiet}
    functions = templates.resources(stage, "AWS::Lambda::Function").values()
    roles = {templates.text(stage, found["Properties"]["Role"]).removesuffix(".Arn}") + "}" for found in functions}
    assert {each.split("assumed-role/")[1] for each in quiet} == {f"{role}/" for role in roles}
    assert all(each.endswith("}/") for each in quiet), "a role's name that only begins so is another role"


@pytest.mark.parametrize("stage", GUARDED)
def test_the_trail_covers_every_region_and_can_be_verified(templates: Templates, stage: str) -> None:
    trail = templates.one(stage, TRAIL, "Trail")
    for switch in ("IsLogging", "IsMultiRegionTrail", "IncludeGlobalServiceEvents", "EnableLogFileValidation"):
        assert trail[switch] is True
    assert templates.text(stage, trail["KMSKeyId"]) == "${AuditKey.Arn}"
    assert templates.text(stage, trail["CloudWatchLogsLogGroupArn"]) == "${TrailLogGroup.Arn}"
    assert templates.text(stage, trail["S3BucketName"]) == "${Audit}"
    (resource,) = templates.resources(stage, TRAIL).values()
    assert {"TrailPolicy", "AuditPolicy"} <= {name[:-8] for name in resource["DependsOn"]}


@pytest.mark.parametrize("stage", GUARDED)
def test_only_this_trail_writes_to_its_bucket(templates: Templates, stage: str) -> None:
    policy = templates.one(stage, "AWS::S3::BucketPolicy", "AuditPolicy")["PolicyDocument"]
    allowed = [each for each in templates.statements(stage, policy) if each.effect == "Allow"]
    assert {each.actions for each in allowed} == {("s3:GetBucketAcl",), ("s3:PutObject",)}
    for each in allowed:
        assert each.principals == {"Service": "cloudtrail.amazonaws.com"}
        assert templates.text(stage, each.condition["StringEquals"]["aws:SourceArn"]).endswith(
            f":trail/switchboard-{stage}"
        )


@pytest.mark.parametrize("stage", GUARDED)
def test_the_trail_looks_at_its_key_without_an_encryption_context(templates: Templates, stage: str) -> None:
    policy = templates.one(stage, "AWS::KMS::Key", "AuditKey")["KeyPolicy"]
    uses = {
        action: each.condition
        for each in templates.statements(stage, policy)
        if each.principals == {"Service": "cloudtrail.amazonaws.com"}
        for action in each.actions
    }
    assert set(uses) == {"kms:DescribeKey", "kms:GenerateDataKey"}
    assert set(uses["kms:GenerateDataKey"]["StringLike"]) == {"kms:EncryptionContext:aws:cloudtrail:arn"}
    assert set(uses["kms:DescribeKey"]) == {"StringEquals"}
    for condition in uses.values():
        source = templates.text(stage, condition["StringEquals"]["aws:SourceArn"])
        assert source.endswith(f":trail/switchboard-{stage}")


@pytest.mark.parametrize("stage", GUARDED)
def test_aws_config_checks_what_is_asked(templates: Templates, stage: str) -> None:
    rules = templates.resources(stage, "AWS::Config::ConfigRule").values()
    asked = {found["Properties"]["Source"]["SourceIdentifier"] for found in rules}
    assert asked == {
        "DYNAMODB_PITR_ENABLED",
        "DYNAMODB_TABLE_ENCRYPTED_KMS",
        "DYNAMODB_TABLE_DELETION_PROTECTION_ENABLED",
        "DYNAMODB_IN_BACKUP_PLAN",
        "DYNAMODB_AUTOSCALING_ENABLED",
        "IAM_USER_UNUSED_CREDENTIALS_CHECK",
        "ACCESS_KEYS_ROTATED",
        "IAM_ROOT_ACCESS_KEY_CHECK",
    }
    assert not templates.resources(stage, "AWS::Config::ConfigurationRecorder")


def only(stage: StageConfig, out: Path) -> Templates:
    """The templates of one stage alone."""
    app = App(context={**cdk_context(), "aws:cdk:bundling-stacks": []}, outdir=str(out))
    build_stage(app, stage)
    app.synth()
    return Templates.read(out, stages=(stage.name,))


def test_an_account_without_a_recorder_gets_one(tmp_path: Path) -> None:
    templates = only(replace(LOCAL, config_recorder=Create()), tmp_path)
    (recorder,) = templates.resources("local", "AWS::Config::ConfigurationRecorder").values()
    assert recorder["Properties"]["RecordingGroup"] == {"AllSupported": True, "IncludeGlobalResourceTypes": True}
    role = templates.text("local", recorder["Properties"]["RoleARN"])
    assert role.endswith(":role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig")
    (channel,) = templates.resources("local", "AWS::Config::DeliveryChannel").values()
    assert templates.text("local", channel["Properties"]["S3BucketName"]) == "${Audit}"
    (recorder_id,) = templates.resources("local", "AWS::Config::ConfigurationRecorder")
    rules = templates.resources("local", "AWS::Config::ConfigRule").values()
    assert len(rules) == len(RULES)
    assert all(recorder_id in found["DependsOn"] for found in rules)
    policy = templates.one("local", "AWS::S3::BucketPolicy", "AuditPolicy")["PolicyDocument"]
    (put,) = (each for each in templates.statements("local", policy) if each.sid == "ConfigDelivers")
    assert put.resources[0].endswith("/Config/*")
    assert "aws:SourceAccount" in put.condition["StringEquals"]


def test_an_account_with_a_trail_keeps_its_management_events_there(tmp_path: Path) -> None:
    stage = replace(LOCAL, trail=Existing("account-trail"), data_events=DataEvents.OF_EVERYBODY)
    templates = only(stage, tmp_path)
    assert [sorted(each) for each in selectors(templates, "local")] == [
        ["eventCategory", "resources.ARN", "resources.type"]
    ] * 2
    groups: dict[str, set[str]] = {}
    for found in templates.resources("local", FILTER).values():
        (metric,) = found["Properties"]["MetricTransformations"]
        group = templates.text("local", found["Properties"]["LogGroupName"])
        groups.setdefault(metric["MetricName"], set()).add(group)
    assert groups.pop("ForeignUse") == groups.pop("BulkRead") == {"${TrailLogGroup}"}
    assert groups.pop("LongTermKey") == {"${TrailLogGroup}", "account-trail"}
    assert set(groups) == set(ORDINARY) - {"ForeignUse", "BulkRead", "LongTermKey"}
    assert all(where == {"account-trail"} for where in groups.values())
    assert len(templates.resources("local", ALARM, "guardrails")) == len(ORDINARY)


def test_a_stage_may_go_without(templates: Templates) -> None:
    assert ("dev", "guardrails") not in templates.by_stack
    assert not templates.resources("dev", TRAIL)
