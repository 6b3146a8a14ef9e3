"""What watches the stage from outside: CloudTrail with alarms on what it saw, and AWS Config."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_logs import LogGroup

from infra.config_types import Create, Existing
from infra.constructs.alarm import Alarms
from infra.constructs.audit_bucket import AuditBucket, trail_arn
from infra.constructs.config_rules import ConfigRules
from infra.constructs.key import S3_USE, SwitchboardKey
from infra.constructs.stack import SwitchboardStack
from infra.constructs.trail import Recorded, Trail, trail_name, trail_uses_key
from infra.constructs.trail_alarms import alarm_on, watch_data, watch_management
from infra.constructs.trail_patterns import Exports, Guarded

if TYPE_CHECKING:
    from aws_cdk import Stack
    from aws_cdk.aws_iam import Role
    from aws_cdk.aws_logs import ILogGroup
    from aws_cdk.aws_sns import ITopic
    from constructs import Construct

    from infra.config_types import StageConfig
    from infra.stacks.access import AccessStack
    from infra.stacks.backfill import BackfillStack
    from infra.stacks.data import DataStack
    from infra.stacks.functions import FunctionsStack


class GuardrailsStack(SwitchboardStack):
    """The trail and its alarms, and the rules of AWS Config: each where the stage has it."""

    def __init__(
        self,
        scope: Construct,
        *,
        stage: StageConfig,
        data: DataStack,
        functions: FunctionsStack,
        backfill: BackfillStack,
        access: AccessStack,
        topic: ITopic,
    ) -> None:
        super().__init__(
            scope,
            "guardrails",
            stage=stage,
            description=f"Switchboard {stage.name}: who touches the tables, alarms on it, and AWS Config's rules.",
        )
        self._stage = stage
        self._guarded = (data.cdr_table, data.messages_table)
        bucket, key = self._define_bucket(data)
        if stage.trail is not None:
            roles = [each.role for each in (*functions.all, backfill.function)]
            trail = Trail(
                self,
                "Trail",
                stage=stage,
                bucket=bucket,
                key=key,
                log_key=data.log_key,
                of=Recorded(
                    tables=[table.table_arn for table in self._guarded],
                    streams=[table.stream_arn for table in self._guarded],
                    functions=roles,
                ),
            )
            bucket.receive_trail(trail_arn(self, trail_name(stage)))
            exports = Exports(backfill.function.role.role_id, data.reports.bucket_name)
            self._watch(trail, topic, [*roles, access.data_operator.role], exports)
        if stage.config_recorder is not None:
            made = isinstance(stage.config_recorder, Create)
            ConfigRules(self, "Config", stage=stage, made_recorder_delivers_to=bucket if made else None)

    def _define_bucket(self, data: DataStack) -> tuple[AuditBucket, SwitchboardKey | None]:
        key = None
        if self._stage.customer_managed_key:
            key = SwitchboardKey(
                self,
                "AuditKey",
                stage=self._stage,
                protects="audit",
                use=S3_USE,
                only_through="s3",
                further=[*trail_uses_key(self, self._stage), _config_uses_key(self)],
            )
        return AuditBucket(self, "Audit", stage=self._stage, key=key, access_logs=data.access_logs), key

    def _watch(self, trail: Trail, topic: ITopic, known: list[Role], exports: Exports) -> None:
        tables = [Guarded(table.table_name, table.table_arn) for table in self._guarded]
        management: ILogGroup = trail.log_group
        if isinstance(self._stage.trail, Existing):
            management = LogGroup.from_log_group_name(self, "AccountTrail", self._stage.trail.id)
        watched = [(management, watch) for watch in watch_management(tables, exports)]
        watched += [(trail.log_group, watch) for watch in watch_data([role.role_id for role in known])]
        alarm_on(Alarms(self, self._stage, topic), list(dict.fromkeys(watched)))


def _config_uses_key(stack: Stack) -> PolicyStatement:
    # AWS Config Developer Guide, "Permissions for the KMS key for the AWS Config delivery channel".
    return PolicyStatement(
        sid="ConfigEncryptsItsFiles",
        principals=[ServicePrincipal("config.amazonaws.com")],
        actions=list(S3_USE),
        resources=["*"],
        conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
    )
