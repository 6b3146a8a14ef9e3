"""Alarms on recorded events: what each attack raises, and what ordinary work does not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra.constructs.trail_patterns import LONGEST
from tests.infra.metric_filter import matches
from tests.infra.templates import ROOT, STAGES, UNGUARDED, Templates

EVENTS = ROOT / "tests" / "infra" / "events"
"""Events as CloudTrail writes them (its User Guide, "CloudTrail record contents" and "Logging DynamoDB operations")."""
GUARDED = tuple(stage for stage in STAGES if stage not in UNGUARDED)
FILTER = "AWS::Logs::MetricFilter"
ALARM = "AWS::CloudWatch::Alarm"

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
    "Reports": "switchboard-prod-data-reports8e3ab1fc-1a2b3c4d5e6f",
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
    "export_by_a_backfill",
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


def patterns(templates: Templates, stage: str) -> dict[str, list[str]]:
    """Filter patterns by the metric they count, as they are deployed."""
    deployed: dict[str, list[str]] = {}
    for found in templates.resources(stage, FILTER, "guardrails").values():
        text = templates.text(stage, found["Properties"]["FilterPattern"])
        for reference, value in REFERENCES.items():
            text = text.replace(f"${{{reference}}}", value)
        assert "${" not in text, "a reference without a value"
        (metric,) = found["Properties"]["MetricTransformations"]
        deployed.setdefault(metric["MetricName"], []).append(text)
    return deployed


@pytest.fixture(scope="module")
def deployed(templates: Templates) -> dict[str, list[str]]:
    return patterns(templates, "prod")


def alarms_on(deployed: dict[str, list[str]], found: dict[str, Any], *, absent_differs: bool) -> set[str]:
    return {
        metric
        for metric, texts in deployed.items()
        if any(matches(text, found, absent_differs=absent_differs) for text in texts)
    }


@pytest.mark.parametrize("absent_differs", [True, False])
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_raises_its_alarms_and_no_others(
    deployed: dict[str, list[str]], attack: str, absent_differs: bool
) -> None:
    assert alarms_on(deployed, event(attack), absent_differs=absent_differs) == ATTACKS[attack]


@pytest.mark.parametrize(
    ("whose", "into"),
    [("export", "export_by_a_backfill"), ("export_by_a_backfill", "export")],
    ids=["somebody into the bucket of reports", "a backfill into another bucket"],
)
def test_an_export_is_ordinary_only_by_a_backfill_into_its_own_bucket(
    deployed: dict[str, list[str]], whose: str, into: str
) -> None:
    found = event(whose)
    found["requestParameters"]["s3Bucket"] = event(into)["requestParameters"]["s3Bucket"]
    assert alarms_on(deployed, found, absent_differs=False) == {"TableCopied"}


@pytest.mark.parametrize(
    ("attack", "name"), [(attack, name) for attack, names in OTHER_NAMES.items() for name in names]
)
def test_a_call_that_does_the_same_harm_raises_the_same_alarms(
    deployed: dict[str, list[str]], attack: str, name: str
) -> None:
    assert alarms_on(deployed, event(attack) | {"eventName": name}, absent_differs=False) == ATTACKS[attack]


@pytest.mark.parametrize("absent_differs", [True, False])
@pytest.mark.parametrize("ordinary", [*ORDINARY.values(), *HARMLESS])
def test_ordinary_work_raises_none(deployed: dict[str, list[str]], ordinary: str, absent_differs: bool) -> None:
    assert alarms_on(deployed, event(ordinary), absent_differs=absent_differs) == set()


def test_every_alarm_has_an_attack_and_an_ordinary_event_and_every_event_is_asked(
    deployed: dict[str, list[str]],
) -> None:
    assert set().union(*ATTACKS.values()) == set(ORDINARY) == set(deployed)
    assert {path.stem for path in EVENTS.glob("*.json")} == {*ATTACKS, *ORDINARY.values(), *HARMLESS}


@pytest.mark.parametrize("stage", GUARDED)
def test_every_pattern_is_short_enough_and_raises_an_alarm_with_an_action(templates: Templates, stage: str) -> None:
    alarms = {
        (found["Properties"]["Namespace"], found["Properties"]["MetricName"]): found["Properties"]
        for found in templates.resources(stage, ALARM, "guardrails").values()
    }
    filters = templates.resources(stage, FILTER, "guardrails").values()
    assert len(alarms) == len(ORDINARY)
    for found in filters:
        (metric,) = found["Properties"]["MetricTransformations"]
        alarm = alarms[metric["MetricNamespace"], metric["MetricName"]]
        assert [templates.text(stage, action) for action in alarm["AlarmActions"]] == ["${AlarmsTopic}"]
        assert (alarm["Threshold"], alarm["EvaluationPeriods"], alarm["TreatMissingData"]) == (1, 1, "notBreaching")
        assert metric["MetricValue"] == "1"
    for texts in patterns(templates, stage).values():
        assert all(len(text) <= LONGEST for text in texts)
