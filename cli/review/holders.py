"""Whose a policy is: the app's roles, and everybody else that a template gives permissions to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.review.assembly import Resource, StageTemplates

    Held = Iterator[tuple[str, str, Mapping[str, Any], str]]
    """The holder, the stack of the document, the document, and whether it gives or limits."""

ROLE: Final = "AWS::IAM::Role"
USER: Final = "AWS::IAM::User"
GROUP: Final = "AWS::IAM::Group"
MANAGED_POLICY: Final = "AWS::IAM::ManagedPolicy"
INLINE_POLICY: Final = "AWS::IAM::Policy"
OWN: Final = "policy"
BOUNDARY: Final = "boundary"

HOLDERS: Final = (ROLE, USER, GROUP)
"""Who can hold a policy."""
_ATTACHED: Final = {"Roles": "role", "Users": "user", "Groups": "group"}
"""Where a policy names its holders, and what they are."""
_ADDED: Final = {
    "AWS::IAM::RolePolicy": "RoleName",
    "AWS::IAM::UserPolicy": "UserName",
    "AWS::IAM::GroupPolicy": "GroupName",
}
"""Policies that are resources of their own, and where they name their holder."""


def held(stage: StageTemplates) -> Held:
    """Every policy document that somebody holds. Who is not of the app is named as its template names it."""
    for holder in stage.of_type(*HOLDERS):
        yield from _of(stage, holder)
    for policy in stage.of_type(MANAGED_POLICY, INLINE_POLICY):
        document = policy.properties["PolicyDocument"]
        for attached, kind in _ATTACHED.items():
            for named in policy.properties.get(attached, ()):
                yield _holder(stage, policy, named, kind), policy.stack, document, OWN
    for policy in stage.of_type(*_ADDED):
        named = policy.properties[_ADDED[policy.type]]
        kind = _ADDED[policy.type].removesuffix("Name").lower()
        yield _holder(stage, policy, named, kind), policy.stack, policy.properties["PolicyDocument"], OWN


def _of(stage: StageTemplates, holder: Resource) -> Held:
    for inline in holder.properties.get("Policies", ()):
        yield holder.place, holder.stack, inline["PolicyDocument"], OWN
    for arn in holder.properties.get("ManagedPolicyArns", ()):
        policy = stage.target(holder.stack, arn)
        if policy is not None:
            yield holder.place, policy.stack, policy.properties["PolicyDocument"], OWN
        else:
            yield holder.place, holder.stack, _elsewhere(stage.text(holder.stack, arn)), OWN
    limit = stage.target(holder.stack, holder.properties.get("PermissionsBoundary"))
    if limit is not None:
        yield holder.place, limit.stack, limit.properties["PolicyDocument"], BOUNDARY


def _holder(stage: StageTemplates, policy: Resource, named: Any, kind: str) -> str:
    found = stage.target(policy.stack, named)
    return found.place if found is not None else f"{kind} {stage.text(policy.stack, named)}"


def _elsewhere(policy: str) -> Mapping[str, Any]:
    """A policy whose statements are not in the templates, such as one that AWS keeps: it may say anything."""
    return {"Statement": {"Effect": "Allow", "Action": f"everything in {policy}", "Resource": "*"}}
