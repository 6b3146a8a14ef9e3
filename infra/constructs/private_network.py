"""Private subnets: a VPC without a gateway of any kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import CfnTag, Fn, RemovalPolicy, Stack, Tags
from aws_cdk.aws_ec2 import CfnFlowLog, CfnRouteTable, CfnSubnet, CfnSubnetRouteTableAssociation, CfnVPC
from aws_cdk.aws_iam import ManagedPolicy, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_logs import LogGroup
from constructs import Construct

from switchboard.schema.deployment import APP

if TYPE_CHECKING:
    from aws_cdk.aws_kms import IKey

    from infra.config_types import StageConfig

RANGE: Final = "10.0.0.0/24"
"""Addresses of the network. It is connected to no other, so no other may mind."""
ZONES: Final = ("10.0.0.0/25", "10.0.0.128/25")
"""The addresses of a subnet in each of two availability zones. All functions of a subnet share a few of them."""


class PrivateNetwork(Construct):
    """A VPC with two subnets and one route table, whose only routes are the ones that endpoints add.

    Nothing uses the VPC's default security group, which CloudFormation cannot close; the account set-up closes it, and
    `switchboard doctor` looks.
    """

    def __init__(self, scope: Construct, *, stage: StageConfig, log_key: IKey | None) -> None:
        super().__init__(scope, "Private")
        purpose = CfnTag(key="purpose", value="Private network of the functions without a route to the internet")
        vpc = CfnVPC(self, "Vpc", cidr_block=RANGE, enable_dns_support=True, enable_dns_hostnames=True, tags=[purpose])
        routes = CfnRouteTable(self, "Routes", vpc_id=vpc.attr_vpc_id, tags=[purpose])
        self.vpc_id = vpc.attr_vpc_id
        self.route_tables = [routes.attr_route_table_id]
        self.subnets = [self._define_subnet(position, routes, purpose) for position in range(len(ZONES))]
        self._define_flow_log(stage, log_key)

    def _define_subnet(self, position: int, routes: CfnRouteTable, purpose: CfnTag) -> str:
        name = "AB"[position]
        subnet = CfnSubnet(
            self,
            f"Subnet{name}",
            vpc_id=self.vpc_id,
            cidr_block=ZONES[position],
            availability_zone=Fn.select(position, Fn.get_azs()),
            map_public_ip_on_launch=False,
            tags=[purpose],
        )
        CfnSubnetRouteTableAssociation(
            self,
            f"RoutesOfSubnet{name}",
            subnet_id=subnet.attr_subnet_id,
            route_table_id=routes.attr_route_table_id,
        )
        return subnet.attr_subnet_id

    def _define_flow_log(self, stage: StageConfig, key: IKey | None) -> None:
        group = LogGroup(
            self,
            "FlowLogGroup",
            log_group_name=f"/{APP}/{stage.name}/network",
            retention=stage.log_retention,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        Tags.of(group).add("purpose", "Connections that the functions made or tried")
        description = f"Writes down the connections in the private network of stage {stage.name}."
        role = Role(
            self,
            "FlowLogRole",
            description=description,
            assumed_by=ServicePrincipal(
                "vpc-flow-logs.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        policy = ManagedPolicy(
            self,
            "FlowLogPolicy",
            description=description,
            roles=[role],
            statements=[
                PolicyStatement(
                    sid="WriteDownConnections",
                    actions=[
                        "logs:CreateLogStream",
                        "logs:DescribeLogGroups",
                        "logs:DescribeLogStreams",
                        "logs:PutLogEvents",
                    ],
                    resources=[group.log_group_arn],
                )
            ],
        )
        log = CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_group_name=group.log_group_name,
            deliver_logs_permission_arn=role.role_arn,
            tags=[CfnTag(key="purpose", value="Connections that the functions made or tried")],
        )
        log.node.add_dependency(policy)
