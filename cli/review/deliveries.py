"""How events reach functions: event source mappings and asynchronous invocations, with what happens on failure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from cli.review.assembly import Resource, StageTemplates

MAPPING: Final = "AWS::Lambda::EventSourceMapping"
ASYNCHRONOUS: Final = "AWS::Lambda::EventInvokeConfig"
QUEUE: Final = "AWS::SQS::Queue"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One way in: from where, how many at once, how often again, and where what fails goes."""

    place: str
    source: str
    function: str
    batch: str
    filter: str
    retries: str
    after_failure: str


def deliveries(stage: StageTemplates) -> tuple[Delivery, ...]:
    """Every event source mapping and asynchronous configuration of a stage."""
    return tuple(
        _mapping(stage, each) if each.type == MAPPING else _asynchronous(stage, each)
        for each in stage.of_type(MAPPING, ASYNCHRONOUS)
    )


def _mapping(stage: StageTemplates, mapping: Resource) -> Delivery:
    properties = mapping.properties
    source = stage.target(mapping.stack, properties["EventSourceArn"])
    function = stage.target(mapping.stack, properties["FunctionName"])
    window = properties.get("MaximumBatchingWindowInSeconds", 0)
    filters = [each["Pattern"] for each in properties.get("FilterCriteria", {}).get("Filters", ())]
    from_queue = source is not None and source.type == QUEUE
    return Delivery(
        place=mapping.place,
        source=source.place if source else stage.text(mapping.stack, properties["EventSourceArn"]),
        function=function.place if function else "",
        batch=f"{properties.get('BatchSize')}" + (f", or after {window} s" if window else ""),
        filter=" or ".join(filters),
        retries=_of_queue(source) if from_queue and source else _of_stream(properties),
        after_failure=_dead_letters(stage, source) if from_queue and source else _destination(stage, mapping),
    )


def _of_queue(queue: Resource) -> str:
    tries = queue.properties.get("RedrivePolicy", {}).get("maxReceiveCount")
    return (
        f"{tries} deliveries, {queue.properties.get('VisibilityTimeout', 30)} s apart" if tries else "until it expires"
    )


def _of_stream(properties: Any) -> str:
    attempts = properties.get("MaximumRetryAttempts", -1)
    age = properties.get("MaximumRecordAgeInSeconds", -1)
    parts = [
        "until it succeeds" if attempts == -1 else f"{attempts} times",
        f"at most {age / 3600:g} h" if age > 0 else "until the record expires",
        "from the first failure on"
        if "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ())
        else "the whole batch",
        "in halves" if properties.get("BisectBatchOnFunctionError") else "",
    ]
    return ", ".join(part for part in parts if part)


def _dead_letters(stage: StageTemplates, queue: Resource) -> str:
    redrive = queue.properties.get("RedrivePolicy", {})
    target = stage.target(queue.stack, redrive.get("deadLetterTargetArn"))
    return target.place if target else ""


def _destination(stage: StageTemplates, configured: Resource) -> str:
    named = configured.properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    target = stage.target(configured.stack, named)
    return target.place if target else ""


def _asynchronous(stage: StageTemplates, config: Resource) -> Delivery:
    properties = config.properties
    function = stage.target(config.stack, properties["FunctionName"])
    return Delivery(
        place=config.place,
        source="asynchronous invocation",
        function=function.place if function else "",
        batch="1",
        filter="",
        retries=f"{properties.get('MaximumRetryAttempts', 2)} times, "
        f"at most {properties.get('MaximumEventAgeInSeconds', 21_600) / 3600:g} h",
        after_failure=_destination(stage, config),
    )
