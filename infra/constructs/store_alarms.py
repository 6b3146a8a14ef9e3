"""What can go wrong with what functions work on: queues, tables, and the state machine of the backfill."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import MathExpression

from infra.constructs.alarm import PERIOD, count, highest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk.aws_backup import IBackupVault
    from aws_cdk.aws_dynamodb import ITable
    from aws_cdk.aws_sqs import IQueue

    from infra.constructs.alarm import Alarms
    from infra.constructs.queue import IngestQueue

DYNAMODB: Final = "AWS/DynamoDB"
SYSTEM_ERRORS: Final = 'SELECT SUM(SystemErrors) FROM SCHEMA("AWS/DynamoDB", Operation, TableName)'
SQS: Final = "AWS/SQS"
STATES: Final = "AWS/States"

WAITING: Final = Duration.minutes(15)
"""A message is delivered within seconds and again after six minutes: this is its third delivery."""
THROTTLED: Final = 10
"""Requests of five minutes. Every client retries the first few without anybody noticing."""

EXECUTIONS: Final = {
    "ExecutionsFailed": ("failed", "A backfill failed."),
    "ExecutionsTimedOut": ("timed-out", "A backfill took longer than it may."),
    "ExecutionsAborted": ("aborted", "Somebody stopped a backfill."),
    "ExecutionThrottled": ("throttled", "Step Functions held up state transitions of a backfill."),
}
"""Metrics of a state machine (Step Functions Developer Guide, "Monitoring with CloudWatch")."""

COPIES: Final = {
    "backup-failed": (
        'SELECT SUM(NumberOfBackupJobsFailed) FROM "AWS/Backup"',
        "AWS Backup could not copy a table into its vault.",
    ),
    "backup-expired": (
        'SELECT SUM(NumberOfBackupJobsExpired) FROM "AWS/Backup"',
        "AWS Backup did not begin to copy a table in time.",
    ),
}
"""Metrics of a vault (AWS Backup Developer Guide, "AWS Backup metrics with Amazon CloudWatch")."""


def alarm_on_queue(alarms: Alarms, queue: IngestQueue, *, name: str) -> None:
    """Messages that wait too long, and those that were delivered in vain."""
    alarms.when(
        "QueueAge",
        highest(SQS, "ApproximateAgeOfOldestMessage", QueueName=queue.queue.queue_name),
        reaches=WAITING.to_seconds(),
        name=f"{name}-age",
        page="queue-age",
        says=f"A message in queue {name} waits longer than {WAITING.to_minutes()} min.",
    )
    _alarm_on_messages(
        alarms,
        queue.dead_letters,
        name=f"{name}-dead-letters",
        page="dead-letters",
        says=f"Messages of queue {name} were delivered five times in vain.",
    )


def alarm_on_failed_invocations(alarms: Alarms, queue: IQueue, *, name: str) -> None:
    """Asynchronous calls of any function that Lambda gave up and set aside."""
    _alarm_on_messages(
        alarms,
        queue,
        name=name,
        page="failed-invocations",
        says="Lambda gave up asynchronous calls of a function; they are in a queue.",
    )


def _alarm_on_messages(alarms: Alarms, queue: IQueue, *, name: str, page: str, says: str) -> None:
    alarms.when(
        "".join(word.capitalize() for word in name.split("-")),
        highest(SQS, "ApproximateNumberOfMessagesVisible", QueueName=queue.queue_name),
        reaches=1,
        name=name,
        page=page,
        says=says,
    )


def alarm_on_table(alarms: Alarms, table: ITable, *, name: str, indexes: Sequence[str]) -> None:
    """Throttled requests on the table and on each index, and faults of DynamoDB itself."""
    _alarm_on_throttles(alarms, f"{name}-table", f"table {name}", {"TableName": table.table_name})
    for index in indexes:
        dimensions = {"TableName": table.table_name, "GlobalSecondaryIndexName": index}
        _alarm_on_throttles(alarms, index.replace("_", "-"), f"index {index}", dimensions)
    alarms.when(
        f"{name.capitalize()}TableSystemErrors",
        # The metric is kept for each operation; a query adds up whichever there are.
        MathExpression(
            expression=f"{SYSTEM_ERRORS} WHERE TableName = '{table.table_name}'",
            label="Faults of DynamoDB",
            period=PERIOD,
        ),
        reaches=1,
        name=f"{name}-table-system-errors",
        page="table-system-errors",
        says=f"DynamoDB answered requests on table {name} with faults of its own.",
    )


def _alarm_on_throttles(alarms: Alarms, name: str, what: str, dimensions: dict[str, str]) -> None:
    alarms.when(
        "".join(word.capitalize() for word in name.split("-")) + "Throttles",
        MathExpression(
            expression="FILL(reads, 0) + FILL(writes, 0)",
            using_metrics={
                "reads": count(DYNAMODB, "ReadThrottleEvents", **dimensions),
                "writes": count(DYNAMODB, "WriteThrottleEvents", **dimensions),
            },
            label="Throttled requests",
            period=PERIOD,
        ),
        reaches=THROTTLED,
        name=f"{name}-throttles",
        page="table-throttles",
        says=f"Requests on {what} exceed its capacity.",
    )


def alarm_on_state_machine(alarms: Alarms, arn: str, *, name: str) -> None:
    """Every end but a good one, and transitions that were held up."""
    for metric, (end, says) in EXECUTIONS.items():
        alarms.when(
            f"{name.capitalize()}{metric}",
            count(STATES, metric, StateMachineArn=arn),
            reaches=1,
            name=f"{name}-{end}",
            page=f"{name}-{end}",
            says=says,
        )


def alarm_on_copies(alarms: Alarms, vault: IBackupVault) -> None:
    """Copies of tables that were not made."""
    for name, (jobs, says) in COPIES.items():
        alarms.when(
            "".join(word.capitalize() for word in name.split("-")),
            # Jobs are counted by vault and by further dimensions; a query adds up whichever there are.
            MathExpression(
                expression=f"{jobs} WHERE BackupVaultName = '{vault.backup_vault_name}'",
                label="Copies that were not made",
                period=PERIOD,
            ),
            reaches=1,
            name=name,
            page="backup-failed",
            says=says,
        )
