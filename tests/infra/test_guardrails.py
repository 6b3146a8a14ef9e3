"""What watches the tables from outside: the trail, alarms on recorded events, and the rules of AWS Config."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App

from infra.build import build_stage
from infra.config import LOCAL
from infra.config_types import Create, DataEvents, Existing
from infra.constructs.config_rules import RULES
from infra.constructs.trail_patterns import LONGEST
from tests.infra.metric_filter import matches
from tests.infra.templates import ROOT, STAGES, UNGUARDED, Templates, cdk_context

if TYPE_CHECKING:
    from pathlib import Path

    from infra.config_types import StageConfig

EVENTS = ROOT / "tests" / "infra" / "events"
"""Events as CloudTrail writes them (its User Guide, "CloudTrail record contents" and "Logging DynamoDB operations")."""
GUARDED = tuple(stage for stage in STAGES if stage not in UNGUARDED)
FILTER = "AWS::Logs::MetricFilter"
ALARM = "AWS::CloudWatch::Alarm"
TRAIL = "AWS::CloudTrail::Trail"

PLACE = "arn:aws:dynamodb:eu-central-1:111122223333:table"
REFERENCES = {
    "CdrTable": "switchboard-prod-data-CdrTable68FB5C79-1ABCDEFGHIJKL",
    "CdrTable.Arn": f"{PLACE}/switchboard-prod-data-CdrTable68FB5C79-1ABCDEFGHIJKL",
    "MessagesTable": "switchboard-prod-data-MessagesTable05B58A27-1ABCDEFGHIJKL",
    "MessagesTable.Arn": f"{PLACE}/switchboard-prod-data-MessagesTable05B58A27-1ABCDEFGHIJKL",
    "CdrWriterRole.RoleId": "AROACDRWRITERROLEXXXX",
    "CdrQueryRole.RoleId": "AROACDRQUERYROLEXXXXX",
    "CdrGuardRole.RoleId": "AROACDRGUARDROLEXXXXX",
    "MessagingMessagesRole.RoleId": "AROAMESSAGESROLEXXXXX",
    "MessagingStreamHandlerRole.RoleId": "AROASTREAMHANDLERXXXX",
    "BackfillStepRole.RoleId": "AROABACKFILLROLEXXXXX",
    "DataOperatorRole.RoleId": "AROADATAOPERATORXXXXX",
}
"""What the references of the patterns become, at the lengths that CloudFormation and IAM give them."""

ATTACKS = {
    "delete_table": {"TableDeleted"},
    "delete_table_named_by_arn": {"TableDeleted"},
    "delete_table_by_a_deployment": {"TableDeleted"},
    "delete_table_refused": {"TableDeleted"},
    "update_table_by_hand": {"TableUpdated"},
    "expiry_by_hand": {"TableUpdated"},
    "recovery_switched_off": {"RecoveryOff"},
    "recovery_shortened": {"RecoveryOff"},
    "protection_off_by_hand": {"ProtectionOff", "TableUpdated"},
    "protection_off_by_a_deployment": {"ProtectionOff"},
    "policy_put_by_hand": {"PolicyChanged"},
    "policy_of_a_stream_deleted": {"PolicyChanged"},
    "export": {"TableCopied"},
    "restore_beside": {"TableCopied"},
    "changes_to_kinesis": {"TableCopied"},
    "item_read_by_a_stranger": {"ForeignUse"},
    "item_written_by_a_stranger": {"ForeignUse"},
    "item_refused_to_a_stranger": {"ForeignUse"},
    "item_read_by_a_role_of_the_writers_name": {"ForeignUse"},
    "item_read_by_another_account": {"ForeignUse"},
    "item_touched_by_a_service": {"ForeignUse"},
    "scan_by_a_stranger": {"ForeignUse", "BulkRead"},
    "scan_with_a_persons_key": {"ForeignUse", "BulkRead", "LongTermKey"},
    "batch_read_by_a_stranger": {"ForeignUse", "BulkRead"},
    "stream_read_by_a_stranger": {"ForeignUse", "BulkRead"},
    "bucket_listed_with_a_persons_key": {"LongTermKey"},
    "trail_stopped": {"LoggingStopped"},
    "trail_deleted_by_a_deployment": {"LoggingStopped"},
    "trail_records_less": {"LoggingStopped"},
    "recorder_stopped": {"LoggingStopped"},
    "rule_deleted_by_hand": {"LoggingStopped"},
}
ORDINARY = {
    "TableDeleted": "delete_another_table",
    "TableUpdated": "update_table_by_a_deployment",
    "RecoveryOff": "recovery_switched_on",
    "ProtectionOff": "protection_on",
    "PolicyChanged": "policy_put_by_a_deployment",
    "TableCopied": "export_of_another_table",
    "ForeignUse": "records_written_by_the_writer",
    "BulkRead": "scan_by_an_operator",
    "LongTermKey": "bucket_listed_with_a_session",
    "LoggingStopped": "trail_changed_by_a_deployment",
}
"""An event that is as like an attack as ordinary work is, for each alarm."""
HARMLESS = (
    "update_another_table",
    "delete_table_of_keyspaces",
    "describe_table",
    "backup",
    "stream_read_by_its_handler",
    "trail_described",
)
OTHER_NAMES = {
    "scan_by_a_stranger": (
        "BatchExecuteStatement",
        "BatchGetItem",
        "ExecuteStatement",
        "GetRecords",
        "Query",
        "TransactGetItems",
    ),
    "trail_stopped": ("DeleteTrail", "StopConfigurationRecorder", "DeleteConfigurationRecorder"),
    "trail_records_less": ("UpdateTrail", "DeleteConfigRule", "DeleteDeliveryChannel"),
}
"""Calls that do the same harm as an event's."""


