"""Where the functions run, what leads out of there, and what their roles can do at most."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from aws_cdk import App, Environment, Stage
from aws_cdk.assertions import Template

from infra.config import DEV
from infra.config_types import ExistingVpc, StageConfig
from infra.constructs.dynamodb_actions import LIST_STREAMS, READ_STREAM, WRITE_EXPORT
from infra.stacks.data import DataStack
from infra.stacks.functions import FunctionsStack
from infra.stacks.network import NetworkStack
from tests.infra.templates import ROOT, STAGES, cdk_context, stacks_of

if TYPE_CHECKING:
    from tests.infra.templates import Templates

OWNERS = ("BackfillStep", "CdrGuard", "CdrQuery", "CdrWriter", "MessagingMessages", "MessagingStreamHandler")
FUNCTION = "AWS::Lambda::Function"
ENDPOINT = "AWS::EC2::VPCEndpoint"
WAYS_OUT = {
    "AWS::EC2::CarrierGateway",
    "AWS::EC2::EgressOnlyInternetGateway",
    "AWS::EC2::InternetGateway",
    "AWS::EC2::NatGateway",
    "AWS::EC2::Route",
    "AWS::EC2::TransitGatewayAttachment",
    "AWS::EC2::VPCGatewayAttachment",
    "AWS::EC2::VPCPeeringConnection",
}
OWN_NETWORK = ("local", "dev")
"""Stages that make their network. Prod is given one, whose owner writes its connections down."""
SUBNETS = {
    **{stage: ["${PrivateSubnetA.SubnetId}", "${PrivateSubnetB.SubnetId}"] for stage in OWN_NETWORK},
    "prod": ["subnet-0123456789abcdef0", "subnet-0123456789abcdef1"],
}
ROUTES = {**dict.fromkeys(OWN_NETWORK, "${PrivateRoutes.RouteTableId}"), "prod": "rtb-0123456789abcdef0"}
THEIRS = ExistingVpc("vpc-1", ("subnet-1", "subnet-2"), ("rtb-1",))


def built(stage: StageConfig, region: str | None = None) -> tuple[NetworkStack, FunctionsStack]:
    """The stacks of a stage that no template of the app has."""
    app = App(context={**cdk_context(), "aws:cdk:bundling-stacks": []})
    place = Environment(account="123456789012", region=region) if region else None
    scope = Stage(app, stage.name, env=place)
    data = DataStack(scope, stage=stage)
    network = NetworkStack(scope, stage=stage, data=data)
    return network, FunctionsStack(scope, stage=stage, data=data, network=network)


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_leads_to_the_internet(templates: Templates, stage: str) -> None:
    kinds = {
        found["Type"] for stack in stacks_of(stage) for found in templates.by_stack[stage, stack]["Resources"].values()
    }
    assert ("AWS::EC2::VPC" in kinds) is (stage in OWN_NETWORK)
    assert not kinds & WAYS_OUT


@pytest.mark.parametrize("stage", OWN_NETWORK)
def test_a_network_of_its_own_has_a_private_subnet_in_two_zones(templates: Templates, stage: str) -> None:
    subnets = templates.resources(stage, "AWS::EC2::Subnet")
    assert {subnet["Properties"]["MapPublicIpOnLaunch"] for subnet in subnets.values()} == {False}
    zones = [templates.text(stage, subnet["Properties"]["AvailabilityZone"]) for subnet in subnets.values()]
    assert len(set(zones)) == len(zones) == 2


@pytest.mark.parametrize("stage", STAGES)
def test_every_function_runs_in_the_private_subnets(templates: Templates, stage: str) -> None:
    functions = templates.resources(stage, FUNCTION)
    assert len(functions) == 6
    for function in functions.values():
        connection = function["Properties"]["VpcConfig"]
        assert [templates.text(stage, subnet) for subnet in connection["SubnetIds"]] == SUBNETS[stage]
        (group,) = connection["SecurityGroupIds"]
        assert re.fullmatch(r"\$\{FunctionsGroup.*GroupId\}", templates.text(stage, group))


@pytest.mark.parametrize("stage", STAGES)
def test_nobody_calls_in_and_two_services_are_called(templates: Templates, stage: str) -> None:
    (group,) = (found["Properties"] for found in templates.resources(stage, "AWS::EC2::SecurityGroup").values())
    assert "SecurityGroupIngress" not in group
    rules = [
        (templates.text(stage, rule["DestinationPrefixListId"]), rule["IpProtocol"], rule["FromPort"], rule["ToPort"])
        for rule in group["SecurityGroupEgress"]
    ]
    assert rules == [("${PrefixLists.dynamodb}", "tcp", 443, 443), ("${PrefixLists.s3}", "tcp", 443, 443)]
    assert not [key for rule in group["SecurityGroupEgress"] for key in rule if key.startswith("Cidr")]
    kinds = {found["Type"] for found in templates.by_stack[stage, "network"]["Resources"].values()}
    assert not kinds & {"AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress"}


def test_every_region_has_two_lists_of_its_own(templates: Templates) -> None:
    for stage in STAGES:
        regions = templates.by_stack[stage, "network"]["Mappings"]["PrefixLists"]
        assert {"eu-central-1", "eu-west-1", "us-east-1"} <= set(regions)
        for lists in regions.values():
            assert set(lists) == {"dynamodb", "s3"}
            assert len(set(lists.values())) == 2
            assert all(re.fullmatch(r"pl-[0-9a-f]{8}", found) for found in lists.values())


def test_a_region_whose_lists_nobody_wrote_down_is_refused() -> None:
    with pytest.raises(ValueError, match="prefix lists of eu-north-1 are not known"):
        built(DEV, region="eu-north-1")


@pytest.mark.parametrize("stage", STAGES)
def test_the_endpoints_let_this_systems_data_through_and_nothing_else(templates: Templates, stage: str) -> None:
    account = "111122223333" if stage == "prod" else {"Ref": "AWS::AccountId"}
    let_through = {}
    for name in ("EndpointsDynamoDb", "EndpointsS3"):
        endpoint = templates.one(stage, ENDPOINT, name)
        assert endpoint["VpcEndpointType"] == "Gateway"
        assert [templates.text(stage, table) for table in endpoint["RouteTableIds"]] == [ROUTES[stage]]
        for statement in templates.statements(stage, endpoint["PolicyDocument"]):
            assert statement.effect == "Allow"
            assert statement.condition == {"StringEquals": {"aws:PrincipalAccount": account}}
            assert not [action for action in statement.actions if "*" in action]
            let_through[statement.sid] = statement.resources
    of_legacy = {resource for resource in let_through["ItemsOfThisSystem"] if resource.endswith("qm_staging_dev_cdr")}
    assert bool(of_legacy) is (stage == "local")
    assert set(let_through["ItemsOfThisSystem"]) - of_legacy == {
        "${CdrTable.Arn}",
        "${CdrTable.Arn}/index/by_day",
        "${CdrTable.Arn}/index/by_sponsor",
        "${MessagesTable.Arn}",
        "${MessagesTable.Arn}/index/inbox_by_recency",
        "${RunsTable.Arn}",
    }
    assert let_through["FindObjects"] == ("${Quarantine.Arn}", "${Reports.Arn}")
    assert let_through["KeepAndReadObjects"] == ("${Quarantine.Arn}/*", "${Reports.Arn}/*")


OUTSIDE_THE_NETWORK = {*READ_STREAM, LIST_STREAMS, *WRITE_EXPORT} - {"s3:PutObject"}
"""What Lambda's pollers and DynamoDB's exports do with a function's role, which never passes the endpoints."""


