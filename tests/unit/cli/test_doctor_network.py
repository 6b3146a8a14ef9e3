"""`switchboard doctor` on the routes of a stage's network: those that a subnet has, and those that it falls back to."""

from __future__ import annotations

from typing import Any

import pytest

from cli.errors import Code
from tests.unit.cli.test_doctor import endpoints, examine, route_table

MAIN: dict[str, Any] = {"Main": True}
OWN: dict[str, Any] = {"Main": False, "SubnetId": "subnet-1"}
OF_OTHERS: dict[str, Any] = {"Main": False, "SubnetId": "subnet-9"}
TO_THE_INTERNET = {"DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}


def routed(*tables: dict[str, Any]) -> dict[str, Any]:
    return {"ec2__describe_route_tables": {"RouteTables": list(tables)}}


def test_a_subnet_without_a_table_of_its_own_uses_the_networks_main_one() -> None:
    code, found = examine(**routed(route_table("rtb-1", MAIN), route_table("rtb-9", OF_OTHERS, TO_THE_INTERNET)))
    assert (code, found["routes"][0], found["endpoints"][0]) == (Code.DONE, "well", "well")


def test_a_main_table_that_nobody_uses_may_lead_anywhere() -> None:
    code, _ = examine(**routed(route_table("rtb-1", OWN), route_table("rtb-9", MAIN, TO_THE_INTERNET)))
    assert code == Code.DONE


@pytest.mark.parametrize(
    ("changed", "about", "said"),
    [
        (routed(route_table("rtb-1", MAIN, TO_THE_INTERNET)), "routes", "0.0.0.0/0"),
        (routed(route_table("rtb-1", OF_OTHERS)), "routes", "no route table"),
        (
            {"ec2__describe_vpc_endpoints": endpoints("dynamodb", "s3", led_to_from=("rtb-9",))},
            "endpoints",
            "rtb-1",
        ),
        (
            {"ec2__describe_vpc_endpoints": endpoints("dynamodb", "s3", led_to_from=())},
            "endpoints",
            "dynamodb or s3",
        ),
    ],
)
def test_a_table_that_leads_elsewhere_is_amiss(changed: dict[str, Any], about: str, said: str) -> None:
    code, found = examine(**changed)
    assert code == Code.PARTLY
    assert found[about][0] == "amiss"
    assert said in found[about][1]