def event(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return found


def patterns(templates: Templates, stage: str) -> dict[str, str]:
    """Filter patterns by the metric they count, as they are deployed."""
    deployed = {}
    for found in templates.resources(stage, FILTER, "guardrails").values():
        text = templates.text(stage, found["Properties"]["FilterPattern"])
        for reference, value in REFERENCES.items():
            text = text.replace(f"${{{reference}}}", value)
        assert "${" not in text, "a reference without a value"
        (metric,) = found["Properties"]["MetricTransformations"]
        deployed[metric["MetricName"]] = text
    return deployed


@pytest.fixture(scope="module")
def deployed(templates: Templates) -> dict[str, str]:
    return patterns(templates, "prod")


def alarms_on(deployed: dict[str, str], name: str, *, absent_differs: bool) -> set[str]:
    found = event(name)
    return {metric for metric, text in deployed.items() if matches(text, found, absent_differs=absent_differs)}


@pytest.mark.parametrize("absent_differs", [True, False])
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_raises_its_alarms_and_no_others(deployed: dict[str, str], attack: str, absent_differs: bool) -> None:
    assert alarms_on(deployed, attack, absent_differs=absent_differs) == ATTACKS[attack]


@pytest.mark.parametrize(
    ("attack", "name"), [(attack, name) for attack, names in OTHER_NAMES.items() for name in names]
)
def test_a_call_that_does_the_same_harm_raises_the_same_alarms(
    deployed: dict[str, str], attack: str, name: str
) -> None:
    found = event(attack) | {"eventName": name}
    raised = {metric for metric, text in deployed.items() if matches(text, found, absent_differs=False)}
    assert raised == ATTACKS[attack]


@pytest.mark.parametrize("absent_differs", [True, False])
@pytest.mark.parametrize("ordinary", [*ORDINARY.values(), *HARMLESS])
def test_ordinary_work_raises_none(deployed: dict[str, str], ordinary: str, absent_differs: bool) -> None:
    assert alarms_on(deployed, ordinary, absent_differs=absent_differs) == set()


def test_every_alarm_has_an_attack_and_an_ordinary_event_and_every_event_is_asked(deployed: dict[str, str]) -> None:
    assert set().union(*ATTACKS.values()) == set(ORDINARY) == set(deployed)
    assert {path.stem for path in EVENTS.glob("*.json")} == {*ATTACKS, *ORDINARY.values(), *HARMLESS}


@pytest.mark.parametrize("stage", GUARDED)
def test_every_pattern_is_short_enough_and_raises_an_alarm_with_an_action(templates: Templates, stage: str) -> None:
    alarms = {
        (found["Properties"]["Namespace"], found["Properties"]["MetricName"]): found["Properties"]
        for found in templates.resources(stage, ALARM, "guardrails").values()
    }
    filters = templates.resources(stage, FILTER, "guardrails").values()
    assert len(filters) == len(alarms) == len(ORDINARY)
    for found in filters:
        (metric,) = found["Properties"]["MetricTransformations"]
        alarm = alarms[metric["MetricNamespace"], metric["MetricName"]]
        assert [templates.text(stage, action) for action in alarm["AlarmActions"]] == ["${AlarmsTopic}"]
        assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (1, 1, "notBreaching")
        assert metric["MetricValue"] == "1"
    for text in patterns(templates, stage).values():
        assert len(text) <= LONGEST


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
