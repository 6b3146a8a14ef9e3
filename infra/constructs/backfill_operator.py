"""What the commands on backfills call, and so what the role of those who run them may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Stack
from aws_cdk.aws_iam import PolicyStatement

from infra.constructs.messaging_functions import LEADING_KEYS
from infra.constructs.operator_role import OperatorRole, find_what_is_published
from infra.constructs.shapes import CHECKPOINT, SEGMENT, UUID
from switchboard.schema import deployment, runs

if TYPE_CHECKING:
    from constructs import Construct

    from infra.config_types import StageConfig
    from infra.stacks.backfill import BackfillStack
    from infra.stacks.data import DataStack

LOOKED_UP: Final = (
    deployment.STATE_MACHINE_PATH,
    deployment.RUNS_TABLE_PATH,
    deployment.REPORTS_PATH,
)


class BackfillOperator(OperatorRole):
    """`backfill-operator`: starts, watches, paces, pauses and stops runs. It reaches no items."""

    def __init__(self, scope: Construct, *, stage: StageConfig, data: DataStack, backfill: BackfillStack) -> None:
        super().__init__(
            scope,
            "BackfillOperator",
            stage=stage,
            description="The platform team on backfills: starts, watches, paces, pauses and stops runs.",
            statements=[
                find_what_is_published(Stack.of(scope), stage, LOOKED_UP),
                *_run(backfill),
                *_watch_and_control(data),
            ],
        )


def _run(backfill: BackfillStack) -> tuple[PolicyStatement, ...]:
    machine = backfill.machine
    return (
        PolicyStatement(
            sid="StartAndListRuns",
            actions=["states:ListExecutions", "states:StartExecution"],
            resources=[machine.machine.attr_arn],
        ),
        PolicyStatement(
            sid="WatchAndStopRuns",
            actions=["states:DescribeExecution", "states:StopExecution"],
            resources=[machine.execution_of(UUID)],
        ),
    )


def _watch_and_control(data: DataStack) -> tuple[PolicyStatement, ...]:
    table = data.runs_table.table_arn
    return (
        PolicyStatement(sid="ReadRuns", actions=["dynamodb:BatchGetItem", "dynamodb:Query"], resources=[table]),
        PolicyStatement(
            # Cursors, counters and locks are the function's alone: a forged one would skip items.
            sid="WriteControlsOfRunsOnly",
            actions=["dynamodb:UpdateItem"],
            resources=[table],
            conditions={
                "ForAllValues:StringLike": {LEADING_KEYS: [f"{runs.CONTROL_PREFIX}*"]},
                "Null": {LEADING_KEYS: "false"},
            },
        ),
        PolicyStatement(
            sid="ReadReports",
            actions=["s3:GetObject"],
            resources=[
                data.reports.arn_for_objects(runs.objects_prefix(UUID) + name)
                for name in (runs.REPORT_OBJECT, f"{runs.FAILED_PREFIX}{SEGMENT}-{CHECKPOINT}.json")
            ],
        ),
        PolicyStatement(
            sid="ListReports",
            actions=["s3:ListBucket"],
            resources=[data.reports.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{runs.OBJECTS_PREFIX}*"]}},
        ),
    )
