from __future__ import annotations

from typing import TYPE_CHECKING, Any

from local_cloud.identity import ACCOUNT
from tests.conformance.scenarios import code_of, stack

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud


def allow(*actions: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    ],
}


def with_role(*, bounded: bool) -> dict[str, Any]:
    boundary = {"PermissionsBoundary": {"Ref": "Boundary"}} if bounded else {}
    return {
        "Boundary": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {"PolicyDocument": allow("s3:ListAllMyBuckets")},
        },
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST} | boundary},
        "Policy": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "PolicyDocument": allow("s3:ListAllMyBuckets", "dynamodb:ListTables"),
                "Roles": [{"Ref": "Role"}],
            },
        },
    }


def listing(cloud: LocalCloud, stack_name: str) -> tuple[str, str]:
    """What becomes of listing tables and of listing buckets with the stack's role, whose boundary allows the latter."""
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=stack_name)["StackResources"]
    name = next(found["PhysicalResourceId"] for found in resources if found["LogicalResourceId"] == "Role")
    credentials = cloud.assume(f"arn:aws:iam::{ACCOUNT}:role/{name}", session_name="test")
    tables, buckets = cloud.client("dynamodb", credentials), cloud.client("s3", credentials)
    return code_of(tables.list_tables), code_of(buckets.list_buckets)


def test_a_stack_sets_the_boundary_of_its_role(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    name, status = stack(corrected, with_role(bounded=True))
    assert status == "CREATE_COMPLETE"
    assert listing(corrected, name) == ("AccessDeniedException", "allowed")

    name, _ = stack(as_it_comes, with_role(bounded=True))
    assert listing(as_it_comes, name) == ("allowed", "allowed")


def test_an_update_sets_and_removes_it(corrected: LocalCloud) -> None:
    name, _ = stack(corrected, with_role(bounded=False))
    assert listing(corrected, name) == ("allowed", "allowed")
    stack(corrected, with_role(bounded=True), name)
    assert listing(corrected, name) == ("AccessDeniedException", "allowed")
    stack(corrected, with_role(bounded=False), name)
    assert listing(corrected, name) == ("allowed", "allowed")
