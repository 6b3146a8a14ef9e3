"""The policies with which CloudFormation works hold what the stacks hold, and nobody's keys."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Final

import pytest
from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER  # type: ignore[import-untyped]  # it ships no types
from policy_sentry.querying.actions import get_action_data

from tests.infra.templates import ROOT, STAGES, stacks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.infra.templates import Templates


def statements_of(example: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads((ROOT / "docs/examples" / example).read_text())["Statement"]
    return statements


POLICY: Final = statements_of("execution-policy.json")
ORGANISATION: Final = statements_of("organisation-policy.json")
LARGEST_POLICY = 6_144
ANY: Final = "any resource"

LEFT_OUT: Final = {
    "autoscaling:*": "flow logs are of a network, not of a group of instances",
    "backup-storage:Mount": "IAM knows MountCapsule only",
    "ec2:*SubnetCidrBlock": "no subnet has a second range",
    "ec2:CreateVpcEncryptionControl": "no network asks for it",
    "ec2:ModifyVpcTenancy": "no network asks for machines of its own",
    "elasticfilesystem:*": "no function mounts a file system",
    "firehose:*": "no log group delivers to Firehose",
    "iam:*GroupPolicy": "no policy is attached to a group",
    "iam:*UserPolicy": "no policy is attached to a user",
    "iam:DeleteRolePermissionsBoundary": "no role loses its boundary",
    "iam:DeleteRolePolicy": "no role has a policy inline",
    "iam:PutRolePolicy": "no role has a policy inline",
    "kinesis:*": "no table streams to Kinesis",
    "kms:Encrypt": "the keys' own policies admit callers through the service",
    "kms:RevokeGrant": "no grant outlives its table or its function",
    "logs:*IndexPolicy": "no log group has one",
    "logs:*ResourcePolicy": "nobody delivers but by roles, and below the prefix that needs none",
    "organizations:ListAWSServiceAccessForOrganization": "the trail is the account's own",
    "s3files:*": "no function mounts a bucket",
    "s3tables:*": "no bucket keeps tables of metadata",
    "sns:Unsubscribe": "the topic lists no subscribers: each is a resource of its own",
    "vpc-lattice:*": "endpoints are of DynamoDB and S3",
    "vpce:*": "no endpoint reaches another region",
}
"""What handlers of CloudFormation call for properties that these stacks do not have, and why not."""

SERVICE_ROLE: Final = "role/aws-service-role"
BACKUP: Final = "AWSServiceRoleForBackup"
KEYS_AND_PASSWORDS: Final = (
    "iam:AttachUserPolicy",
    "iam:CreateAccessKey",
    "iam:CreateGroup",
    "iam:CreateLoginProfile",
    "iam:CreateUser",
)


def says(effect: str, action: str, resource: str, policy: list[dict[str, Any]] = POLICY) -> bool:
    return any(
        statement["Effect"] == effect
        and any(fnmatchcase(action.lower(), one.lower()) for one in _listed(statement["Action"]))
        and (resource == ANY or any(fnmatchcase(resource, one) for one in _listed(statement["Resource"])))
        for statement in policy
    )


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]


def called(kinds: set[str]) -> Iterator[str]:
    """What the handlers of these types call to make, look at, change and remove them, as their schemas say."""
    for kind in kinds:
        handlers = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", kind).schema["handlers"]
        assert handlers, kind
        for task in ("create", "read", "update", "delete"):
            yield from handlers.get(task, {}).get("permissions", ())


def needs_every_resource(action: str) -> bool:
    """Whether IAM knows no resource to which the action could be narrowed."""
    service, _, name = action.partition(":")
    found = get_action_data(service.lower(), name) or {}
    return {each["resource_arn_format"] for each in found.get(service.lower(), ())} == {"*"}


def missing(kinds: set[str], policy: list[dict[str, Any]]) -> set[str]:
    """What handlers call and the policy does not allow at all, or not as IAM asks for it."""
    return {
        action
        for action in called(kinds)
        if not says("Allow", action, "*" if needs_every_resource(action) else ANY, policy)
    }


def kinds_of(templates: Templates, *stages: str) -> set[str]:
    return {
        found["Type"]
        for (stage, _), template in templates.by_stack.items()
        if stage in stages
        for found in template["Resources"].values()
    }


@pytest.mark.parametrize("stage", STAGES)
def test_everything_the_stacks_hold_can_be_made_changed_and_removed(templates: Templates, stage: str) -> None:
    assert {key[1] for key in templates.by_stack if key[0] == stage} == set(stacks_of(stage))
    lacking = missing(kinds_of(templates, stage), POLICY)
    assert {one for one in lacking if not any(fnmatchcase(one, pattern) for pattern in LEFT_OUT)} == set()


def test_what_is_left_out_is_called_by_some_handler(templates: Templates) -> None:
    lacking = missing(kinds_of(templates, *STAGES), POLICY)
    assert [pattern for pattern in LEFT_OUT if not any(fnmatchcase(one, pattern) for one in lacking)] == []


def test_the_management_account_makes_the_organisations_policy_with_one_of_its_own(organisation: Templates) -> None:
    kinds = kinds_of(organisation, "organisation")
    assert kinds == {"AWS::Organizations::Policy"}
    assert missing(kinds, ORGANISATION) == set()
    granted = {action for one in ORGANISATION for action in _listed(one["Action"])}
    assert granted == {*called(kinds), "ssm:GetParameters"}


@pytest.mark.parametrize(
    ("action", "resource", "allowed"),
    [
        ("iam:CreateRole", "arn:aws:iam::1:role/switchboard-prod-access-QmServiceRole-X", True),
        ("iam:CreateRole", "arn:aws:iam::1:role/Administrator", False),
        ("iam:PassRole", "arn:aws:iam::1:role/switchboard-prod-functions-CdrWriterRole-X", True),
        ("iam:PassRole", "arn:aws:iam::1:role/Administrator", False),
        ("iam:AttachRolePolicy", "arn:aws:iam::1:role/Administrator", False),
        ("dynamodb:CreateTable", "arn:aws:dynamodb:eu-central-1:1:table/switchboard-prod-data-CdrTable-X", True),
        ("dynamodb:DeleteTable", "arn:aws:dynamodb:eu-central-1:1:table/of-somebody-else", False),
        ("s3:PutObject", "arn:aws:s3:::of-somebody-else/x", False),
        ("lambda:TagResource", "arn:aws:lambda:eu-central-1:1:event-source-mapping:1", True),
        ("lambda:UntagResource", "arn:aws:lambda:eu-central-1:1:event-source-mapping:1", True),
        ("lambda:ListTags", "arn:aws:lambda:eu-central-1:1:event-source-mapping:1", True),
        ("lambda:TagResource", "arn:aws:lambda:eu-central-1:1:function:of-somebody-else", False),
        ("iam:ListEntitiesForPolicy", "arn:aws:iam::1:policy/switchboard-prod-network-FunctionBoundary-X", True),
        ("iam:CreateServiceLinkedRole", f"arn:aws:iam::1:{SERVICE_ROLE}/backup.amazonaws.com/{BACKUP}", True),
        ("iam:CreateServiceLinkedRole", f"arn:aws:iam::1:{SERVICE_ROLE}/ecs.amazonaws.com/AnyRole", False),
        ("organizations:CreatePolicy", "*", False),
        ("organizations:LeaveOrganization", "*", False),
    ],
)
def test_it_ends_at_the_systems_names(action: str, resource: str, *, allowed: bool) -> None:
    assert says("Allow", action, resource) is allowed


@pytest.mark.parametrize("action", ["kms:CreateGrant", "kms:Decrypt", "kms:GenerateDataKey", "kms:RetireGrant"])
def test_keys_are_used_for_the_vault_by_aws_backup_only(action: str) -> None:
    (using,) = (one for one in POLICY if action in _listed(one["Action"]))
    assert list(using["Condition"]["StringLike"]) == ["kms:ViaService"]
    (service,) = using["Condition"]["StringLike"].values()
    assert fnmatchcase("backup.eu-central-1.amazonaws.com", service)
    assert not fnmatchcase("dynamodb.eu-central-1.amazonaws.com", service)


def test_the_page_says_what_the_policy_does_not_hold(templates: Templates) -> None:
    roles = [role for stage in STAGES for role in templates.resources(stage, "AWS::IAM::Role").values()]
    unbound = [role for role in roles if "PermissionsBoundary" not in role["Properties"]]
    (making,) = (one for one in POLICY if "iam:CreateRole" in _listed(one["Action"]))
    # While roles of AWS services and of operators have no boundary, none can be demanded of every role.
    assert unbound
    assert "Condition" not in making
    page = " ".join((ROOT / "docs" / "account-setup.md").read_text().split())
    assert "A merged template can make itself administrator" in page


@pytest.mark.parametrize("action", KEYS_AND_PASSWORDS)
def test_nobody_gets_a_key_or_a_password(action: str) -> None:
    assert says("Deny", action, "arn:aws:iam::1:user/jo")
    assert not says("Allow", action, "arn:aws:iam::1:user/jo")


@pytest.mark.parametrize("policy", [POLICY, ORGANISATION], ids=["execution", "organisation"])
def test_iam_takes_it(policy: list[dict[str, Any]]) -> None:
    text = json.dumps({"Version": "2012-10-17", "Statement": policy}, separators=(",", ":"))
    assert len(text) < LARGEST_POLICY
