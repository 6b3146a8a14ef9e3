"""Everything with state: the tables, the buckets, their keys, and the queue of what every function failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk.aws_dynamodb import StreamViewType
from aws_cdk.aws_s3 import Bucket

from infra.config_types import CDR_UNITS, MESSAGES_UNITS, RUNS_UNITS, Existing, StageConfig
from infra.constructs.backup import Backup
from infra.constructs.bucket import AccessLogBucket, PrivateBucket
from infra.constructs.key import DYNAMODB_USE, LAMBDA_USE, S3_USE, SwitchboardKey, used_by_cloudwatch_logs
from infra.constructs.legacy_table import LegacyTable
from infra.constructs.published import Published
from infra.constructs.queue import FailedInvocations
from infra.constructs.stack import SwitchboardStack
from infra.constructs.table import StoredTable
from switchboard.schema import cdr, deployment, messages, runs

if TYPE_CHECKING:
    from aws_cdk.aws_s3 import IBucket
    from constructs import Construct


class DataStack(SwitchboardStack):
    """Tables, buckets and keys. Its policies name no role: every later stack may refer to it, and it to none."""

    def __init__(self, scope: Construct, *, stage: StageConfig) -> None:
        super().__init__(
            scope,
            "data",
            stage=stage,
            description=f"Switchboard {stage.name}: tables, buckets and keys; everything that cannot be made again.",
        )
        self._stage = stage
        self._define_keys()
        self.access_logs = self._define_access_logs()
        self.cdr_table = self._define_cdr_table()
        self.messages_table = self._define_messages_table()
        self.runs_table = self._define_runs_table()
        self.quarantine = self._define_quarantine()
        self.reports = self._define_reports()
        self.failed_invocations = FailedInvocations(self, "FailedInvocations", stage=stage)
        self.backup = self._define_backup() if stage.backup_plan else None
        if stage.make_legacy_tables:
            self._define_legacy_tables()

    @property
    def tables(self) -> tuple[StoredTable, ...]:
        """The tables of this stage."""
        return self.cdr_table, self.messages_table, self.runs_table

    @property
    def items(self) -> list[str]:
        """ARNs of all whose items functions work on: tables, indexes, and further tables that backfills may touch."""
        named = (*self._stage.backfill_targets.values(), *self._stage.legacy_tables)
        return [
            *(arn for table in self.tables for arn in table.arns),
            *(self.format_arn(service="dynamodb", resource="table", resource_name=name) for name in named),
        ]

    @property
    def targets(self) -> list[str]:
        """ARNs of the tables that a backfill may change, and export to read them."""
        further = self._stage.backfill_targets.values()
        return [
            self.messages_table.table_arn,
            *(self.format_arn(service="dynamodb", resource="table", resource_name=name) for name in further),
        ]

    @property
    def buckets(self) -> tuple[PrivateBucket, ...]:
        """The buckets whose objects functions write and read."""
        return self.quarantine, self.reports

    @property
    def keys(self) -> tuple[SwitchboardKey, ...]:
        """The customer-managed keys of tables, buckets, logs and settings, where the stage has them."""
        return tuple(key for key in (self._table_key, self._bucket_key, self.log_key) if key is not None)

    def _define_keys(self) -> None:
        self._table_key: SwitchboardKey | None = None
        self._bucket_key: SwitchboardKey | None = None
        self.log_key: SwitchboardKey | None = None
        """Of the log groups of every stack, and of the functions' environment."""
        if self._stage.customer_managed_key:
            self._table_key = SwitchboardKey(
                self, "TableKey", stage=self._stage, protects="tables", use=DYNAMODB_USE, only_through="dynamodb"
            )
            self._bucket_key = SwitchboardKey(
                self, "BucketKey", stage=self._stage, protects="buckets", use=S3_USE, only_through="s3"
            )
            self.log_key = SwitchboardKey(
                self,
                "LogKey",
                stage=self._stage,
                protects="logs-and-settings",
                use=LAMBDA_USE,
                only_through="lambda",
                further=[used_by_cloudwatch_logs(self)],
            )

    def _define_access_logs(self) -> IBucket:
        if isinstance(self._stage.log_bucket, Existing):
            return Bucket.from_bucket_name(self, "AccessLogs", self._stage.log_bucket.id)
        return AccessLogBucket(self, "AccessLogs", stage=self._stage)

    def _define_cdr_table(self) -> StoredTable:
        table = StoredTable(
            self,
            "CdrTable",
            stage=self._stage,
            planned_as=CDR_UNITS,
            partition_key=cdr.PK,
            sort_key=cdr.SK,
            purpose="Append-only call data records",
            key=self._table_key,
            stream=StreamViewType.OLD_IMAGE,
            ttl_attribute=cdr.EXPIRES_AT if self._stage.cdr_retention_days else None,
        )
        table.add_index(cdr.BY_SPONSOR, partition_key=cdr.SPONSOR_SHARD, sort_key=cdr.OCCURRED_AT)
        table.add_index(cdr.BY_DAY, partition_key=cdr.DAY_SHARD, sort_key=cdr.OCCURRED_AT)
        self._publish(deployment.CDR_TABLE_PATH, table.table_name, "Name of the table of call data records.")
        return table

    def _define_messages_table(self) -> StoredTable:
        table = StoredTable(
            self,
            "MessagesTable",
            stage=self._stage,
            planned_as=MESSAGES_UNITS,
            partition_key=messages.PK,
            sort_key=messages.SK,
            purpose="Direct messages with their groups and profiles",
            key=self._table_key,
            stream=StreamViewType.NEW_AND_OLD_IMAGES,
            ttl_attribute=messages.EXPIRES_AT,
        )
        table.add_index(
            messages.INBOX_BY_RECENCY,
            partition_key=messages.INBOX_USER,
            sort_key=messages.LAST_MESSAGE_SK,
            include=messages.INBOX_PROJECTION,
        )
        self._publish(deployment.MESSAGES_TABLE_PATH, table.table_name, "Name of the table of direct messages.")
        return table

    def _define_runs_table(self) -> StoredTable:
        table = StoredTable(
            self,
            "RunsTable",
            stage=self._stage,
            planned_as=RUNS_UNITS,
            partition_key=runs.PK,
            sort_key=runs.SK,
            purpose="Locks and budgets and cursors of backfill runs",
            key=self._table_key,
        )
        self._publish(deployment.RUNS_TABLE_PATH, table.table_name, "Name of the table of backfill runs.")
        return table

    def _define_quarantine(self) -> PrivateBucket:
        bucket = PrivateBucket(
            self,
            "Quarantine",
            stage=self._stage,
            purpose="Payloads that could not be processed",
            key=self._bucket_key,
            access_logs=self.access_logs,
        )
        self._publish(
            deployment.QUARANTINE_PATH, bucket.bucket_name, "Name of the bucket of what could not be processed."
        )
        return bucket

    def _define_reports(self) -> PrivateBucket:
        bucket = PrivateBucket(
            self,
            "Reports",
            stage=self._stage,
            purpose="Reports and journals of backfill runs",
            key=self._bucket_key,
            access_logs=self.access_logs,
        )
        self._publish(deployment.REPORTS_PATH, bucket.bucket_name, "Name of the bucket of backfill reports.")
        return bucket

    def _define_backup(self) -> Backup:
        return Backup(
            self,
            "Backup",
            stage=self._stage,
            tables=self.tables,
            table_key=self._table_key,
        )

    def _define_legacy_tables(self) -> None:
        for number, name in enumerate(self._stage.legacy_tables, start=1):
            LegacyTable(self, f"LegacyTable{number}", name=name, key=self._table_key)

    def _publish(self, path: str, value: str, description: str) -> None:
        Published(self, stage=self._stage, path=path, value=value, description=description)
