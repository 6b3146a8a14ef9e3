"""Credentials of a role that trusts a service only: what a flaw in a function's code could do at most."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_cloud.identity import ACCOUNT

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud


def function_credentials(cloud: LocalCloud, function: str) -> dict[str, Any]:
    """Temporary credentials of a function's own role; `function` is its name or ARN.

    On AWS only Lambda obtains them.
    """
    return role_credentials(cloud, cloud.client("lambda").get_function_configuration(FunctionName=function)["Role"])


def role_credentials(cloud: LocalCloud, arn: str) -> dict[str, Any]:
    """Temporary credentials of a role that trusts somebody else.

    The account's root adds itself to the role's trust policy for the moment of the call.
    """
    iam = cloud.client("iam")
    name = arn.rsplit("/", 1)[-1]
    trusted = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}
    widened = {**trusted, "Statement": [*trusted["Statement"], root]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(widened))
    try:
        return cloud.assume(arn, session_name="function")
    finally:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(trusted))
