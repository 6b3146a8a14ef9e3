"""Who may assume the role of a calling service, by what the service runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_cdk import Stack
from aws_cdk.aws_iam import (
    AccountRootPrincipal,
    CompositePrincipal,
    IPrincipal,
    PolicyStatement,
    PrincipalBase,
    ServicePrincipal,
    SessionTagsPrincipal,
)

from infra.config_types import Compute, RolesAnywhere, StageConfig

if TYPE_CHECKING:
    from aws_cdk.aws_iam import Role
    from constructs import Construct

ROLES_ANYWHERE: Final = "rolesanywhere.amazonaws.com"


def service_principal(scope: Construct, *, stage: StageConfig, runs_on: Compute | RolesAnywhere) -> IPrincipal:
    """Whom the role of a service trusts: what the service runs on, and in a local account its root."""
    service = _certificate(runs_on) if isinstance(runs_on, RolesAnywhere) else _compute(scope, runs_on)
    return CompositePrincipal(service, AccountRootPrincipal()) if stage.trust_account_root else service


def let_certificates_name_themselves(role: Role, proof: RolesAnywhere) -> None:
    """Let Roles Anywhere say with each session whose certificate it was; without that it assumes no role."""
    if role.assume_role_policy is None:
        raise TypeError("A role without a trust policy: only a role of this stack can be assumed by certificate.")
    role.assume_role_policy.add_statements(
        PolicyStatement(
            principals=[ServicePrincipal(ROLES_ANYWHERE)],
            actions=["sts:SetSourceIdentity"],
            conditions=_proof(proof),
        )
    )


def _compute(scope: Construct, compute: Compute) -> PrincipalBase:
    if compute is Compute.EC2:
        # EC2 does not say for which account it assumes a role, so a condition on it would refuse every instance.
        return ServicePrincipal(compute.value)
    principal = ServicePrincipal(
        compute.value, conditions={"StringEquals": {"aws:SourceAccount": Stack.of(scope).account}}
    )
    # EKS Pod Identity tags its sessions with cluster, namespace and service account.
    return SessionTagsPrincipal(principal) if compute is Compute.EKS else principal


def _certificate(proof: RolesAnywhere) -> PrincipalBase:
    return SessionTagsPrincipal(ServicePrincipal(ROLES_ANYWHERE, conditions=_proof(proof)))


def _proof(proof: RolesAnywhere) -> dict[str, Any]:
    # The anchor says whose certificates count, the subject which of them. Without the first, whoever has an anchor in
    # any account could come with a certificate of his own (IAM Roles Anywhere User Guide, "Trust model").
    return {
        "ArnEquals": {"aws:SourceArn": proof.trust_anchor},
        "StringEquals": {
            f"aws:PrincipalTag/x509Subject/{part}": value for part, value in sorted(proof.subject.items())
        },
    }
