"""Copies of tables in a vault of AWS Backup, which outlive the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack, Tags
from aws_cdk.aws_backup import BackupPlan, BackupPlanRule, BackupVault, CfnBackupSelection
from aws_cdk.aws_events import Schedule
from aws_cdk.aws_iam import ManagedPolicy, PolicyStatement, Role, ServicePrincipal
from constructs import Construct

from infra.constructs.key import BACKUP_USE, SwitchboardKey
from infra.constructs.shapes import UUID
from switchboard.schema.deployment import APP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk.aws_kms import IKey

    from infra.config_types import StageConfig
    from infra.constructs.table import StoredTable

KEPT: Final = Duration.days(365)


class Backup(Construct):
    """A copy of every table each Sunday, kept for a year, under a key of its own.

    The vault refuses to delete a copy before its time. The role may do what AWS Backup's advanced features for DynamoDB
    need, on these tables only: with them a copy belongs to the vault, which encrypts and expires it, and DynamoDB knows
    nothing of it (AWS Backup Developer Guide, "Advanced DynamoDB backup"; DynamoDB Developer Guide, "Usage notes").
    Accounts without an older vault have them; the account set-up switches them on elsewhere.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        tables: Sequence[StoredTable],
        table_key: IKey | None,
    ) -> None:
        super().__init__(scope, construct_id)
        key = SwitchboardKey(self, "Key", stage=stage, protects="backups", use=BACKUP_USE)
        self.vault = BackupVault(
            self,
            "Vault",
            encryption_key=key,
            block_recovery_point_deletion=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        Tags.of(self.vault).add("purpose", "Weekly copies of the tables")
        plan = BackupPlan(
            self,
            "Plan",
            backup_plan_name=f"{APP}-{stage.name}",
            backup_vault=self.vault,
            backup_plan_rules=[
                BackupPlanRule(
                    rule_name="weekly",
                    schedule_expression=Schedule.cron(week_day="SUN", hour="3", minute="0"),
                    delete_after=KEPT,
                )
            ],
        )
        role, policy = self._define_role(stage, tables, [key, *([table_key] if table_key else [])])
        selection = CfnBackupSelection(
            self,
            "Tables",
            backup_plan_id=plan.backup_plan_id,
            backup_selection=CfnBackupSelection.BackupSelectionResourceTypeProperty(
                selection_name="tables",
                iam_role_arn=role.role_arn,
                resources=[table.table_arn for table in tables],
            ),
        )
        selection.node.add_dependency(policy)

    def _define_role(
        self, stage: StageConfig, tables: Sequence[StoredTable], keys: Sequence[IKey]
    ) -> tuple[Role, ManagedPolicy]:
        description = f"AWS Backup, which copies the tables of stage {stage.name} into their vault."
        role = Role(
            self,
            "Role",
            description=description,
            assumed_by=ServicePrincipal(
                "backup.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        policy = ManagedPolicy(
            self,
            "Policy",
            description=description,
            roles=[role],
            statements=[
                PolicyStatement(
                    sid="CopyTheTables",
                    actions=[
                        "dynamodb:DescribeTable",
                        "dynamodb:ListTagsOfResource",
                        "dynamodb:StartAwsBackupJob",
                    ],
                    resources=[table.table_arn for table in tables],
                ),
                PolicyStatement(
                    sid="FillTheVault",
                    actions=["backup:CopyIntoBackupVault", "backup:DescribeBackupVault"],
                    resources=[self.vault.backup_vault_arn],
                ),
                PolicyStatement(
                    # A copy gets the tags of its table, and the job fails where they cannot be set (AWS Backup
                    # Developer Guide, "Copying tags onto backups").
                    sid="TagTheCopiesAsTheTablesAre",
                    actions=["backup:TagResource"],
                    resources=[
                        Stack.of(self).format_arn(
                            service="backup",
                            resource="recovery-point",
                            resource_name=UUID,
                            arn_format=ArnFormat.COLON_RESOURCE_NAME,
                        )
                    ],
                ),
                PolicyStatement(
                    sid="EncryptTheCopies",
                    actions=["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
                    resources=[key.key_arn for key in keys],
                ),
                PolicyStatement(
                    sid="LetAwsServicesUseTheKeysForTheCopies",
                    actions=["kms:CreateGrant"],
                    resources=[key.key_arn for key in keys],
                    conditions={"Bool": {"kms:GrantIsForAWSResource": "true"}},
                ),
            ],
        )
        return role, policy
