"""What can fail in a stage, read from its templates, and what tells somebody of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.infra.templates import Templates

ALARM: Final = "AWS::CloudWatch::Alarm"
EXECUTIONS: Final = ("ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionThrottled")

COUNTED: Final = frozenset(
    {
        ("CdrChanged", "cdr-guard"),
        ("CdrFailed", "cdr-writer"),
        ("CdrQueryRefused", "cdr-query"),
        ("MessagesInternal", "messages"),
        ("MessagesThrottled", "messages"),
        ("Quarantined", "cdr-guard"),
        ("Quarantined", "cdr-writer"),
        ("Quarantined", "stream-handler"),
        ("StreamStopped", "stream-handler"),
    }
)
"""What alarms watch of what functions count by themselves. A test of the functions sees each of them count it."""

Watched = tuple[str, frozenset[tuple[str, str]]]
"""A metric's name, and its dimensions."""


def watched(name: str, **dimensions: str) -> Watched:
    """A metric as an alarm names it."""
    return name, frozenset(dimensions.items())


def alarms(templates: Templates, stage: str) -> dict[str, Mapping[str, Any]]:
    """Properties of the alarms of a stage, by name."""
    return {
        found["Properties"]["AlarmName"]: found["Properties"] for found in templates.resources(stage, ALARM).values()
    }


def told(templates: Templates, stage: str) -> set[Watched]:
    """Every metric that an alarm with an action watches."""
    return {
        each
        for alarm in alarms(templates, stage).values()
        if alarm.get("AlarmActions") and alarm.get("ActionsEnabled", True)
        for each in metrics(templates, stage, alarm)
    }


def metrics(templates: Templates, stage: str, alarm: Mapping[str, Any]) -> Iterator[Watched]:
    """The metrics of one alarm, alone, in an expression, or asked for by a query."""
    parts = [part["MetricStat"]["Metric"] for part in alarm.get("Metrics", []) if "MetricStat" in part]
    for part in [*parts, *([alarm] if "MetricName" in alarm else [])]:
        dimensions = {each["Name"]: templates.text(stage, each["Value"]) for each in part.get("Dimensions", [])}
        yield watched(part["MetricName"], **dimensions)
    for part in alarm.get("Metrics", []):
        query = re.fullmatch(
            r"SELECT SUM\((\w+)\) FROM (?:SCHEMA\(\"[\w/]+\", Operation, TableName\)|\"[\w/]+\") WHERE (\w+) = '(.+)'",
            templates.text(stage, part.get("Expression", "")),
        )
        if query:
            yield watched(query.group(1), **{query.group(2): query.group(3)})


def failure_paths(templates: Templates, stage: str) -> set[Watched]:
    """Every metric that must be watched, because something of the stage can fail by it."""
    return {
        *_of_functions(templates, stage),
        *_of_asynchronous_calls(templates, stage),
        *_of_mappings(templates, stage),
        *_of_queues(templates, stage),
        *_of_tables(templates, stage),
        *_of_state_machines(templates, stage),
        *_of_vaults(templates, stage),
    }


def _of_functions(templates: Templates, stage: str) -> Iterator[Watched]:
    for logical_id, found in templates.resources(stage, "AWS::Lambda::Function").items():
        name = _reference(logical_id)
        yield watched("Errors", FunctionName=name)
        yield watched("Throttles", FunctionName=name)
        if "DeadLetterConfig" in found["Properties"]:
            yield watched("DeadLetterErrors", FunctionName=name)
        environment = found["Properties"]["Environment"]["Variables"]
        if deployment.ENV_QUARANTINE_BUCKET in environment:
            yield watched(deployment.METRIC_QUARANTINED, stage=stage, service=str(environment[deployment.ENV_FUNCTION]))


def _of_asynchronous_calls(templates: Templates, stage: str) -> Iterator[Watched]:
    for found in templates.resources(stage, "AWS::Lambda::EventInvokeConfig").values():
        function = templates.text(stage, found["Properties"]["FunctionName"])
        for metric in ("AsyncEventsDropped", "AsyncEventAge", "DestinationDeliveryFailures"):
            yield watched(metric, FunctionName=function)


def _of_mappings(templates: Templates, stage: str) -> Iterator[Watched]:
    for logical_id, found in templates.resources(stage, "AWS::Lambda::EventSourceMapping").items():
        function = templates.text(stage, found["Properties"]["FunctionName"])
        if "StartingPosition" not in found["Properties"]:
            continue
        yield watched("IteratorAge", FunctionName=function)
        yield watched("DestinationDeliveryFailures", FunctionName=function)
        # These two exist only where the mapping counts its events.
        assert found["Properties"]["MetricsConfig"] == {"Metrics": ["EventCount"]}
        for metric in ("OnFailureDestinationDeliveredEventCount", "DroppedEventCount"):
            yield watched(metric, EventSourceMappingUUID=_reference(logical_id))


def _of_queues(templates: Templates, stage: str) -> Iterator[Watched]:
    for logical_id, found in templates.resources(stage, "AWS::SQS::Queue").items():
        worked_off = "RedrivePolicy" in found["Properties"]
        metric = "ApproximateAgeOfOldestMessage" if worked_off else "ApproximateNumberOfMessagesVisible"
        yield watched(metric, QueueName=_reference(logical_id, attribute="QueueName"))


def _of_tables(templates: Templates, stage: str) -> Iterator[Watched]:
    for logical_id, found in templates.resources(stage, "AWS::DynamoDB::Table").items():
        if found["Properties"].get("TableName") == deployment.LOCAL_LEGACY_TABLE:
            continue
        name = _reference(logical_id)
        yield watched("SystemErrors", TableName=name)
        indexes = [index["IndexName"] for index in found["Properties"].get("GlobalSecondaryIndexes", [])]
        for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
            yield watched(metric, TableName=name)
            for index in indexes:
                yield watched(metric, TableName=name, GlobalSecondaryIndexName=index)


def _of_state_machines(templates: Templates, stage: str) -> Iterator[Watched]:
    for logical_id in templates.resources(stage, "AWS::StepFunctions::StateMachine"):
        for metric in EXECUTIONS:
            yield watched(metric, StateMachineArn=_reference(logical_id, attribute="Arn"))


def _of_vaults(templates: Templates, stage: str) -> Iterator[Watched]:
    for logical_id in templates.resources(stage, "AWS::Backup::BackupVault"):
        for metric in ("NumberOfBackupJobsFailed", "NumberOfBackupJobsExpired"):
            yield watched(metric, BackupVaultName=_reference(logical_id, attribute="BackupVaultName"))


def _reference(logical_id: str, *, attribute: str | None = None) -> str:
    name = re.sub(r"[0-9A-F]{8}$", "", logical_id)
    return f"${{{name}.{attribute}}}" if attribute else f"${{{name}}}"
