"""CloudTrail's record of who touches the items of the guarded tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk import RemovalPolicy, Stack, Tags
from aws_cdk.aws_cloudtrail import CfnTrail
from aws_cdk.aws_iam import ManagedPolicy, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_logs import LogGroup
from constructs import Construct

from infra.config_types import Create, DataEvents, StageConfig
from infra.constructs.audit_bucket import trail_arn
from switchboard.schema.deployment import APP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk.aws_iam import IRole
    from aws_cdk.aws_kms import IKey
    from aws_cdk.aws_s3 import IBucket

Selector = CfnTrail.AdvancedEventSelectorProperty
Field = CfnTrail.AdvancedFieldSelectorProperty

CLOUDTRAIL: Final = ServicePrincipal("cloudtrail.amazonaws.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Whose data events the trail records."""

    tables: Sequence[str]
    """ARNs of tables."""
    streams: Sequence[str]
    """ARNs of their streams."""
    functions: Sequence[IRole]
    """Roles of functions, which read and write all day."""


class Trail(Construct):
    """A trail over all regions, with validated log files, in a bucket and in a log group that alarms can read.

    It records the data events of the guarded tables and their streams. By default those of the functions' own roles are
    left out: they would cost more than the requests that they tell of. Where the account has no trail of its own, this
    one records management events, too; the first copy of those is free.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        bucket: IBucket,
        key: IKey | None,
        log_key: IKey | None,
        of: Recorded,
    ) -> None:
        super().__init__(scope, construct_id)
        name = trail_name(stage)
        self.log_group = self._define_log_group(stage, name, log_key)
        role, policy = self._define_role(name)
        self.trail = CfnTrail(
            self,
            "Trail",
            trail_name=name,
            is_logging=True,
            is_multi_region_trail=True,
            include_global_service_events=True,
            enable_log_file_validation=True,
            s3_bucket_name=bucket.bucket_name,
            kms_key_id=key.key_arn if key else None,
            cloud_watch_logs_log_group_arn=self.log_group.log_group_arn,
            cloud_watch_logs_role_arn=role.role_arn,
            advanced_event_selectors=[
                *([_management()] if isinstance(stage.trail, Create) else []),
                *_data(Stack.of(self), stage, of),
            ],
        )
        Tags.of(self.trail).add("purpose", "Who touches the items of the tables")
        # CloudTrail tries to deliver, and to write to the log group, before it makes the trail.
        self.trail.node.add_dependency(policy)
        if bucket.policy:
            self.trail.node.add_dependency(bucket.policy)

    def _define_log_group(self, stage: StageConfig, name: str, key: IKey | None) -> LogGroup:
        log_group = LogGroup(
            self,
            "LogGroup",
            log_group_name=f"/aws/cloudtrail/{name}",
            retention=stage.log_retention,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        Tags.of(log_group).add("purpose", f"Events of trail {name} for the alarms on them")
        return log_group

    def _define_role(self, name: str) -> tuple[Role, ManagedPolicy]:
        stack = Stack.of(self)
        description = f"CloudTrail, which writes the events of trail {name} to its log group."
        role = Role(
            self,
            "Role",
            description=description,
            assumed_by=ServicePrincipal(
                "cloudtrail.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": stack.account}}
            ),
        )
        policy = ManagedPolicy(
            self,
            "Policy",
            description=description,
            roles=[role],
            statements=[
                PolicyStatement(
                    sid="WriteEventsToTheLogGroup",
                    actions=["logs:CreateLogStream", "logs:PutLogEvents"],
                    resources=[self.log_group.log_group_arn],
                )
            ],
        )
        return role, policy


def trail_name(stage: StageConfig) -> str:
    """The trail's name, of which its ARN is made."""
    return f"{APP}-{stage.name}"


def trail_uses_key(scope: Construct, stage: StageConfig) -> tuple[PolicyStatement, ...]:
    """What CloudTrail does with a trail's key (its User Guide, "Configure AWS KMS key policies for CloudTrail")."""
    stack = Stack.of(scope)
    every_region = stack.format_arn(service="cloudtrail", region="*", resource="trail", resource_name=trail_name(stage))
    only_it = {"aws:SourceArn": trail_arn(scope, trail_name(stage))}
    return (
        PolicyStatement(
            sid="TheTrailEncryptsItsFiles",
            principals=[CLOUDTRAIL],
            actions=["kms:GenerateDataKey"],
            resources=["*"],
            conditions={
                "StringEquals": only_it,
                "StringLike": {"kms:EncryptionContext:aws:cloudtrail:arn": every_region},
            },
        ),
        PolicyStatement(
            # Looking at a key carries no encryption context: under that condition it would be refused.
            sid="TheTrailLooksAtItsKey",
            principals=[CLOUDTRAIL],
            actions=["kms:DescribeKey"],
            resources=["*"],
            conditions={"StringEquals": only_it},
        ),
    )


def _management() -> Selector:
    return Selector(
        name="Everything that is done to resources", field_selectors=[_equals("eventCategory", "Management")]
    )


def _data(stack: Stack, stage: StageConfig, of: Recorded) -> list[Selector]:
    # A session of a role is named `assumed-role/<role>/<session>`. Selectors know no wildcards, but beginnings.
    quiet = (
        []
        if stage.data_events is DataEvents.OF_EVERYBODY
        else [
            Field(
                field="userIdentity.arn",
                not_starts_with=[
                    stack.format_arn(
                        service="sts", region="", resource="assumed-role", resource_name=f"{role.role_name}/"
                    )
                    for role in of.functions
                ],
            )
        ]
    )
    return [
        Selector(
            name=name,
            field_selectors=[
                _equals("eventCategory", "Data"),
                _equals("resources.type", kind),
                _equals("resources.ARN", *arns),
                *quiet,
            ],
        )
        for name, kind, arns in (
            ("Items of the guarded tables", "AWS::DynamoDB::Table", of.tables),
            ("Records of their streams", "AWS::DynamoDB::Stream", of.streams),
        )
    ]


def _equals(field: str, *values: str) -> Field:
    return Field(field=field, equal_to=list(values))
