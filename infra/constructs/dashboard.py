"""One page that answers what a person asks of a stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import AlarmStatusWidget, Dashboard, GraphWidget, TextWidget

from infra.constructs.alarm import count, counted_by, highest
from infra.constructs.function_alarms import LAMBDA
from infra.constructs.store_alarms import DYNAMODB, SQS, STATES
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk.aws_cloudwatch import IAlarm, IMetric, IWidget
    from constructs import Construct

    from infra.config_types import StageConfig
    from infra.constructs.cdr_functions import CdrFunctions
    from infra.constructs.function import SwitchboardFunction
    from infra.constructs.messaging_functions import MessagingFunctions

WIDTH: Final = 24
STATUSES: Final = ("stored", "duplicate", "not_first", "earlier", "conflict", "rejected", "failed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the page shows."""

    cdr: CdrFunctions
    messaging: MessagingFunctions
    functions: Sequence[SwitchboardFunction]
    tables: Mapping[str, str]
    """Names of the tables, by what people call them."""
    state_machine: str
    """ARN of the backfill's state machine."""
    alarms: Sequence[IAlarm]


def define_dashboard(scope: Construct, *, stage: StageConfig, watched: Watched) -> Dashboard:
    """The dashboard `switchboard-<stage>`: one row for each question, the last three hours unless asked otherwise."""
    return Dashboard(
        scope,
        "Dashboard",
        dashboard_name=f"{deployment.APP}-{stage.name}",
        default_interval=Duration.hours(3),
        widgets=[
            [AlarmStatusWidget(title="What needs somebody now", alarms=watched.alarms, width=WIDTH, height=5)],
            *_row("Are CDRs coming in?", _cdrs(stage, watched.cdr)),
            *_row("Is anything stuck?", _stuck(stage, watched)),
            *_row("Do lists of groups follow the messages?", _lists(stage, watched.messaging)),
            *_row("Is a backfill running?", _backfill(watched)),
            *_row("Do functions and tables keep up?", _capacity(watched)),
        ],
    )


def _row(question: str, graphs: Mapping[str, Sequence[IMetric]]) -> list[list[IWidget]]:
    width = WIDTH // len(graphs)
    return [
        [TextWidget(markdown=f"## {question}", width=WIDTH, height=1)],
        [GraphWidget(title=title, left=list(metrics), width=width, height=6) for title, metrics in graphs.items()],
    ]


def _cdrs(stage: StageConfig, cdr: CdrFunctions) -> dict[str, list[IMetric]]:
    writer, query = cdr.writer.name, cdr.query.name
    return {
        "Records by what became of them": [
            counted_by(stage, writer, deployment.cdr_status_metric(status)) for status in STATUSES
        ],
        "Messages sent to the queue": [
            count(SQS, "NumberOfMessagesSent", QueueName=cdr.ingest.queue.queue_name),
        ],
        "Questions answered, refused, and not answered": [
            count(LAMBDA, "Invocations", FunctionName=cdr.query.function.function_name),
            counted_by(stage, query, deployment.METRIC_CDR_QUERY_REFUSED),
            counted_by(stage, query, deployment.METRIC_CDR_QUERY_UNAVAILABLE),
        ],
    }


def _stuck(stage: StageConfig, watched: Watched) -> dict[str, list[IMetric]]:
    ingest = watched.cdr.ingest
    streams = (watched.cdr.guard, watched.messaging.stream_handler)
    return {
        "How late streams are read, in ms": [
            highest(LAMBDA, "IteratorAge", FunctionName=each.function.function_name) for each in streams
        ],
        "How long messages wait, in s": [
            highest(SQS, "ApproximateAgeOfOldestMessage", QueueName=ingest.queue.queue_name)
        ],
        "Given up": [
            highest(SQS, "ApproximateNumberOfMessagesVisible", QueueName=ingest.dead_letters.queue_name),
            count(LAMBDA, "AsyncEventsDropped", FunctionName=watched.cdr.writer.function.function_name),
            *(counted_by(stage, each.name, deployment.METRIC_QUARANTINED) for each in (watched.cdr.writer, *streams)),
        ],
    }


def _lists(stage: StageConfig, messaging: MessagingFunctions) -> dict[str, list[IMetric]]:
    handler, service = messaging.stream_handler, messaging.messages
    return {
        "Answers of the messages function": [
            counted_by(stage, service.name, deployment.messages_outcome_metric(outcome))
            for outcome in ("answered", "throttled", "internal")
        ],
        "Batches followed, and batches that stopped": [
            count(LAMBDA, "Invocations", FunctionName=handler.function.function_name),
            counted_by(stage, handler.name, deployment.METRIC_STREAM_STOPPED),
        ],
    }


def _backfill(watched: Watched) -> dict[str, list[IMetric]]:
    return {
        "Executions": [
            count(STATES, f"Executions{what}", StateMachineArn=watched.state_machine)
            for what in ("Started", "Succeeded", "Failed", "TimedOut", "Aborted")
        ],
        "Duration, in ms": [highest(STATES, "ExecutionTime", StateMachineArn=watched.state_machine)],
    }


def _capacity(watched: Watched) -> dict[str, list[IMetric]]:
    return {
        "Errors of functions": [
            count(LAMBDA, "Errors", FunctionName=each.function.function_name) for each in watched.functions
        ],
        "Write units": [
            count(DYNAMODB, "ConsumedWriteCapacityUnits", TableName=name) for name in watched.tables.values()
        ],
        "Throttled requests": [
            count(DYNAMODB, metric, TableName=name)
            for name in watched.tables.values()
            for metric in ("ReadThrottleEvents", "WriteThrottleEvents")
        ],
    }
