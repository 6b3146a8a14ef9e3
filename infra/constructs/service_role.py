"""The role that one calling service works with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk.aws_iam import (
    AccountRootPrincipal,
    CompositePrincipal,
    IPrincipal,
    ManagedPolicy,
    PolicyStatement,
    PrincipalBase,
    Role,
    ServicePrincipal,
    SessionTagsPrincipal,
)
from constructs import Construct

from infra.config import Compute, StageConfig

if TYPE_CHECKING:
    from collections.abc import Sequence


class ServiceRole(Construct):
    """A role with literal statements, assumed by what the service runs on."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        runs_on: Compute,
        description: str,
        statements: Sequence[PolicyStatement],
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = Role(self, "Role", description=description, assumed_by=_trusted(self, stage, runs_on))
        ManagedPolicy(self, "Policy", description=description, roles=[self.role], statements=list(statements))


def _trusted(scope: Construct, stage: StageConfig, runs_on: Compute) -> IPrincipal:
    service = _service(scope, runs_on)
    return CompositePrincipal(service, AccountRootPrincipal()) if stage.trust_account_root else service


def _service(scope: Construct, runs_on: Compute) -> PrincipalBase:
    if runs_on is Compute.EC2:
        # EC2 does not say for which account it assumes a role, so a condition on it would refuse every instance.
        return ServicePrincipal(runs_on.value)
    principal = ServicePrincipal(
        runs_on.value, conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    )
    # EKS Pod Identity tags its sessions with cluster, namespace and service account.
    return SessionTagsPrincipal(principal) if runs_on is Compute.EKS else principal
