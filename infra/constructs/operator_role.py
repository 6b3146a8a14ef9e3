"""The role that a person works with: assumed by the platform team, for as long as the work takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk.aws_iam import AccountRootPrincipal, IPrincipal, ManagedPolicy, PolicyStatement, Role
from constructs import Construct

from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.config_types import StageConfig


class OperatorRole(Construct):
    """A role with literal statements, assumed by people who signed in with the stage's permission set."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        description: str,
        statements: Sequence[PolicyStatement],
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = Role(
            self,
            "Role",
            description=description,
            assumed_by=_trusted(self, stage),
            max_session_duration=Duration.hours(1),
        )
        ManagedPolicy(self, "Policy", description=description, roles=[self.role], statements=list(statements))


def find_what_is_published(stack: Stack, stage: StageConfig, paths: Sequence[str]) -> PolicyStatement:
    """Reading the stage's parameters at these paths, with which every command begins."""
    return PolicyStatement(
        sid="FindWhatTheStagePublished",
        actions=["ssm:GetParameter"],
        resources=[
            stack.format_arn(
                service="ssm",
                resource="parameter",
                resource_name=deployment.parameter_name(stage.name, path).removeprefix("/"),
            )
            for path in paths
        ],
    )


def _trusted(scope: Construct, stage: StageConfig) -> IPrincipal:
    account = AccountRootPrincipal()
    if stage.trust_account_root:
        return account
    # Identity Center makes a role of its own for each permission set, whose name ends in characters nobody can know
    # beforehand (its user guide, "Referencing permission sets in resource policies"). The account is the principal.
    stack = Stack.of(scope)
    signed_in = (
        f"arn:{stack.partition}:iam::{stack.account}:role/aws-reserved/sso.amazonaws.com/"
        f"*AWSReservedSSO_{stage.operators}_*"
    )
    return account.with_conditions({"ArnLike": {"aws:PrincipalArn": signed_in}})
