"""Customer-managed keys, each good for one purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack
from aws_cdk.aws_iam import (
    AccountRootPrincipal,
    AnyPrincipal,
    Effect,
    PolicyDocument,
    PolicyStatement,
    ServicePrincipal,
)
from aws_cdk.aws_kms import Key

from switchboard.schema.deployment import APP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from infra.config_types import StageConfig

ADMINISTRATION: Final = (
    "kms:CancelKeyDeletion",
    "kms:CreateAlias",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:DisableKeyRotation",
    "kms:EnableKey",
    "kms:EnableKeyRotation",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:RevokeGrant",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateAlias",
    "kms:UpdateKeyDescription",
)
"""What the account's own policies may hand out: everything about the key, and no use of it."""

DYNAMODB_USE: Final = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What DynamoDB does with a table's key on its caller's behalf (DynamoDB Developer Guide, "Encryption at rest")."""

S3_USE: Final = ("kms:Decrypt", "kms:GenerateDataKey")
"""What S3 does with a bucket's key on its caller's behalf (S3 User Guide, "Using SSE-KMS")."""

LAMBDA_USE: Final = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey")
"""What Lambda does with the key of a function's environment (Lambda Developer Guide, "Securing environment variables").
"""

LOGS_USE: Final = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyWithoutPlaintext",
    "kms:ReEncryptFrom",
    "kms:ReEncryptTo",
)
"""What CloudWatch Logs does with a log group's key (its User Guide, "Encrypt log data using AWS KMS")."""

BACKUP_USE: Final = ("kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey", "kms:RetireGrant")
"""What a vault's key is used for (AWS Backup Developer Guide, "Access control", permissions of `CreateBackupVault`)."""


class SwitchboardKey(Key):
    """A key for one purpose, which rotates every year and which only AWS services may hand on by a grant.

    With `only_through`, such as `dynamodb`, every caller of the account uses it through that service and no role's
    policy has to mention it; nobody uses it in another way. Without, the account's policies say who uses it.
    `further` statements name AWS services that use it by themselves.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        protects: str,
        use: Sequence[str],
        only_through: str | None = None,
        further: Sequence[PolicyStatement] = (),
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            alias=f"{APP}-{stage.name}-{protects}",
            description=f"Encrypts the {protects} of stage {stage.name}.",
            enable_key_rotation=True,
            pending_window=Duration.days(30),
            removal_policy=RemovalPolicy.RETAIN if stage.retain_data else RemovalPolicy.DESTROY,
            policy=PolicyDocument(
                statements=[
                    PolicyStatement(
                        sid="TheAccountAdministersTheKey",
                        principals=[AccountRootPrincipal()],
                        actions=list(ADMINISTRATION),
                        resources=["*"],
                    ),
                    _used_through(Stack.of(scope), only_through, use) if only_through else _used_by_policies(use),
                    PolicyStatement(
                        sid="OnlyAwsServicesHandTheKeyOn",
                        effect=Effect.DENY,
                        principals=[AnyPrincipal()],
                        actions=["kms:CreateGrant"],
                        resources=["*"],
                        conditions={
                            "BoolIfExists": {"kms:GrantIsForAWSResource": "false", "aws:PrincipalIsAWSService": "false"}
                        },
                    ),
                    *further,
                ]
            ),
        )


def used_by_cloudwatch_logs(stack: Stack) -> PolicyStatement:
    """CloudWatch Logs itself, for log groups of this account, which it names in the encryption context."""
    return PolicyStatement(
        sid="LogGroupsOfTheAccountUseIt",
        principals=[ServicePrincipal("logs.amazonaws.com")],
        actions=list(LOGS_USE),
        resources=["*"],
        conditions={
            "ArnLike": {
                "kms:EncryptionContext:aws:logs:arn": stack.format_arn(
                    service="logs", resource="log-group", resource_name="*", arn_format=ArnFormat.COLON_RESOURCE_NAME
                )
            }
        },
    )


def _used_through(stack: Stack, service: str, use: Sequence[str]) -> PolicyStatement:
    return PolicyStatement(
        sid="CallersOfTheAccountUseItThroughTheServiceOnly",
        principals=[AnyPrincipal()],
        actions=list(use),
        resources=["*"],
        conditions={
            "StringEquals": {
                "kms:ViaService": f"{service}.{stack.region}.{stack.url_suffix}",
                "kms:CallerAccount": stack.account,
            }
        },
    )


def _used_by_policies(use: Sequence[str]) -> PolicyStatement:
    return PolicyStatement(
        sid="TheAccountsPoliciesSayWhoUsesIt",
        principals=[AccountRootPrincipal()],
        actions=list(use),
        resources=["*"],
    )
