"""What a stage costs in a month at a given load: prices of the repository's file, quantities from the templates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.review.tables import TABLE, short_name
from switchboard.schema import cdr, deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.review.assembly import Resource, StageTemplates
    from cli.review.load import Load
    from switchboard.prices import Prices

HOURS: Final = 730
"""Of a month, as AWS's calculator counts them."""
_MB_PER_GB: Final = 1_024
_KB_PER_GB: Final = 1_048_576
_INDEX_CHANGE: Final = 2
"""Write units of an index when a key attribute of it changes: a delete and a put (DynamoDB Developer Guide)."""
_WEEK: Final = 7
_DAYS: Final = 30
_EVERY: Final = ("*", "?")
_CDR: Final = "cdr"
_PAGE_READ: Final = 4
"""Read units of the newest page of a conversation, strongly consistent: the membership, and some 10 KB of messages."""
_LIST_READ: Final = 1.5
"""Read units of the first page of a list of groups, some 10 KB of an index."""
_METRICS: Final = {
    deployment.CDR_WRITER: 2 + len(cdr.STATUSES),
    deployment.CDR_QUERY: 2 + 4,
    deployment.MESSAGES: 1,
    deployment.STREAM_HANDLER: 2,
}
"""Metrics that a function makes where nothing goes wrong: of the writer one for each status, of the reader for each
kind of question, and two more."""
_QUEUE_REQUESTS: Final = 3
"""Of a queued CDR at most: sent, received, deleted."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of a monthly bill in US dollars. `quantity` counts what `unit` names."""

    what: str
    quantity: float
    unit: str
    usd: float


def costs(stage: StageTemplates, load: Load, prices: Prices) -> tuple[Cost, ...]:
    """The lines of a stage's bill that are not nothing."""
    lines = (
        *_tables(stage, load, prices),
        *_functions(stage, load, prices),
        *_watching(stage, prices),
        *_keys_and_rules(stage, prices),
    )
    return tuple(line for line in lines if line.quantity)


def total(lines: tuple[Cost, ...]) -> float:
    """US dollars a month."""
    return sum(line.usd for line in lines)


def _tables(stage: StageTemplates, load: Load, prices: Prices) -> Iterator[Cost]:
    writes = reads = written_hours = read_hours = stored = recoverable = 0.0
    for table in stage.of_type(TABLE):
        gb = _stored_gb(table, load)
        indexes = len(table.properties.get("GlobalSecondaryIndexes", ()))
        # The index of the messages holds memberships only, which are few beside the messages.
        stored += gb * (1 + (indexes if short_name(table) == _CDR else 0))
        recovery = table.properties.get("PointInTimeRecoverySpecification", {})
        recoverable += gb if recovery.get("PointInTimeRecoveryEnabled") else 0
        if table.properties.get("BillingMode") == "PAY_PER_REQUEST":
            asked_to_write, asked_to_read = _requested(table, load, indexes)
            writes, reads = writes + asked_to_write, reads + asked_to_read
        else:
            for each in (table.properties, *table.properties.get("GlobalSecondaryIndexes", ())):
                units = each.get("ProvisionedThroughput", {})
                written_hours += HOURS * units.get("WriteCapacityUnits", 5)
                read_hours += HOURS * units.get("ReadCapacityUnits", 5)
    yield Cost("DynamoDB writes", writes, "write units", writes * prices.dynamodb_write_unit)
    yield Cost("DynamoDB reads", reads, "read units", reads * prices.dynamodb_read_unit)
    capacity = written_hours * prices.dynamodb_write_capacity_hour + read_hours * prices.dynamodb_read_capacity_hour
    yield Cost("DynamoDB capacity", written_hours + read_hours, "capacity unit hours", capacity)
    yield Cost("DynamoDB storage, indexes included", stored, "GB", stored * prices.dynamodb_gb_month)
    yield Cost("Point-in-time recovery", recoverable, "GB", recoverable * prices.dynamodb_recovery_gb_month)
    copies = _copies(stage)
    kept = copies * sum(_stored_gb(table, load) for table in stage.of_type(TABLE))
    yield Cost(f"AWS Backup, {copies} copies", kept, "GB", kept * prices.backup_gb_month)


def _requested(table: Resource, load: Load, indexes: int) -> tuple[float, float]:
    """Write and read units of a month."""
    if short_name(table) == _CDR:
        return load.events * math.ceil(load.cdr_kb) * (1 + indexes), load.events / load.cdrs_per_query
    if short_name(table) == "messages":
        followed = load.members * (1 + _INDEX_CHANGE * indexes)
        # Whether the sender is a member, and who the members are: each read is strongly consistent.
        read = 2 + load.reads_per_message * (_PAGE_READ + _LIST_READ)
        return load.events * (math.ceil(load.message_kb) + followed), load.events * read
    return 0, 0


