"""What one calling service works with instead of a person's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk.aws_iam import CfnInstanceProfile, ManagedPolicy, PolicyStatement, Role
from aws_cdk.aws_rolesanywhere import CfnProfile
from constructs import Construct

from infra.config_types import Compute, RolesAnywhere, StageConfig
from infra.constructs.trust import let_certificates_name_themselves, service_principal
from switchboard.schema.deployment import APP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.stacks.functions import FunctionsStack

SESSION = Duration.hours(1)


class ServiceBoundary(ManagedPolicy):
    """What the role of any calling service can do at most, whatever is ever attached to it: call this system.

    It holds no action on data, so that no policy can ever lead a service past the functions.
    """

    def __init__(self, scope: Construct, *, stage: StageConfig, functions: FunctionsStack) -> None:
        called = (functions.cdr.writer, functions.cdr.query, functions.messaging.messages)
        super().__init__(
            scope,
            "ServiceBoundary",
            description=f"What the role of any calling service of stage {stage.name} can do at most.",
            statements=[
                PolicyStatement(
                    sid="CallTheFunctionsOfThisSystem",
                    actions=["lambda:InvokeFunction"],
                    resources=[each.function.function_arn for each in called],
                ),
                PolicyStatement(
                    sid="SendToItsQueue",
                    actions=["sqs:SendMessage"],
                    resources=[functions.cdr.ingest.queue.queue_arn],
                ),
            ],
        )


class ServiceAccess(Construct):
    """A role with one policy and one boundary, and the trust policy of what the service runs on.

    On EC2 an instance profile carries the role, and outside AWS a profile of IAM Roles Anywhere.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        runs_on: Compute | RolesAnywhere,
        boundary: ManagedPolicy,
        description: str,
        statements: Sequence[PolicyStatement],
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = Role(
            self,
            "Role",
            description=description,
            assumed_by=service_principal(self, stage=stage, runs_on=runs_on),
            permissions_boundary=boundary,
            max_session_duration=SESSION,
        )
        ManagedPolicy(self, "Policy", description=description, roles=[self.role], statements=list(statements))
        if runs_on is Compute.EC2:
            CfnInstanceProfile(self, "InstanceProfile", roles=[self.role.role_name])
        if isinstance(runs_on, RolesAnywhere):
            let_certificates_name_themselves(self.role, runs_on)
            CfnProfile(
                self,
                "Profile",
                name=f"{APP}-{stage.name}-{construct_id}",
                role_arns=[self.role.role_arn],
                duration_seconds=SESSION.to_seconds(),
                enabled=True,
            )
