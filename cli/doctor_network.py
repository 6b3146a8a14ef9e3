"""What a stage's network should be like: nothing leads out of it but two endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli.doctor_findings import Finding, absent, amiss, well
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cli.session import Target

SERVICES: Final = ("dynamodb", "s3")
_AGAIN: Final = "Deploy the stage's network again, and ask who changed it."


def network(target: Target) -> Iterator[Finding]:
    """The functions' connection, then what the network holds."""
    client = target.client("lambda")
    connections: list[Mapping[str, Any]] = []
    for function in deployment.FUNCTIONS:
        name = deployment.function_name(target.stage, function)
        connections.append(client.get_function_configuration(FunctionName=name).get("VpcConfig") or {})
    vpcs = {str(connection.get("VpcId") or "") for connection in connections}
    if vpcs == {""} and target.stage == deployment.LOCAL_STAGE:
        yield absent("network")
        return
    if "" in vpcs or len(vpcs) > 1:
        yield amiss("network", "Not every function is in the stage's private network.", _AGAIN)
        return
    (vpc,) = vpcs
    yield well("network", f"All {len(connections)} functions are in {vpc}.")
    subnets = sorted({subnet for connection in connections for subnet in connection["SubnetIds"]})
    groups = sorted({group for connection in connections for group in connection["SecurityGroupIds"]})
    tables = _tables_of(target, vpc, subnets)
    yield from _endpoints(target, vpc, tables)
    yield from _routes(tables)
    yield from _groups(target, groups)
    yield from _default_group(target, vpc)


def _tables_of(target: Target, vpc: str, subnets: list[str]) -> list[Mapping[str, Any]]:
    """The route tables that the subnets use: a subnet without one of its own uses the network's main one."""
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    found = target.client("ec2").describe_route_tables(Filters=filters)["RouteTables"]
    associated = [(table, association) for table in found for association in table["Associations"]]
    own = {str(association.get("SubnetId")) for _, association in associated}
    falls_back = not own.issuperset(subnets)
    used = {
        str(table["RouteTableId"]): table
        for table, association in associated
        if association.get("SubnetId") in subnets or (falls_back and association["Main"])
    }
    return list(used.values())


def _endpoints(target: Target, vpc: str, tables: list[Mapping[str, Any]]) -> Iterable[Finding]:
    filters = [{"Name": "vpc-id", "Values": [vpc]}]
    found = target.client("ec2").describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
    available = [one for one in found if one["State"].lower() == "available"]
    leading = {
        service: {
            str(name)
            for one in available
            if one["ServiceName"].rpartition(".")[2] == service
            for name in one["RouteTableIds"]
        }
        for service in SERVICES
    }
    used = {str(table["RouteTableId"]) for table in tables}
    missing = [service for service in SERVICES if not leading[service] or used - leading[service]]
    if missing:
        astray = sorted(set().union(*(used - leading[service] for service in missing)))
        said = f"No endpoint reaches {' or '.join(missing)} from {vpc} by {', '.join(astray) or 'any route table'}."
        return [amiss("endpoints", said, _AGAIN)]
    return [well("endpoints", "DynamoDB and S3 are reached through endpoints.")]


def _routes(tables: list[Mapping[str, Any]]) -> Iterable[Finding]:
    if not tables:
        return [amiss("routes", "The functions' subnets have no route table.", _AGAIN)]
    out = sorted(
        {
            str(route.get("DestinationCidrBlock") or route.get("DestinationIpv6CidrBlock"))
            for table in tables
            for route in table["Routes"]
            if route.get("GatewayId") != "local" and not route.get("DestinationPrefixListId")
        }
    )
    if out:
        return [amiss("routes", f"The functions' subnets have a route to {', '.join(out)}.", "Remove it.")]
    return [well("routes", "No route leads anywhere but to the endpoints.")]


def _groups(target: Target, groups: list[str]) -> Iterable[Finding]:
    client = target.client("ec2")
    region = client.meta.region_name
    wanted = {f"com.amazonaws.{region}.{service}" for service in SERVICES}
    filters = [{"Name": "prefix-list-name", "Values": sorted(wanted)}]
    lists = client.describe_managed_prefix_lists(Filters=filters)["PrefixLists"]
    names = {one["PrefixListId"]: one["PrefixListName"] for one in lists}
    allowed: set[str] = set()
    incoming = 0
    for group in client.describe_security_groups(GroupIds=groups)["SecurityGroups"]:
        incoming += len(group["IpPermissions"])
        for rule in group["IpPermissionsEgress"]:
            allowed |= {names.get(one["PrefixListId"], one["PrefixListId"]) for one in rule["PrefixListIds"]}
            allowed |= {one["CidrIp"] for one in rule["IpRanges"]}
            allowed |= {one["CidrIpv6"] for one in rule["Ipv6Ranges"]}
    if incoming or allowed != wanted:
        said = f"The functions' group lets {incoming} kinds of traffic in, and out to {', '.join(sorted(allowed))}."
        return [amiss("security group", said, "It should let nothing in, and out to DynamoDB and S3. " + _AGAIN)]
    return [well("security group", "Nothing comes in; only DynamoDB and S3 are called.")]


def _default_group(target: Target, vpc: str) -> Iterable[Finding]:
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    found = target.client("ec2").describe_security_groups(Filters=filters)["SecurityGroups"]
    if any(group["IpPermissions"] or group["IpPermissionsEgress"] for group in found):
        return [
            amiss(
                "default security group",
                f"Nothing uses the default security group of {vpc}, and it still lets traffic through.",
                "Remove its rules once; docs/account-setup.md says how.",
            )
        ]
    return [well("default security group", "It lets nothing through.")]
