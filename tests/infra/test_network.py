"""Where the functions run, what leads out of there, and what their roles can do at most."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import replace
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Environment, Stage
from aws_cdk.assertions import Template

from infra.config import DEV, LOCAL, ExistingVpc, StageConfig
from infra.constructs.boundary import NETWORK_INTERFACES
from infra.constructs.dynamodb_actions import ON_ITEMS
from infra.stacks.data import DataStack
from infra.stacks.functions import FunctionsStack
from infra.stacks.network import NetworkStack
from tests.infra.templates import MANAGED_POLICY, ROOT, STAGES, cdk_context, stacks_of, walk

if TYPE_CHECKING:
    from tests.infra.templates import Statement, Templates

FUNCTION = "AWS::Lambda::Function"
ENDPOINT = "AWS::EC2::VPCEndpoint"
ROLE = "AWS::IAM::Role"
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
LARGEST_POLICY = 6_144
"""Characters of a managed policy without white space (IAM User Guide, "IAM and AWS STS quotas")."""
AN_ARN = "arn:aws:dynamodb:eu-central-1:111122223333:table/switchboard-prod-data-MessagesTable05B58A27-1A2B3C4D5E6F7"
PSEUDO = {"AWS::AccountId": "111122223333", "AWS::Partition": "aws-cn", "AWS::Region": "ap-southeast-2"}
THEIRS = ExistingVpc("vpc-1", ("subnet-1", "subnet-2"), ("rtb-1",))


def built(stage: StageConfig, region: str | None = None) -> tuple[NetworkStack, FunctionsStack]:
    """The stacks of a stage that no template of the app has."""
    app = App(context={**cdk_context(), "aws:cdk:bundling-stacks": []})
    place = Environment(account="123456789012", region=region) if region else None
    scope = Stage(app, stage.name, env=place)
    data = DataStack(scope, stage=stage)
    network = NetworkStack(scope, stage=stage, data=data)
    return network, FunctionsStack(scope, stage=stage, data=data, network=network)


def policy(templates: Templates, stage: str, name: str) -> list[Statement]:
    return templates.statements(stage, templates.one(stage, MANAGED_POLICY, name)["PolicyDocument"])


def function_roles(templates: Templates, stage: str) -> dict[str, dict[str, Any]]:
    """Properties of the role of every function, by the construct's id."""
    functions = templates.resources(stage, FUNCTION).values()
    names = [templates.text(stage, function["Properties"]["Role"]) for function in functions]
    return {name.removeprefix("${").removesuffix("Role.Arn}"): templates.one(stage, ROLE, name[2:-5]) for name in names}


@pytest.mark.parametrize("stage", STAGES)
def test_nothing_leads_to_the_internet(templates: Templates, stage: str) -> None:
    kinds = {
        found["Type"] for stack in stacks_of(stage) for found in templates.by_stack[stage, stack]["Resources"].values()
    }
    assert "AWS::EC2::VPC" in kinds
    assert not kinds & WAYS_OUT
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
        assert [templates.text(stage, subnet) for subnet in connection["SubnetIds"]] == [
            "${PrivateSubnetA.SubnetId}",
            "${PrivateSubnetB.SubnetId}",
        ]
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
        assert [templates.text(stage, table) for table in endpoint["RouteTableIds"]] == [
            "${PrivateRoutes.RouteTableId}"
        ]
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


@pytest.mark.parametrize("stage", STAGES)
def test_every_function_has_the_boundary_and_what_lambda_does_for_it(templates: Templates, stage: str) -> None:
    roles = function_roles(templates, stage)
    assert len(roles) == 6
    for role in roles.values():
        assert templates.text(stage, role["PermissionsBoundary"]) == "${FunctionBoundary}"
        assert [templates.text(stage, arn) for arn in role["ManagedPolicyArns"]] == ["${LambdaService}"]


def covered(action: str, resource: str, statements: list[Statement]) -> bool:
    return any(
        action in statement.actions
        and any(resource == one or fnmatchcase(resource, one) for one in statement.resources)
        for statement in statements
        if statement.effect == "Allow"
    )


@pytest.mark.parametrize("stage", STAGES)
def test_the_boundary_leaves_every_function_what_its_code_calls(templates: Templates, stage: str) -> None:
    boundary = policy(templates, stage, "FunctionBoundary")
    # A function's own log group and its queue are named by the boundary, and referred to by the function's policy.
    named = {
        f"${{{logical}.Arn}}": f"arn:{logs['Properties']['LogGroupName']}"
        for logical, logs in (
            (re.sub(r"[0-9A-F]{8}$", "", key), found)
            for key, found in templates.resources(stage, "AWS::Logs::LogGroup").items()
        )
    } | {"${CdrIngestQueue.Arn}": f"arn:switchboard-{stage}-cdr-ingest"}
    for owner in function_roles(templates, stage):
        for action, resources in templates.allowed(stage, owner).items():
            for resource in resources:
                if resource in named:
                    short = named[resource].removeprefix("arn:")
                    possible = [one for it in boundary if action in it.actions for one in it.resources]
                    assert any(re.search(rf":{re.escape(short)}(:\*)?$", one) for one in possible), (owner, action)
                else:
                    assert covered(action, resource, boundary), (owner, action, resource)
    for statement in policy(templates, stage, "LambdaService"):
        if statement.effect == "Allow":
            assert all(covered(action, one, boundary) for action in statement.actions for one in statement.resources)


