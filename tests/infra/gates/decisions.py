"""Requests to the deployed system, as IAM gets them: who, what, on what, from where, under which policies."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from local_cloud.cdk import node
from tests.infra.gates.deployed import ACCOUNT, REGION
from tests.infra.templates import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.review.assembly import Resource
    from tests.infra.gates.deployed import Deployed

OTHER_ACCOUNT: Final = "444455556666"
ISSUER: Final = "token.actions.githubusercontent.com"
KNOWN_ISSUER: Final = "accounts.google.com"
"""The simulator drops the claims of an issuer that it does not know; under the name of one that it knows, the same
claims are decided the same way."""

ADMINISTRATOR: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
"""What whoever has a person's key may have been given: everything."""


class Answer(StrEnum):
    """What IAM answers."""

    YES = "Allowed"
    NO = "ImplicitlyDenied"
    """Nothing allows it."""
    NEVER = "ExplicitlyDenied"
    """Something denies it, whatever else allows it."""


@dataclass(frozen=True, slots=True)
class Person:
    """A caller with every permission that a policy can give, and no role of this system."""

    principal: str
    arn: str
    kind: str


def role_of_the_account(path: str) -> Person:
    """A session of a role that is none of this system's."""
    name = path.rsplit("/", 1)[-1]
    return Person(
        f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/session", f"arn:aws:iam::{ACCOUNT}:role/{path}", "AssumedRole"
    )


KEY: Final = Person(f"arn:aws:iam::{ACCOUNT}:user/jane", f"arn:aws:iam::{ACCOUNT}:user/jane", "User")
ROOT_USER: Final = Person(f"arn:aws:iam::{ACCOUNT}:root", f"arn:aws:iam::{ACCOUNT}:root", "Account")
FEDERATED: Final = Person(
    f"arn:aws:sts::{ACCOUNT}:federated-user/jane", f"arn:aws:sts::{ACCOUNT}:federated-user/jane", "FederatedUser"
)
_SSO: Final = f"aws-reserved/sso.amazonaws.com/{REGION}/AWSReservedSSO_"
PLATFORM_TEAM: Final = role_of_the_account(f"{_SSO}SwitchboardPlatform_0123456789abcdef")
OTHER_TEAM: Final = role_of_the_account(f"{_SSO}ReadOnly_0123456789abcdef")
DEPLOYMENT: Final = role_of_the_account(f"cdk-hnb659fds-cfn-exec-role-{ACCOUNT}-{REGION}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request and what IAM must answer.

    `who` is the place of a role, a person, or what assumes a role. `on` is the place of a resource, or an ARN.
    """

    says: str
    expected: Answer
    who: str | Person
    action: str
    on: str
    context: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    below: str = ""
    """What follows the resource's ARN, such as `/index/by_day`."""
    through: str = ""
    """The place of the endpoint that the request takes; empty for the public one."""
    in_organisation: bool = False
    """The organisation's policy applies."""
    also_given: bool = False
    """Somebody attached every permission there is to the role."""


def simulation(deployed: Deployed, control: Mapping[str, Any], request: Request) -> dict[str, Any]:
    """The request as the simulator takes it, with the policies of the synthesized templates."""
    is_arn = request.on.startswith("arn:") or request.on == "*"
    target = None if is_arn else deployed.at(request.on)
    principal, known, policies, limits = _caller(deployed, request)
    context = {"aws:RequestedRegion": REGION, "aws:SecureTransport": "true", **known, **request.context}
    if request.through:
        context["aws:SourceVpce"] = deployed.at(request.through).logical_id
    organisation = [{"orgIdentifier": "r-root", "policies": [{"name": "all", "policy": ADMINISTRATOR}]}]
    if request.in_organisation:
        organisation[0]["policies"].append({"name": "control", "policy": dict(control)})  # type: ignore[attr-defined]
    return {
        "request": {
            "principal": principal,
            "action": request.action,
            "resource": {
                "resource": (request.on if target is None else deployed.arn(request.on)) + request.below,
                "accountId": OTHER_ACCOUNT if OTHER_ACCOUNT in request.on else ACCOUNT,
            },
            "contextVariables": {
                key: value if isinstance(value, str) else list(value) for key, value in context.items()
            },
        },
        "identityPolicies": _named(policies),
        "permissionBoundaryPolicies": _named(limits) if limits else None,
        "serviceControlPolicies": organisation,
        "resourceControlPolicies": [],
        "resourcePolicy": None if target is None else _own_policy(deployed, target),
        "vpcEndpointPolicies": _named([deployed.document(request.through, "PolicyDocument")])
        if request.through
        else None,
    }


def decide(simulations: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What the simulator answers to each, in one process for all. Raises `RuntimeError` where it cannot run."""
    done = subprocess.run(
        [str(node()), ROOT / "tests" / "infra" / "gates" / "decide.mjs"],
        input=re.sub(rf"{ISSUER}(?=:(?:aud|sub))", KNOWN_ISSUER, json.dumps(simulations)),
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        raise RuntimeError(f"The simulator failed: {done.stderr[-500:]}")
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def _caller(
    deployed: Deployed, request: Request
) -> tuple[str, dict[str, str], list[dict[str, Any]], list[dict[str, Any]]]:
    if isinstance(request.who, Person):
        person = request.who
        known = {
            "aws:PrincipalArn": person.arn,
            "aws:PrincipalType": person.kind,
            "aws:PrincipalAccount": ACCOUNT,
        }
        return person.principal, known, [ADMINISTRATOR], []
    if request.who.startswith("arn:") or request.who.endswith(".amazonaws.com"):
        return request.who, {}, [], []
    role = deployed.at(request.who)
    known = {
        "aws:PrincipalArn": deployed.arn(request.who),
        "aws:PrincipalType": "AssumedRole",
        "aws:PrincipalAccount": ACCOUNT,
    }
    policies = [*deployed.policies(role), *([ADMINISTRATOR] if request.also_given else [])]
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.logical_id}/session"
    return session, known, policies, deployed.boundary(role)


def _own_policy(deployed: Deployed, target: Resource) -> dict[str, Any] | None:
    where = {
        "AWS::DynamoDB::Table": ("ResourcePolicy", "PolicyDocument"),
        "AWS::IAM::Role": ("AssumeRolePolicyDocument",),
        "AWS::KMS::Key": ("KeyPolicy",),
    }.get(target.type)
    return deployed.document(target.place, *where) if where else None


def _named(policies: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": f"policy{number}", "policy": dict(policy)} for number, policy in enumerate(policies)]
