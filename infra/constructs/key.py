"""Customer-managed keys that are good for one AWS service and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration, RemovalPolicy, Stack, Tags
from aws_cdk.aws_iam import AccountRootPrincipal, AnyPrincipal, Effect, PolicyDocument, PolicyStatement
from aws_cdk.aws_kms import Key

from switchboard.schema.deployment import APP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from infra.config import StageConfig

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


class ServiceKey(Key):
    """A key that the account's callers use through one service only, and that no role's policy has to mention."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        service: str,
        use: Sequence[str],
        protects: str,
    ) -> None:
        stack = Stack.of(scope)
        super().__init__(
            scope,
            construct_id,
            alias=f"{APP}-{stage.name}-{protects}",
            description=f"Encrypts the {protects} of stage {stage.name}. Usable through {service} only.",
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
                    PolicyStatement(
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
                    ),
                    PolicyStatement(
                        sid="OnlyAwsServicesHandTheKeyOn",
                        effect=Effect.DENY,
                        principals=[AnyPrincipal()],
                        actions=["kms:CreateGrant"],
                        resources=["*"],
                        conditions={"Bool": {"kms:GrantIsForAWSResource": "false"}},
                    ),
                ]
            ),
        )
        Tags.of(self).add("purpose", f"Encrypts the {protects}")