@pytest.mark.parametrize("stage", STAGES)
def test_items_are_reached_through_the_endpoint_only_where_the_stage_binds_them(
    templates: Templates, stage: str
) -> None:
    denials = [statement for statement in policy(templates, stage, "FunctionBoundary") if statement.effect == "Deny"]
    if stage == LOCAL.name:
        assert denials == []
        return
    (denial,) = denials
    assert denial.resources == ("*",)
    assert set(denial.actions) == set(ON_ITEMS)
    ((operator, condition),) = denial.condition.items()
    assert operator == "StringNotEquals"
    assert {key: templates.text(stage, value) for key, value in condition.items()} == {
        "aws:SourceVpce": "${EndpointsDynamoDb}"
    }


def test_what_lambda_does_from_outside_is_never_bound() -> None:
    outside = ("Stream", "GetRecords", "GetShardIterator", "sqs:", "logs:", "s3:", "xray:", "ec2:")
    assert not [action for action in ON_ITEMS if any(word in action for word in outside)]
    assert all(action.startswith("dynamodb:") for action in ON_ITEMS)


@pytest.mark.parametrize("stage", STAGES)
def test_the_code_is_denied_the_network_interfaces(templates: Templates, stage: str) -> None:
    statements = policy(templates, stage, "LambdaService")
    (denial,) = [statement for statement in statements if statement.effect == "Deny"]
    assert denial.condition == {"Null": {"lambda:SourceFunctionArn": "false"}}
    assert denial.resources == ("*",)
    granted = {
        action
        for statement in statements
        if statement.effect == "Allow"
        for action in statement.actions
        if action.startswith("ec2:")
    }
    assert granted == set(denial.actions) == set(NETWORK_INTERFACES)


@pytest.mark.parametrize("stage", STAGES)
def test_lambda_does_for_every_function_what_no_function_could_do_without(templates: Templates, stage: str) -> None:
    granted = {
        action: statement.resources
        for statement in policy(templates, stage, "LambdaService")
        if statement.effect == "Allow"
        for action in statement.actions
        if not action.startswith("ec2:")
    }
    assert granted == {
        "sqs:SendMessage": ("${FailedInvocations.Arn}",),
        "xray:PutTelemetryRecords": ("*",),
        "xray:PutTraceSegments": ("*",),
    }


@pytest.mark.parametrize("stage", STAGES)
def test_lambda_connects_functions_to_these_subnets_only(templates: Templates, stage: str) -> None:
    (create,) = [
        one
        for one in policy(templates, stage, "LambdaService")
        if "ec2:CreateNetworkInterface" in one.actions and one.effect == "Allow"
    ]
    kinds = sorted(re.sub(r"^.*:(?=[a-z-]+/)", "", resource) for resource in create.resources)
    assert [kind.partition("/")[0] for kind in kinds] == ["network-interface", "security-group", "subnet", "subnet"]
    assert [kind for kind in kinds if kind.endswith("*")] == ["network-interface/*"]


@pytest.mark.parametrize("stage", STAGES)
def test_no_managed_policy_outgrows_what_iam_takes(templates: Templates, stage: str) -> None:
    for name, found in templates.resources(stage, MANAGED_POLICY).items():
        document = json.loads(json.dumps(found["Properties"]["PolicyDocument"]), object_hook=_resolved)
        assert len(json.dumps(document, separators=(",", ":"))) < LARGEST_POLICY, name


def _resolved(value: dict[str, Any]) -> Any:
    """References as long as what they become."""
    function = next(iter(value), "")
    if function == "Fn::Join":
        return "".join(str(part) for part in value[function][1])
    if function == "Ref" and value[function].startswith("AWS::"):
        return PSEUDO[value[function]]
    return AN_ARN if function == "Ref" or function.startswith("Fn::") else value


@pytest.mark.parametrize("stage", STAGES)
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


@pytest.mark.parametrize("stage", STAGES)
def test_tables_refuse_items_to_keys_and_to_people_as_they_signed_in(templates: Templates, stage: str) -> None:
    tables = {
        name: table["Properties"]
        for name, table in templates.resources(stage, "AWS::DynamoDB::Table").items()
        if not name.startswith("LegacyTable")
    }
    assert len(tables) == 3
    for table in tables.values():
        statements = templates.statements(stage, table["ResourcePolicy"]["PolicyDocument"])
        assert [statement.condition for statement in statements] == [
            {"StringEquals": {"aws:PrincipalType": ["Account", "FederatedUser", "User"]}},
            {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:role/aws-reserved/sso.amazonaws.com/*"}},
        ]
        for statement in statements:
            assert (statement.effect, statement.resources) == ("Deny", ("*",))
            assert set(statement.actions) == {*ON_ITEMS, "dynamodb:ExportTableToPointInTime"}


@pytest.mark.parametrize("stage", STAGES)
def test_no_table_policy_can_lock_anyone_out(templates: Templates, stage: str) -> None:
    """What deployment, backup, restore, deletion and the repair of the policy call is in no statement."""
    needed = re.compile(
        r"Table$|Tables$|Backup|Restore|ResourcePolicy|Tag|TimeToLive|Stream|Replica|Kinesis|AutoScaling"
    )
    for table in templates.resources(stage, "AWS::DynamoDB::Table").values():
        for key, value in walk(table["Properties"].get("ResourcePolicy", {})):
            if key == "Action":
                assert not [action for action in value if needed.search(action) or "*" in action]
            assert key not in {"NotAction", "NotPrincipal"}
