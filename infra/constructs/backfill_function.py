"""The function behind every step of the state machine, and exactly what it may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration, Stack
from aws_cdk.aws_iam import PolicyStatement
from constructs import Construct

from infra.constructs import dynamodb_actions
from infra.constructs.function import SwitchboardFunction
from infra.constructs.messaging_functions import LEADING_KEYS
from switchboard.schema import deployment, messages, runs

if TYPE_CHECKING:
    from aws_cdk.aws_lambda import ILayerVersion

    from infra.config_types import StageConfig
    from infra.stacks.data import DataStack
    from infra.stacks.network import NetworkStack

_READ: Final = (runs.OBJECTS_PREFIX, runs.MAPPINGS_PREFIX, runs.EXPORTS_PREFIX)
TIMEOUT: Final = Duration.minutes(15)
"""The longest that Lambda grants; a segment hands back before it."""


class BackfillFunction(Construct):
    """`backfill`: plans, settles segments, verifies, reports, and explains failures."""

    def __init__(
        self, scope: Construct, *, stage: StageConfig, data: DataStack, network: NetworkStack, layer: ILayerVersion
    ) -> None:
        super().__init__(scope, "Backfill")
        self._data = data
        self._messages = data.messages_table.table_arn
        self._cdr = data.cdr_table.table_arn
        self._further = [_table_arn(self, name) for name in stage.backfill_targets.values()]
        self._legacy = [_table_arn(self, name) for name in stage.legacy_tables]
        self.step = SwitchboardFunction(
            self,
            "Step",
            stage=stage,
            name=deployment.BACKFILL,
            description="One step of a backfill: plan, a part of a segment, verify, report, or why it failed.",
            data=data,
            network=network,
            layer=layer,
            timeout=TIMEOUT,
            memory_mb=512,
            environment=self._environment(stage),
            statements=[*self._on_targets(), *self._on_cdrs(), *self._on_its_own()],
        )

    def _environment(self, stage: StageConfig) -> dict[str, str]:
        text = Stack.of(self).to_json_string
        days = stage.cdr_retention_days
        reserved = stage.reserved_concurrency.get(deployment.BACKFILL)
        # One is left for the steps of a run on another table, which would fail with all of them at work.
        workers = None if reserved is None else max(1, reserved - 1)
        return {
            deployment.ENV_RUNS_TABLE: self._data.runs_table.table_name,
            deployment.ENV_REPORTS_BUCKET: self._data.reports.bucket_name,
            deployment.ENV_MESSAGES_TABLE: self._data.messages_table.table_name,
            deployment.ENV_CDR_TABLE: self._data.cdr_table.table_name,
            deployment.ENV_BACKFILL_TARGETS: text(
                {deployment.MESSAGES: self._data.messages_table.table_name, **stage.backfill_targets}
            ),
            deployment.ENV_LEGACY_TABLES: text(list(stage.legacy_tables)),
            **({} if days is None else {deployment.ENV_CDR_RETENTION_DAYS: str(days)}),
            **({} if workers is None else {deployment.ENV_BACKFILL_WORKERS: str(workers)}),
        }

    def _on_targets(self) -> tuple[PolicyStatement, ...]:
        targets = [self._messages, *self._further]
        return (
            PolicyStatement(
                sid="PlanByTheTables",
                actions=["dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable"],
                resources=[*targets, self._cdr],
            ),
            PolicyStatement(
                # No action that could create an item: a deleted one stays deleted.
                sid="FindAndUpdateItemsOfTargets",
                actions=["dynamodb:BatchGetItem", "dynamodb:PartiQLUpdate", "dynamodb:Scan"],
                resources=targets,
            ),
            PolicyStatement(
                # A request always states its partition keys, so that absent ones cannot pass.
                sid="RenameUsers",
                actions=["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
                resources=[self._messages],
                conditions={"ForAllValues:StringLike": {LEADING_KEYS: [f"{messages.USER_PREFIX}*"]}},
            ),
            *self._from_exports(targets),
        )

    def _from_exports(self, targets: list[str]) -> tuple[PolicyStatement, ...]:
        exports = self._data.reports.arn_for_objects(f"{runs.EXPORTS_PREFIX}*")
        return (
            PolicyStatement(sid="ExportTargets", actions=[dynamodb_actions.EXPORT], resources=targets),
            PolicyStatement(
                sid="FollowItsExports",
                actions=[dynamodb_actions.DESCRIBE_EXPORT],
                resources=[f"{table}/export/*" for table in targets],
            ),
            PolicyStatement(
                sid="LetDynamodbWriteItsExports",
                actions=list(dynamodb_actions.WRITE_EXPORT),
                resources=[exports],
            ),
        )

    def _on_cdrs(self) -> tuple[PolicyStatement, ...]:
        read_legacy = PolicyStatement(
            sid="ReadLegacyTables", actions=["dynamodb:DescribeTable", "dynamodb:Scan"], resources=self._legacy
        )
        return (
            PolicyStatement(
                sid="CreateImportedCdrsAndReadThemBack",
                actions=["dynamodb:BatchGetItem", "dynamodb:PartiQLInsert"],
                resources=[self._cdr],
            ),
            *([read_legacy] if self._legacy else []),
        )

    def _on_its_own(self) -> tuple[PolicyStatement, ...]:
        reports = self._data.reports
        return (
            PolicyStatement(
                sid="KeepRunsAndTheirLocks",
                actions=["dynamodb:BatchGetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
                resources=[self._data.runs_table.table_arn],
            ),
            PolicyStatement(
                sid="WriteReportsAndJournals",
                actions=["s3:PutObject"],
                resources=[reports.arn_for_objects(f"{runs.OBJECTS_PREFIX}*")],
            ),
            PolicyStatement(
                sid="ReadJournalsMappingsAndExports",
                actions=["s3:GetObject"],
                resources=[reports.arn_for_objects(f"{prefix}*") for prefix in _READ],
            ),
            PolicyStatement(
                sid="ListJournals",
                actions=["s3:ListBucket"],
                resources=[reports.bucket_arn],
                conditions={"StringLike": {"s3:prefix": [f"{runs.OBJECTS_PREFIX}*"]}},
            ),
        )


def _table_arn(scope: Construct, name: str) -> str:
    return Stack.of(scope).format_arn(service="dynamodb", resource="table", resource_name=name)
