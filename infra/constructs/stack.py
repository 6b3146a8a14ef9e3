"""The base of every stack: its name, its protection, and the refusal to deploy a placeholder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnParameter, CfnRule, CfnRuleAssertion, Fn, Stack

from infra.inputs import PROD, asked
from switchboard.schema.deployment import stack_name

if TYPE_CHECKING:
    from constructs import Construct

    from infra.config_types import StageConfig


class SwitchboardStack(Stack):
    """A stack of one stage, named `switchboard-<stage>-<stack>`."""

    def __init__(self, scope: Construct, name: str, *, stage: StageConfig, description: str) -> None:
        super().__init__(
            scope,
            name,
            stack_name=stack_name(stage.name, name),
            description=description,
            termination_protection=stage.retain_data,
        )
        if stage.place is not None and stage.place.is_placeholder:
            refuse_deployment(
                self,
                "Place",
                tells="Whether the account and the region of this stage were given at synthesis.",
                refusal=(
                    f"Stage {stage.name} was synthesized for a placeholder account. "
                    f"Deploy with: cdk deploy '{stage.name}/*' {asked(PROD)}"
                ),
            )


def refuse_deployment(stack: Stack, parameter: str, *, tells: str, refusal: str) -> None:
    """Make CloudFormation refuse the stack as long as its inputs are placeholders; `refusal` says which to give.

    Two things refuse. The CDK CLI finds no credentials for a placeholder account. And whoever hands the template to
    CloudFormation by another way meets this rule: CloudFormation checks a template's rules before it creates or updates
    any resource (CloudFormation User Guide, "Rules section structure and syntax"). The parameter can only hold the one
    value that the rule refuses, so it cannot be overridden. A template synthesized with its inputs has neither.
    """
    given = CfnParameter(
        stack,
        parameter,
        description=tells,
        default="placeholder",
        allowed_values=["placeholder"],
    )
    CfnRule(
        stack,
        "RefuseToDeployPlaceholder",
        assertions=[
            CfnRuleAssertion(
                assert_=Fn.condition_equals(given.value_as_string, "given"),
                assert_description=refusal,
            )
        ],
    )
