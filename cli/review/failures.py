"""What can fail, read from the resources, and which alarms tell somebody of it: a failure without one is a gap."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.review.assembly import Resource, StageTemplates

ALARM: Final = "AWS::CloudWatch::Alarm"
_QUERY: Final = re.compile(r"SELECT \w+\((\w+)\) FROM (?:SCHEMA\([^)]*\)|\"[\w/]+\") WHERE (\w+) = '(.+)'")
"""The forms of a metrics query in use: one metric of one table or one vault, over all further dimensions."""

Metric = tuple[str, frozenset[tuple[str, str]]]
"""A metric's name, and its dimensions."""


@dataclass(frozen=True, slots=True)
class FailurePath:
    """One way in which a resource fails: the metric that shows it, and the alarms that watch it; none is a gap."""

    place: str
    failure: str
    metric: str
    alarms: tuple[str, ...]


def failure_paths(stage: StageTemplates) -> tuple[FailurePath, ...]:
    """Every way in which something of a stage can fail, in the order of its stacks."""
    watching = _watching(stage)
    return tuple(
        FailurePath(resource.place, failure, metric, watching.get((metric, frozenset(dimensions.items())), ()))
        for resource in stage.resources
        for failure, metric, dimensions in _PATHS.get(resource.type, _none)(stage, resource)
    )


def _watching(stage: StageTemplates) -> Mapping[Metric, tuple[str, ...]]:
    """The names of the alarms on each metric; an alarm that tells nobody watches nothing."""
    found: dict[Metric, tuple[str, ...]] = {}
    for alarm in stage.of_type(ALARM):
        properties = alarm.properties
        if properties.get("AlarmActions") and properties.get("ActionsEnabled", True):
            for metric in _metrics(stage, alarm):
                name = stage.text(alarm.stack, properties.get("AlarmName", alarm.name))
                found[metric] = (*found.get(metric, ()), name)
    return found


def _metrics(stage: StageTemplates, alarm: Resource) -> Iterator[Metric]:
    properties = alarm.properties
    parts = [part["MetricStat"]["Metric"] for part in properties.get("Metrics", ()) if "MetricStat" in part]
    for part in [*parts, *([properties] if "MetricName" in properties else [])]:
        dimensions = {each["Name"]: stage.text(alarm.stack, each["Value"]) for each in part.get("Dimensions", ())}
        yield part["MetricName"], frozenset(dimensions.items())
    for part in properties.get("Metrics", ()):
        query = _QUERY.fullmatch(stage.text(alarm.stack, part.get("Expression", "")))
        if query:
            yield query.group(1), frozenset({(query.group(2), query.group(3))})


if TYPE_CHECKING:
    Paths = Iterator[tuple[str, str, dict[str, str]]]
    """The failure in words, the metric that shows it, and its dimensions."""


def _none(_stage: StageTemplates, _resource: Resource) -> Paths:
    return iter(())


def _of_function(stage: StageTemplates, function: Resource) -> Paths:
    dimensions = {"FunctionName": _itself(function)}
    yield "fails", "Errors", dimensions
    yield "is throttled", "Throttles", dimensions
    if "DeadLetterConfig" in function.properties:
        yield "cannot set a failed invocation aside", "DeadLetterErrors", dimensions
    environment = function.properties.get("Environment", {}).get("Variables", {})
    if deployment.ENV_QUARANTINE_BUCKET in environment:
        service = stage.text(function.stack, environment.get(deployment.ENV_FUNCTION, ""))
        counted = {deployment.DIMENSION_STAGE: stage.name, deployment.DIMENSION_FUNCTION: service}
        yield "puts something into quarantine", deployment.METRIC_QUARANTINED, counted


def _of_invocations(stage: StageTemplates, config: Resource) -> Paths:
    dimensions = {"FunctionName": stage.text(config.stack, config.properties["FunctionName"])}
    yield "an event is dropped", "AsyncEventsDropped", dimensions
    yield "events wait", "AsyncEventAge", dimensions
    yield "a failed event cannot be set aside", "DestinationDeliveryFailures", dimensions


def _of_mapping(stage: StageTemplates, mapping: Resource) -> Paths:
    if "StartingPosition" not in mapping.properties:
        return
    dimensions = {"FunctionName": stage.text(mapping.stack, mapping.properties["FunctionName"])}
    yield "falls behind", "IteratorAge", dimensions
    yield "a failed batch cannot be set aside", "DestinationDeliveryFailures", dimensions
    itself = {"EventSourceMappingUUID": _itself(mapping)}
    yield "a batch is given up and set aside", "OnFailureDestinationDeliveredEventCount", itself
    yield "a batch is given up and lost", "DroppedEventCount", itself


def _of_queue(_stage: StageTemplates, queue: Resource) -> Paths:
    dimensions = {"QueueName": _itself(queue, "QueueName")}
    if "RedrivePolicy" in queue.properties:
        yield "is not worked off", "ApproximateAgeOfOldestMessage", dimensions
    else:
        yield "something arrives", "ApproximateNumberOfMessagesVisible", dimensions


def _of_table(_stage: StageTemplates, table: Resource) -> Paths:
    if table.properties.get("TableName") == deployment.LOCAL_LEGACY_TABLE:
        return
    dimensions = {"TableName": _itself(table)}
    yield "fails", "SystemErrors", dimensions
    indexes = [index["IndexName"] for index in table.properties.get("GlobalSecondaryIndexes", ())]
    for failure, metric in (("reads are throttled", "ReadThrottleEvents"), ("writes are throttled", _WRITES)):
        yield failure, metric, dimensions
        for index in indexes:
            yield f"{index}: {failure}", metric, {**dimensions, "GlobalSecondaryIndexName": index}


_WRITES: Final = "WriteThrottleEvents"


def _of_state_machine(_stage: StageTemplates, machine: Resource) -> Paths:
    dimensions = {"StateMachineArn": _itself(machine, "Arn")}
    yield "an execution fails", "ExecutionsFailed", dimensions
    yield "an execution takes too long", "ExecutionsTimedOut", dimensions
    yield "an execution is stopped", "ExecutionsAborted", dimensions
    yield "is throttled", "ExecutionThrottled", dimensions


def _of_vault(_stage: StageTemplates, vault: Resource) -> Paths:
    dimensions = {"BackupVaultName": _itself(vault, "BackupVaultName")}
    yield "a copy fails", "NumberOfBackupJobsFailed", dimensions
    yield "a copy is not begun in time", "NumberOfBackupJobsExpired", dimensions


_PATHS: Final = {
    "AWS::Backup::BackupVault": _of_vault,
    "AWS::DynamoDB::Table": _of_table,
    "AWS::Lambda::EventInvokeConfig": _of_invocations,
    "AWS::Lambda::EventSourceMapping": _of_mapping,
    "AWS::Lambda::Function": _of_function,
    "AWS::SQS::Queue": _of_queue,
    "AWS::StepFunctions::StateMachine": _of_state_machine,
}


def _itself(resource: Resource, attribute: str = "") -> str:
    """How `StageTemplates.text` writes a reference to a resource."""
    return f"{{{resource.place}{'.' + attribute if attribute else ''}}}"
