"""The role with which a pipeline deploys a stage, without a key to keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import DefaultStackSynthesizer, Duration, Stack
from aws_cdk.aws_iam import (
    AccountRootPrincipal,
    CfnOIDCProvider,
    CompositePrincipal,
    IPrincipal,
    ManagedPolicy,
    PolicyStatement,
    Role,
    WebIdentityPrincipal,
)
from constructs import Construct

from infra.config_types import Ci, Create, StageConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

BOOTSTRAP_ROLES: Final = ("deploy", "file-publishing", "lookup")
"""The roles of the CDK bootstrap stack that a deployment of this app goes through; it publishes no images."""


class Deployer(Construct):
    """`deployer`: assumes the roles of the CDK bootstrap stack, and can do nothing else.

    It trusts tokens of one issuer, made for AWS, with one exact subject: a token of another repository, branch or
    environment has another one. What a deployment may change is what the bootstrap's execution policy says.
    """

    def __init__(self, scope: Construct, *, stage: StageConfig, ci: Ci) -> None:
        super().__init__(scope, "Deployer")
        description = f"The pipeline that deploys stage {stage.name}: assumes the roles of the CDK bootstrap stack."
        self.role = Role(
            self,
            "Role",
            description=description,
            assumed_by=self._trusted(stage, ci),
            max_session_duration=Duration.hours(1),
        )
        ManagedPolicy(
            self,
            "Policy",
            description=description,
            roles=[self.role],
            statements=[
                PolicyStatement(
                    sid="DeployThroughTheBootstrapRoles",
                    actions=["sts:AssumeRole"],
                    resources=_bootstrap_roles(Stack.of(self)),
                )
            ],
        )

    def _trusted(self, stage: StageConfig, ci: Ci) -> IPrincipal:
        pipeline = WebIdentityPrincipal(
            self._provider(ci),
            conditions={"StringEquals": {f"{ci.issuer}:aud": ci.audience, f"{ci.issuer}:sub": ci.subject}},
        )
        return CompositePrincipal(pipeline, AccountRootPrincipal()) if stage.trust_account_root else pipeline

    def _provider(self, ci: Ci) -> str:
        if not isinstance(ci.provider, Create):
            return ci.provider.id
        provider = CfnOIDCProvider(self, "Provider", url=f"https://{ci.issuer}", client_id_list=[ci.audience])
        return provider.attr_arn


def _bootstrap_roles(stack: Stack) -> Sequence[str]:
    qualifier = DefaultStackSynthesizer.DEFAULT_QUALIFIER
    return [
        stack.format_arn(
            service="iam",
            region="",
            resource="role",
            resource_name=f"cdk-{qualifier}-{role}-role-{stack.account}-{stack.region}",
        )
        for role in BOOTSTRAP_ROLES
    ]