@pytest.mark.parametrize("stage", STAGES)
def test_whatever_a_function_may_do_to_tables_and_objects_passes_the_endpoints(
    templates: Templates, stage: str
) -> None:
    through = [
        (action, resource)
        for name in ("EndpointsDynamoDb", "EndpointsS3")
        for statement in templates.statements(stage, templates.one(stage, ENDPOINT, name)["PolicyDocument"])
        for action in statement.actions
        for resource in statement.resources
    ]
    asked = {
        (action, resource)
        for owner in OWNERS
        for action, resources in templates.allowed(stage, owner).items()
        if action.startswith(("dynamodb:", "s3:")) and action not in OUTSIDE_THE_NETWORK
        for resource in resources
    }
    assert {action for action, _ in asked} > {"dynamodb:PartiQLInsert", "dynamodb:Scan", "s3:GetObject"}
    stopped = [
        (action, resource)
        for action, resource in asked
        if not any(action == passes and fnmatchcase(resource, pattern) for passes, pattern in through)
    ]
    assert sorted(stopped) == []


def test_the_code_calls_nothing_that_the_endpoints_do_not_reach() -> None:
    called = set()
    for folder in ("switchboard", "lambdas"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in {
                    "client",
                    "create_client",
                }:
                    called |= {argument.value for argument in node.args if isinstance(argument, ast.Constant)}
    assert called == {"dynamodb", "s3"}


@pytest.mark.parametrize("stage", OWN_NETWORK)
def test_connections_are_written_down(templates: Templates, stage: str) -> None:
    log = templates.one(stage, "AWS::EC2::FlowLog", "PrivateFlowLog")
    assert templates.text(stage, log["ResourceId"]) == "${PrivateVpc.VpcId}"
    assert (log["ResourceType"], log["TrafficType"]) == ("VPC", "ALL")
    assert templates.text(stage, log["LogGroupName"]) == "${PrivateFlowLogGroup}"
    granted = templates.allowed(stage, "PrivateFlowLog")
    assert {resource for resources in granted.values() for resource in resources} == {"${PrivateFlowLogGroup.Arn}"}


def test_an_existing_vpc_gets_endpoints_on_its_route_tables_and_nothing_else() -> None:
    network, functions = built(replace(DEV, network=THEIRS), region="eu-west-1")
    template = Template.from_stack(network)
    for kind in ("AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::RouteTable", "AWS::EC2::FlowLog"):
        template.resource_count_is(kind, 0)
    endpoints = template.find_resources(ENDPOINT).values()
    assert [one["Properties"]["RouteTableIds"] for one in endpoints] == [["rtb-1"]] * 2
    assert {one["Properties"]["VpcId"] for one in endpoints} == {"vpc-1"}
    (group,) = template.find_resources("AWS::EC2::SecurityGroup").values()
    assert group["Properties"]["VpcId"] == "vpc-1"
    found = Template.from_stack(functions).find_resources(FUNCTION).values()
    assert {tuple(one["Properties"]["VpcConfig"]["SubnetIds"]) for one in found} == {THEIRS.subnets}


def test_concurrency_is_set_aside_where_the_stage_says() -> None:
    _, functions = built(replace(DEV, reserved_concurrency=MappingProxyType({"cdr-writer": 7})))
    found = Template.from_stack(functions).find_resources(FUNCTION).values()
    reserved = {
        one["Properties"]["FunctionName"]: one["Properties"]["ReservedConcurrentExecutions"]
        for one in found
        if "ReservedConcurrentExecutions" in one["Properties"]
    }
    assert reserved == {"switchboard-dev-cdr-writer": 7}
