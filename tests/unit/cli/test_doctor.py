"""`switchboard doctor` on a healthy stage of AWS, and on that stage with one thing amiss at a time."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cli.errors import Code
from switchboard.schema import deployment
from tests.fakes.answers import Answers, refused
from tests.fakes.stage import aws_error

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ROLE = {"Arn": "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_SwitchboardPlatform_1/jo"}
PROVIDER = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
LISTS = [
    {"PrefixListId": "pl-66a5400f", "PrefixListName": "com.amazonaws.eu-central-1.dynamodb"},
    {"PrefixListId": "pl-6ea54007", "PrefixListName": "com.amazonaws.eu-central-1.s3"},
]
POLICY = json.dumps({"Statement": [{"Condition": {"StringEquals": {"aws:PrincipalType": ["User"]}}}]})


def rule(*lists: str, cidrs: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "PrefixListIds": [{"PrefixListId": one} for one in lists],
        "IpRanges": [{"CidrIp": one} for one in cidrs],
        "Ipv6Ranges": [],
    }


def groups(**request: Any) -> Any:
    if "GroupIds" in request:
        return {"SecurityGroups": [{"IpPermissions": [], "IpPermissionsEgress": [rule("pl-66a5400f", "pl-6ea54007")]}]}
    return {"SecurityGroups": [{"IpPermissions": [], "IpPermissionsEgress": []}]}


def parameter(**request: Any) -> Any:
    return {"Parameter": {"Value": f"value/{request['Name'].rpartition('/')[2]}"}}


def table(*, status: str = "ACTIVE", protected: bool = True) -> Any:
    return {"Table": {"TableStatus": status, "DeletionProtectionEnabled": protected, "TableArn": "arn:table"}}


def recovery(status: str) -> Any:
    return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": {"PointInTimeRecoveryStatus": status}}}


def connection(vpc: str = "vpc-1") -> Any:
    return {"VpcConfig": {"VpcId": vpc, "SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}}


def endpoints(*services: str, state: str = "available", led_to_from: tuple[str, ...] = ("rtb-1",)) -> Any:
    reached = {"State": state, "RouteTableIds": list(led_to_from)}
    return {"VpcEndpoints": [{"ServiceName": f"com.amazonaws.x.{one}", **reached} for one in services]}


def route_table(name: str, association: dict[str, Any], *further: dict[str, str]) -> dict[str, Any]:
    local = {"DestinationCidrBlock": "10.0.0.0/24", "GatewayId": "local"}
    endpoint = {"DestinationPrefixListId": "pl-66a5400f", "GatewayId": "vpce-1"}
    return {"RouteTableId": name, "Associations": [association], "Routes": [local, endpoint, *further]}


def routes(*further: dict[str, str]) -> Any:
    return {"RouteTables": [route_table("rtb-1", {"Main": False, "SubnetId": "subnet-1"}, *further)]}


def copied() -> Any:
    rule = {"Destination": {"Bucket": "arn:aws:s3:::switchboard-copies-123456789012-eu-west-1"}}
    return {"ReplicationConfiguration": {"Role": "arn:aws:iam::123456789012:role/switchboard-copies", "Rules": [rule]}}


def without_copies_bucket(**request: Any) -> Any:
    if request["Bucket"].startswith("switchboard-copies-"):
        raise aws_error("404", "HeadBucket", 404)
    return {}


def without_copies_role(**request: Any) -> Any:
    if request["RoleName"] == "switchboard-copies":
        raise aws_error("NoSuchEntity")
    return HEALTHY["iam.get_role"]


HEALTHY: dict[str, Any] = {
    "sts.get_caller_identity": ROLE,
    "ssm.get_parameter": parameter,
    "dynamodb.describe_table": table(),
    "dynamodb.describe_continuous_backups": recovery("ENABLED"),
    "dynamodb.get_resource_policy": {"Policy": POLICY},
    "lambda.get_account_settings": {"AccountLimit": {"UnreservedConcurrentExecutions": 900}},
    "lambda.get_function_configuration": lambda **_: connection(),
    "ec2.describe_vpc_endpoints": endpoints("dynamodb", "s3"),
    "ec2.describe_route_tables": routes(),
    "ec2.describe_managed_prefix_lists": {"PrefixLists": LISTS},
    "ec2.describe_security_groups": groups,
    "cloudtrail.describe_trails": {"trailList": [{"Name": "main", "TrailARN": "arn:trail"}]},
    "cloudtrail.get_trail_status": {"IsLogging": True},
    "config.describe_configuration_recorder_status": {"ConfigurationRecordersStatus": [{"recording": True}]},
    "s3.get_bucket_logging": {"LoggingEnabled": {"TargetBucket": "logs"}},
    "s3.head_bucket": {},
    "s3.get_bucket_replication": copied(),
    "backup.describe_region_settings": {"ResourceTypeManagementPreference": {"DynamoDB": True}},
    "iam.get_role": {"Role": {"AssumeRolePolicyDocument": {"Statement": [{"Principal": {"Federated": PROVIDER}}]}}},
    "iam.list_open_id_connect_providers": {"OpenIDConnectProviderList": [{"Arn": PROVIDER}]},
}


def examine(stage: str = "prod", **changed: Any) -> tuple[int, dict[str, tuple[str, str]]]:
    """The exit code, and by what was looked at its state with all that was said."""
    answers = HEALTHY | {name.replace("__", "."): answer for name, answer in changed.items()}
    result = Answers(answers, stage=stage, now=NOW).run("doctor", "--json")
    found = json.loads(result.stdout)["findings"]
    for finding in found:
        assert bool(finding["remedy"]) is (finding["state"] in {"amiss", "unseen"}), finding
    return result.exit_code, {one["about"]: (one["state"], f"{one['says']} {one['remedy']}") for one in found}


@pytest.mark.parametrize(("stage", "looked_at"), [("dev", 15), ("prod", 18)])
def test_a_healthy_stage_has_nothing_amiss(stage: str, looked_at: int) -> None:
    code, found = examine(stage)
    assert code == Code.DONE
    assert {state for state, _ in found.values()} == {"well"}
    assert len(found) == looked_at


def unpublished(path: str) -> Callable[..., Any]:
    def answer(**request: Any) -> Any:
        if request["Name"].endswith(path):
            raise aws_error("ParameterNotFound")
        return parameter(**request)

    return answer


def outside(**request: Any) -> Any:
    return {} if request["FunctionName"].endswith("messages") else connection()


def open_group(**request: Any) -> Any:
    if "GroupIds" in request:
        found = {"IpPermissions": [], "IpPermissionsEgress": [rule("pl-66a5400f", cidrs=("0.0.0.0/0",))]}
        return {"SecurityGroups": [found]}
    return groups(**request)


def open_default_group(**request: Any) -> Any:
    if "GroupIds" in request:
        return groups(**request)
    return {"SecurityGroups": [{"IpPermissions": [], "IpPermissionsEgress": [rule(cidrs=("0.0.0.0/0",))]}]}


@pytest.mark.parametrize(
    ("changed", "about", "said"),
    [
        ({"sts__get_caller_identity": {"Arn": "arn:aws:iam::1:user/jo"}}, "identity", "an IAM user"),
        ({"sts__get_caller_identity": {"Arn": "arn:aws:iam::1:root"}}, "identity", "the account's root"),
        ({"ssm__get_parameter": unpublished("query-function")}, "parameters", "/switchboard/prod/cdr/query-function"),
        ({"ssm__get_parameter": unpublished("version")}, "bootstrap", "cdk bootstrap"),
        ({"dynamodb__describe_table": table(protected=False)}, "table cdr", "protected from deletion"),
        ({"dynamodb__describe_table": table(status="ARCHIVED")}, "table runs", "active"),
        ({"dynamodb__describe_continuous_backups": recovery("DISABLED")}, "table messages", "recovered"),
        ({"dynamodb__get_resource_policy": aws_error("PolicyNotFoundException")}, "table cdr", "refuses items"),
        ({"dynamodb__get_resource_policy": {"Policy": "{}"}}, "table cdr", "refuses items"),
        (
            {"lambda__get_account_settings": {"AccountLimit": {"UnreservedConcurrentExecutions": 10}}},
            "concurrency",
            "Only 10",
        ),
        ({"lambda__get_function_configuration": outside}, "network", "Not every function"),
        ({"ec2__describe_vpc_endpoints": endpoints("dynamodb")}, "endpoints", "reaches s3"),
        ({"ec2__describe_vpc_endpoints": endpoints("dynamodb", "s3", state="deleting")}, "endpoints", "dynamodb or s3"),
        (
            {"ec2__describe_route_tables": routes({"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"})},
            "routes",
            "0.0.0.0/0",
        ),
        ({"ec2__describe_security_groups": open_group}, "security group", "0.0.0.0/0"),
        ({"ec2__describe_managed_prefix_lists": {"PrefixLists": LISTS[:1]}}, "security group", "pl-6ea54007"),
        ({"ec2__describe_security_groups": open_default_group}, "default security group", "docs/account-setup.md"),
        ({"cloudtrail__get_trail_status": {"IsLogging": False}}, "trail", "No trail"),
        ({"cloudtrail__describe_trails": {"trailList": []}}, "trail", "No trail"),
        (
            {"config__describe_configuration_recorder_status": {"ConfigurationRecordersStatus": []}},
            "configuration recorder",
            "has none",
        ),
        (
            {
                "config__describe_configuration_recorder_status": {
                    "ConfigurationRecordersStatus": [{"recording": False}]
                }
            },
            "configuration recorder",
            "switched off",
        ),
        ({"s3__get_bucket_logging": {}}, "log bucket", "Nobody writes down"),
        ({"s3__head_bucket": aws_error("404", "HeadBucket", 404)}, "log bucket", "is gone"),
        ({"s3__head_bucket": without_copies_bucket}, "copies", "takes copies of objects, is gone"),
        ({"iam__get_role": without_copies_role}, "copies", "Role switchboard-copies"),
        (
            {"backup__describe_region_settings": {"ResourceTypeManagementPreference": {"DynamoDB": False}}},
            "backups",
            "advanced features",
        ),
        ({"backup__describe_region_settings": {"ResourceTypeManagementPreference": {}}}, "backups", "docs/account-set"),
        ({"iam__list_open_id_connect_providers": {"OpenIDConnectProviderList": []}}, "token provider", "is gone"),
    ],
)
def test_what_is_amiss_is_said_with_its_remedy(changed: dict[str, Any], about: str, said: str) -> None:
    code, found = examine(**changed)
    assert code == Code.PARTLY
    state, text = found[about]
    assert state == "amiss"
    assert said in text


def test_only_a_stage_that_keeps_data_must_be_protected() -> None:
    code, found = examine("dev", dynamodb__describe_table=table(protected=False))
    assert (code, found["table cdr"][0]) == (Code.DONE, "well")


def test_a_stage_without_copies_needs_neither_bucket_nor_role_for_them() -> None:
    code, found = examine("dev", s3__get_bucket_replication=aws_error("ReplicationConfigurationNotFoundError"))
    assert code == Code.DONE
    assert "copies" not in found


def test_a_stage_that_people_deploy_needs_no_provider() -> None:
    _, found = examine("dev", ssm__get_parameter=unpublished("roles/deployer"))
    assert "token provider" not in found
    assert found["parameters"][0] == "well"


@pytest.mark.parametrize(
    ("operation", "about"),
    [
        ("dynamodb__describe_table", "tables"),
        ("cloudtrail__describe_trails", "trail"),
        ("ssm__get_parameter", "parameters"),
        ("ec2__describe_route_tables", "network"),
    ],
)
def test_who_may_not_look_learns_that_nobody_looked(operation: str, about: str) -> None:
    changed: dict[str, Any] = {operation: refused("Look")}
    code, found = examine(**changed)
    assert code == Code.PARTLY
    state, text = found[about]
    assert state == "unseen"
    assert "SecurityAudit" in text
    assert "docs/examples/audit-policy.json" in text


def test_a_bucket_that_this_role_may_not_look_for_is_not_gone() -> None:
    code, found = examine(s3__head_bucket=aws_error("403", "HeadBucket", 403))
    assert (code, found["log bucket"][0]) == (Code.PARTLY, "unseen")


def undeployed(**_: Any) -> Any:
    raise aws_error("ResourceNotFoundException", "GetFunctionConfiguration", 404)


def nothing_published(**_: Any) -> Any:
    raise aws_error("ParameterNotFound")


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_a_stage_that_is_not_deployed_is_told_with_all_else_that_is_amiss(stage: str) -> None:
    code, found = examine(
        stage,
        ssm__get_parameter=nothing_published,
        lambda__get_function_configuration=undeployed,
        lambda__get_account_settings={"AccountLimit": {"UnreservedConcurrentExecutions": 10}},
    )
    assert code == Code.PARTLY
    assert [about for about, (state, _) in found.items() if state == "amiss"] == [
        "parameters",
        "bootstrap",
        "concurrency",
        "network",
    ]
    assert "Deploy it again." in found["network"][1]


@pytest.mark.parametrize(
    ("changed", "about"),
    [
        ({"s3__get_bucket_logging": aws_error("NoSuchBucket", "GetBucketLogging", 404)}, "log bucket"),
        ({"dynamodb__describe_table": aws_error("ResourceNotFoundException", "DescribeTable")}, "tables"),
    ],
)
def test_what_was_published_and_is_gone_is_amiss(changed: dict[str, Any], about: str) -> None:
    code, found = examine(**changed)
    assert (code, found[about][0]) == (Code.PARTLY, "amiss")
    assert "does not exist" in found[about][1]


def test_where_nothing_guards_a_stage_neither_trail_nor_recorder_is_missed() -> None:
    nothing: dict[str, Any] = {
        "cloudtrail__describe_trails": {"trailList": []},
        "config__describe_configuration_recorder_status": {"ConfigurationRecordersStatus": []},
    }
    assert examine("dev", **nothing)[0] == Code.DONE
    assert examine("prod", **nothing)[0] == Code.PARTLY


def test_what_was_found_is_told_where_a_check_stops_the_doctor() -> None:
    answers = HEALTHY | {"lambda.get_account_settings": aws_error("ThrottlingException")}
    result = Answers(answers, stage="prod", now=NOW).run("doctor", "--json")
    assert result.exit_code == Code.UNAVAILABLE
    found = [one["about"] for one in json.loads(result.stdout)["findings"]]
    assert found == ["identity", "parameters", "table cdr", "table messages", "table runs", "bootstrap"]


def test_an_unknown_answer_of_aws_is_not_taken_for_health() -> None:
    answers = HEALTHY | {"ec2.describe_vpc_endpoints": aws_error("NotImplemented")}
    result = Answers(answers, stage="prod", now=NOW).run("doctor")
    assert result.exit_code == Code.FAULT
    stopped = Answers(HEALTHY | {"sts.get_caller_identity": aws_error("ExpiredToken")}, stage="prod", now=NOW)
    assert stopped.run("doctor").exit_code == Code.REFUSED


def test_the_local_cloud_is_not_blamed_for_what_it_does_not_have() -> None:
    answers = HEALTHY | {
        "sts.get_caller_identity": {"Arn": "arn:aws:iam::000000000000:root"},
        "lambda.get_function_configuration": {},
        "lambda.get_account_settings": aws_error("UnknownOperation"),
        "s3.get_bucket_logging": {},
    }
    result = Answers(answers, stage=deployment.LOCAL_STAGE, now=NOW).run("doctor", "--json")
    states = {one["about"]: one["state"] for one in json.loads(result.stdout)["findings"]}
    assert result.exit_code == Code.DONE
    assert {about for about, state in states.items() if state == "absent"} == {
        "concurrency",
        "network",
        "trail",
        "configuration recorder",
        "log bucket",
        "copies",
        "token provider",
    }


def test_a_person_reads_a_line_for_each_and_the_remedy_below() -> None:
    answers = HEALTHY | {"ec2.describe_vpc_endpoints": endpoints("dynamodb")}
    result = Answers(answers, stage="prod", now=NOW).run("doctor")
    lines = result.stdout.splitlines()
    (at,) = [number for number, line in enumerate(lines) if line.startswith("amiss")]
    assert lines[at] == "amiss   endpoints: No endpoint reaches s3 from vpc-1 by rtb-1."
    assert lines[at + 1].startswith("        Deploy the stage's network again")
    assert len([line for line in lines if line.startswith("ok ")]) == 17
