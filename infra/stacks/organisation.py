"""The service control policy, which the management account of the organisation deploys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk.aws_organizations import CfnPolicy

from infra.constructs.control_policy import control_policy
from infra.constructs.stack import refuse_deployment
from infra.inputs import ORGANISATION, asked
from switchboard.schema.deployment import APP, stack_name

if TYPE_CHECKING:
    from constructs import Construct

    from infra.config_types import Organisation


class PolicyStack(Stack):
    """One policy on the accounts and organisational units that the organisation names."""

    def __init__(self, scope: Construct, *, organisation: Organisation) -> None:
        super().__init__(
            scope,
            "policy",
            stack_name=stack_name(organisation.name, "policy"),
            description="Switchboard organisation: what nobody may do in its accounts, whatever their policies say.",
            termination_protection=True,
        )
        if organisation.is_placeholder:
            refuse_deployment(
                self,
                "TargetsOfThePolicy",
                tells="Whether the accounts and units were given at synthesis to which the policy applies.",
                refusal=(
                    "The organisation's policy was synthesized without its targets. Deploy with: "
                    f"cdk deploy 'organisation/*' {asked(ORGANISATION)}"
                ),
            )
        CfnPolicy(
            self,
            "ControlPolicy",
            name=APP,
            description=(
                "Tables are made, and ours deleted, by deployment only; nobody gets a lasting key, only our regions, "
                "nobody looks away."
            ),
            type="SERVICE_CONTROL_POLICY",
            content=control_policy(organisation.regions),
            target_ids=list(organisation.targets),
        )
