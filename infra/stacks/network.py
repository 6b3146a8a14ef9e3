"""Where the functions run: private subnets, two endpoints, and the edge of what their roles can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Tags
from aws_cdk.aws_ec2 import CfnSecurityGroup
from aws_cdk.aws_lambda import CfnFunction

from infra.config_types import Create, StageConfig
from infra.constructs.boundary import FunctionBoundary, LambdaService
from infra.constructs.endpoints import GatewayEndpoints
from infra.constructs.prefix_lists import DYNAMODB, S3, PrefixLists
from infra.constructs.private_network import PrivateNetwork
from infra.constructs.stack import SwitchboardStack

if TYPE_CHECKING:
    from constructs import Construct

    from infra.stacks.data import DataStack

HTTPS = 443


class NetworkStack(SwitchboardStack):
    """The network of a stage's functions, its own or an existing one, and what every function's role shares."""

    def __init__(self, scope: Construct, *, stage: StageConfig, data: DataStack) -> None:
        super().__init__(
            scope,
            "network",
            stage=stage,
            description=f"Switchboard {stage.name}: where the functions run, and what leads out of there.",
        )
        if isinstance(stage.network, Create):
            private = PrivateNetwork(self, stage=stage, log_key=data.log_key)
            vpc_id, subnets, route_tables = private.vpc_id, private.subnets, private.route_tables
        else:
            vpc_id, subnets, route_tables = stage.network.id, [*stage.network.subnets], [*stage.network.route_tables]
        self.endpoints = GatewayEndpoints(self, vpc_id=vpc_id, route_tables=route_tables, data=data)
        group = self._define_security_group(vpc_id)
        self.connection = CfnFunction.VpcConfigProperty(subnet_ids=subnets, security_group_ids=[group])
        self.lambda_service = LambdaService(self, stage=stage, data=data, subnets=subnets, security_group=group)
        self.boundary = FunctionBoundary(
            self, stage=stage, data=data, endpoint=self.endpoints.dynamodb.ref if stage.bind_to_network else None
        )

    def _define_security_group(self, vpc_id: str) -> str:
        lists = PrefixLists(self)
        group = CfnSecurityGroup(
            self,
            "FunctionsGroup",
            group_description="The functions: nobody calls in, and only DynamoDB and S3 are called.",
            vpc_id=vpc_id,
            security_group_egress=[
                CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp",
                    from_port=HTTPS,
                    to_port=HTTPS,
                    destination_prefix_list_id=lists.of(service),
                    description=f"{name} through its endpoint",
                )
                for service, name in ((DYNAMODB, "DynamoDB"), (S3, "S3"))
            ],
        )
        Tags.of(group).add("purpose", "What the functions may call")
        return group.attr_group_id
