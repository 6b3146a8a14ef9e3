"""What AWS Config checks all the time, whoever changed it and however."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Stack
from aws_cdk.aws_config import CfnConfigRule, CfnConfigurationRecorder, CfnDeliveryChannel
from constructs import Construct

from switchboard.schema.deployment import APP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infra.config_types import StageConfig
    from infra.constructs.audit_bucket import AuditBucket

UNUSED_DAYS: Final = 45
KEY_AGE_DAYS: Final = 90
"""What the CIS AWS Foundations Benchmark asks for, of unused credentials and of keys."""

RULES: Final[Mapping[str, tuple[str, str, Mapping[str, str]]]] = {
    "Recovery": ("DYNAMODB_PITR_ENABLED", "Every table can be restored to any second of its window.", {}),
    "Encryption": ("DYNAMODB_TABLE_ENCRYPTED_KMS", "Every table is encrypted with a key of KMS.", {}),
    "Protection": (
        "DYNAMODB_TABLE_DELETION_PROTECTION_ENABLED",
        "No table is deleted before somebody switches its protection off.",
        {},
    ),
    "Backup": ("DYNAMODB_IN_BACKUP_PLAN", "Every table is in a backup plan.", {}),
    "Capacity": (
        "DYNAMODB_AUTOSCALING_ENABLED",
        "Every table scales by itself or is paid per request.",
        {},
    ),
    "UnusedCredentials": (
        "IAM_USER_UNUSED_CREDENTIALS_CHECK",
        f"No password or key lies unused for {UNUSED_DAYS} days.",
        {"maxCredentialUsageAge": str(UNUSED_DAYS)},
    ),
    "OldKeys": (
        "ACCESS_KEYS_ROTATED",
        f"No active key is older than {KEY_AGE_DAYS} days.",
        {"maxAccessKeyAge": str(KEY_AGE_DAYS)},
    ),
    "RootKey": ("IAM_ROOT_ACCESS_KEY_CHECK", "The account's root has no key.", {}),
}
"""AWS's managed rules by what they are for: identifier, what holds, parameters (AWS Config Developer Guide, "List of
AWS Config Managed Rules")."""


class ConfigRules(Construct):
    """The rules, and the account's recorder where nobody made one, which delivers to `made_recorder_delivers_to`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: StageConfig, made_recorder_delivers_to: AuditBucket | None
    ) -> None:
        super().__init__(scope, construct_id)
        recorder = self._define_recorder(made_recorder_delivers_to) if made_recorder_delivers_to else None
        for name, (identifier, holds, parameters) in RULES.items():
            rule = CfnConfigRule(
                self,
                name,
                config_rule_name=f"{APP}-{stage.name}-{identifier.lower().replace('_', '-')}",
                description=holds,
                source=CfnConfigRule.SourceProperty(owner="AWS", source_identifier=identifier),
                input_parameters=dict(parameters) or None,
            )
            if recorder:
                rule.node.add_dependency(recorder)

    def _define_recorder(self, bucket: AuditBucket) -> CfnConfigurationRecorder:
        stack = Stack.of(self)
        recorder = CfnConfigurationRecorder(
            self,
            "Recorder",
            # Config's own service-linked role, which `aws iam create-service-linked-role` makes once per account.
            role_arn=stack.format_arn(
                service="iam",
                region="",
                resource="role",
                resource_name="aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig",
            ),
            recording_group=CfnConfigurationRecorder.RecordingGroupProperty(
                all_supported=True, include_global_resource_types=True
            ),
        )
        bucket.receive_configuration()
        channel = CfnDeliveryChannel(self, "DeliveryChannel", s3_bucket_name=bucket.bucket_name)
        channel.node.add_dependency(bucket)
        return recorder
