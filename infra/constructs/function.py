"""A Lambda function with a role of its own, whose permissions a reviewer reads as literal statements."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack, Tags
from aws_cdk.aws_iam import ManagedPolicy, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_lambda import Architecture, CfnFunction, Function, ILayerVersion, Runtime, Tracing
from aws_cdk.aws_logs import LogGroup
from constructs import Construct, IConstruct

from infra.constructs.code import function_code
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk.aws_kms import IKey

    from infra.config_types import StageConfig
    from infra.stacks.data import DataStack
    from infra.stacks.network import NetworkStack


class SwitchboardFunction(Construct):
    """One function: log group, role, policy, code. `name` is its short name, such as `cdr-writer`.

    Its handler is `handle` in `lambdas/<name with underscores>/handler.py`. `statements` are what the code, the polling
    of its event sources and its failure destination need; logs are added here, and what Lambda does for
    every function comes with the network.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        name: str,
        description: str,
        data: DataStack,
        network: NetworkStack,
        layer: ILayerVersion,
        timeout: Duration,
        memory_mb: int,
        environment: Mapping[str, str],
        statements: Sequence[PolicyStatement],
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = name
        self.timeout = timeout
        full_name = deployment.function_name(stage.name, name)
        package = name.replace("-", "_")
        log_group = self._define_log_group(stage, full_name, data.log_key)
        self.role = self._define_role(full_name, network)
        self.policy = ManagedPolicy(
            self,
            "Policy",
            description=f"What {full_name} may do: exactly what its code calls, and what Lambda does in its name.",
            roles=[self.role],
            statements=[*statements, _write_logs(log_group)],
        )
        self.function = Function(
            self,
            "Function",
            function_name=full_name,
            description=description,
            runtime=Runtime.PYTHON_3_14,
            architecture=Architecture.ARM_64,
            handler=f"lambdas.{package}.handler.handle",
            code=function_code(package),
            layers=[layer],
            # Immutable, so that no construct adds a permission that stands nowhere in this repository.
            role=Role.from_role_arn(self, "ImmutableRole", self.role.role_arn, mutable=False),
            log_group=log_group,
            tracing=Tracing.ACTIVE,
            timeout=timeout,
            memory_size=memory_mb,
            environment_encryption=data.log_key,
            dead_letter_queue=data.failed_invocations,
            reserved_concurrent_executions=stage.reserved_concurrency.get(name),
            environment={
                deployment.ENV_STAGE: stage.name,
                deployment.ENV_FUNCTION: name,
                **environment,
            },
        )
        self._connect(network)
        self.needs_policy(self.function)

    def needs_policy(self, resource: IConstruct) -> None:
        """Create `resource` after the policy is attached: AWS checks the role's permissions when it creates it."""
        resource.node.add_dependency(self.policy)

    def _connect(self, network: NetworkStack) -> None:
        # On the resource itself: the construct would ask for the network's own construct, and add AWS's own policy.
        function = self.function.node.default_child
        if not isinstance(function, CfnFunction):
            raise TypeError("A function without its resource: this version of the CDK is not the pinned one.")
        function.vpc_config = network.connection

    def _define_log_group(self, stage: StageConfig, function_name: str, key: IKey | None) -> LogGroup:
        # A kept group would block its name when the stack is created again; it holds no state of the system.
        log_group = LogGroup(
            self,
            "LogGroup",
            log_group_name=f"/aws/lambda/{function_name}",
            retention=stage.log_retention,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        Tags.of(log_group).add("purpose", f"Logs of {function_name}")
        return log_group

    def _define_role(self, function_name: str, network: NetworkStack) -> Role:
        return Role(
            self,
            "Role",
            description=f"Execution role of {function_name}.",
            managed_policies=[network.lambda_service],
            permissions_boundary=network.boundary,
            assumed_by=ServicePrincipal(
                "lambda.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )


def _write_logs(log_group: LogGroup) -> PolicyStatement:
    return PolicyStatement(
        sid="WriteItsOwnLogs",
        actions=["logs:CreateLogStream", "logs:PutLogEvents"],
        resources=[log_group.log_group_arn],
    )