def _stored_gb(table: Resource, load: Load) -> float:
    size = {_CDR: load.cdr_kb, "messages": load.message_kb}.get(short_name(table), 0)
    return size * load.events * load.months_kept / _KB_PER_GB


def _copies(stage: StageTemplates) -> int:
    """Copies that exist at once: each rule makes them on its days, and deletes them after a time."""
    rules = [rule for plan in stage.of_type("AWS::Backup::BackupPlan") for rule in _rules(plan.properties)]
    return sum(
        rule.get("Lifecycle", {}).get("DeleteAfterDays", 0) * days_per_week(rule["ScheduleExpression"]) // _WEEK
        for rule in rules
    )


def days_per_week(schedule: str) -> int:
    """On how many days of a week a rule of AWS Backup makes a copy, by its `cron` expression.

    A day of the month counts as one in a week, which is too much rather than too little.
    """
    _minutes, _hours, of_month, _months, of_week, _years = schedule.removeprefix("cron(").removesuffix(")").split()
    if of_week not in _EVERY:
        return len(of_week.split(","))
    return _WEEK if of_month in _EVERY else 1


def _rules(plan: Any) -> Any:
    return plan["BackupPlan"]["BackupPlanRule"]


def _functions(stage: StageTemplates, load: Load, prices: Prices) -> Iterator[Cost]:
    calls = {
        deployment.CDR_WRITER: load.events / load.cdrs_per_call,
        deployment.CDR_QUERY: load.events / load.cdrs_per_query,
        deployment.MESSAGES: load.events * (1 + 2 * load.reads_per_message),
        deployment.STREAM_HANDLER: load.events,
    }
    made = seconds = 0.0
    for function in stage.of_type("AWS::Lambda::Function"):
        called = calls.get(_function(function), 0)
        made += called
        seconds += called * load.call_seconds * function.properties.get("MemorySize", 128) / _MB_PER_GB
    yield Cost("Lambda requests", made, "requests", made * prices.lambda_request)
    yield Cost("Lambda time", seconds, "GB seconds", seconds * prices.lambda_gb_second)
    queued = load.events * load.queued_share * _QUEUE_REQUESTS if stage.of_type("AWS::SQS::Queue") else 0
    yield Cost("SQS", queued, "requests", queued * prices.sqs_request)
    logged = made * load.log_kb_per_call / _KB_PER_GB
    yield Cost("Logs", logged, "GB", logged * (prices.logs_gb + prices.logs_gb_month))
    traced = made * load.traced_share
    yield Cost("X-Ray", traced, "traces", traced * prices.xray_trace)


def _function(function: Resource) -> str:
    """A function's short name."""
    environment = function.properties.get("Environment", {}).get("Variables", {})
    return str(environment.get(deployment.ENV_FUNCTION))


def _watching(stage: StageTemplates, prices: Prices) -> Iterator[Cost]:
    watched = 0
    for alarm in stage.of_type("AWS::CloudWatch::Alarm"):
        metrics = alarm.properties.get("Metrics")
        parts = [part["MetricStat"]["Metric"] for part in metrics or () if "MetricStat" in part]
        # A query counts as one metric of each table that it names, which is one.
        watched += len(parts) + sum("SELECT" in str(part.get("Expression")) for part in metrics or ())
        watched += metrics is None
    functions = stage.of_type("AWS::Lambda::Function")
    made = sum(_METRICS.get(_function(function), 0) for function in functions)
    yield Cost("Alarms", watched, "metrics", watched * prices.cloudwatch_alarm_metric)
    yield Cost("Metrics of the functions", made, "metrics", made * prices.cloudwatch_metric)
    boards = len(stage.of_type("AWS::CloudWatch::Dashboard"))
    yield Cost("Dashboards", boards, "dashboards", boards * prices.cloudwatch_dashboard)


def _keys_and_rules(stage: StageTemplates, prices: Prices) -> Iterator[Cost]:
    keys = len(stage.of_type("AWS::KMS::Key"))
    yield Cost("Encryption keys", keys, "keys", keys * prices.kms_key)
    daily = len(stage.of_type("AWS::Config::ConfigRule")) * _DAYS
    yield Cost("AWS Config, each rule once a day", daily, "evaluations", daily * prices.config_evaluation)
