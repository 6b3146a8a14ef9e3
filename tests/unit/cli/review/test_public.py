from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cli.review.public import exposures
from tests.unit.cli.review.system import PRIVATE, System, allow, resource

if TYPE_CHECKING:
    from pathlib import Path

ANYBODY: dict[str, Any] = {"Principal": "*"}


def statement(**more: Any) -> dict[str, Any]:
    return {"PolicyDocument": {"Statement": [allow("s3:GetObject", "*", **{"Principal": {"AWS": "*"}, **more})]}}


def found(folder: Path, kind: str, properties: dict[str, Any]) -> list[tuple[str, str]]:
    system = System("prod")
    system.resources("prod", "data")["Planted1"] = resource(kind, "data/Planted", **properties)
    (stage,) = system.read(folder)
    return [(each.place, each.how) for each in exposures(stage)]


@pytest.mark.parametrize(
    ("kind", "properties", "how"),
    [
        ("S3::BucketPolicy", statement(), "anybody s3:GetObject"),
        ("S3::BucketPolicy", statement(Principal="*"), "anybody s3:GetObject"),
        ("S3::BucketPolicy", statement(Principal={"AWS": ["arn:aws:iam::1:root", "*"]}), "anybody"),
        ("S3::BucketPolicy", statement(Condition={"StringEquals": {"aws:SourceIp": "10.0.0.1"}}), "anybody"),
        ("S3::BucketPolicy", statement(Condition={"StringLike": {"aws:PrincipalArn": "*"}}), "anybody"),
        ("S3::BucketPolicy", statement(Condition={"StringNotEquals": {"aws:PrincipalAccount": "1"}}), "anybody"),
        ("S3::BucketPolicy", statement(Condition={"StringEqualsIfExists": {"aws:SourceVpce": "v"}}), "anybody"),
        (
            "SQS::QueuePolicy",
            {"PolicyDocument": {"Statement": {"Effect": "Allow", "NotAction": "x", **ANYBODY}}},
            "everything but",
        ),
        (
            "IAM::Role",
            {"AssumeRolePolicyDocument": {"Statement": [allow("sts:AssumeRole", "*", **ANYBODY)]}},
            "anybody sts",
        ),
        ("S3::Bucket", {}, "nothing keeps it from becoming public: BlockPublicAcls, BlockPublicPolicy"),
        (
            "S3::Bucket",
            {"PublicAccessBlockConfiguration": {**PRIVATE, "IgnorePublicAcls": False}},
            "IgnorePublicAcls off",
        ),
        ("S3::Bucket", {"PublicAccessBlockConfiguration": PRIVATE, "AccessControl": "PublicRead"}, "PublicRead"),
        ("Lambda::Url", {"AuthType": "NONE"}, "without any authentication"),
        ("Lambda::Permission", ANYBODY, "anybody may invoke"),
        ("EC2::SecurityGroup", {"SecurityGroupIngress": [{"CidrIpv6": "::/0", "FromPort": 22}]}, "port 22"),
        ("EC2::SecurityGroupIngress", {"CidrIp": "0.0.0.0/0"}, "open to the internet"),
        ("EC2::InternetGateway", {}, "internet"),
        ("EC2::Subnet", {"MapPublicIpOnLaunch": True}, "address on the internet"),
        ("ApiGateway::RestApi", {}, "interface on the internet"),
        ("ApiGatewayV2::Api", {}, "interface on the internet"),
        ("CloudFront::Distribution", {}, "website"),
        ("ElasticLoadBalancingV2::LoadBalancer", {}, "load balancer"),
    ],
)
def test_what_is_public_is_found(tmp_path: Path, kind: str, properties: dict[str, Any], how: str) -> None:
    ((place, said),) = found(tmp_path, f"AWS::{kind}", properties)
    assert place == "data/Planted"
    assert how in said


@pytest.mark.parametrize(
    ("kind", "properties"),
    [
        ("S3::BucketPolicy", statement(Effect="Deny")),
        ("S3::BucketPolicy", statement(Principal={"AWS": "arn:aws:iam::1:root"})),
        ("S3::BucketPolicy", statement(Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}})),
        ("S3::BucketPolicy", statement(Condition={"ArnLike": {"AWS:SourceArn": "arn:aws:s3:::x*"}})),
        ("S3::Bucket", {"PublicAccessBlockConfiguration": PRIVATE}),
        ("Lambda::Url", {"AuthType": "AWS_IAM"}),
        ("Lambda::Permission", {**ANYBODY, "SourceAccount": "1"}),
        ("EC2::SecurityGroup", {"SecurityGroupIngress": [{"CidrIp": "10.0.0.0/8"}]}),
        ("EC2::Subnet", {"MapPublicIpOnLaunch": False}),
        ("ApiGateway::RestApi", {"EndpointConfiguration": {"Types": ["PRIVATE"]}}),
        ("ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internal"}),
    ],
)
def test_what_is_not_public_is_not(tmp_path: Path, kind: str, properties: dict[str, Any]) -> None:
    assert found(tmp_path, f"AWS::{kind}", properties) == []
