"""Who may do what: each role's permissions as rows of role, action and resource, read from the templates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.review.assembly import Resource, StageTemplates

ROLE: Final = "AWS::IAM::Role"
MANAGED_POLICY: Final = "AWS::IAM::ManagedPolicy"
INLINE_POLICY: Final = "AWS::IAM::Policy"
OWN: Final = "policy"
BOUNDARY: Final = "boundary"
_ALL_BUT: Final = "all but "


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One action on one resource that a statement allows or denies to a role."""

    role: str
    """The role's place, such as `functions/Cdr/Writer/Role`."""
    action: str
    resource: str
    effect: str
    sid: str
    condition: str
    """The statement's conditions as JSON; empty without any."""
    through: str
    """`policy` for what is given, `boundary` for what is at most given."""

    @property
    def wildcard(self) -> bool:
        """Whether the statement names every resource, more than one action by a pattern, or all but a few."""
        excepting = self.action.startswith(_ALL_BUT) or self.resource.startswith(_ALL_BUT)
        return self.resource == "*" or "*" in self.action or excepting


def grants(stage: StageTemplates) -> tuple[Grant, ...]:
    """Every grant of every role of the stage, sorted by role, action and resource."""
    found: set[Grant] = set()
    for role in stage.of_type(ROLE):
        for stack, document, through in _documents(stage, role):
            found.update(_rows(stage, stack, role.place, document, through))
    return tuple(sorted(found))


def trust(stage: StageTemplates, role: Resource) -> tuple[str, ...]:
    """Who may assume a role, statement by statement: principals and conditions in a line each."""
    return tuple(
        " ".join(
            part
            for part in (
                "anyone" if statement.get("Principal") == "*" else _principals(stage, role.stack, statement),
                f"if {_condition(stage, role.stack, statement)}" if "Condition" in statement else "",
            )
            if part
        )
        for statement in _listed(role.properties["AssumeRolePolicyDocument"]["Statement"])
    )


def _documents(stage: StageTemplates, role: Resource) -> Iterator[tuple[str, Mapping[str, Any], str]]:
    for inline in role.properties.get("Policies", ()):
        yield role.stack, inline["PolicyDocument"], OWN
    for policy in stage.of_type(MANAGED_POLICY, INLINE_POLICY):
        attached = (stage.target(policy.stack, each) for each in policy.properties.get("Roles", ()))
        if role in attached:
            yield policy.stack, policy.properties["PolicyDocument"], OWN
    for arn in role.properties.get("ManagedPolicyArns", ()):
        attached_policy = stage.target(role.stack, arn)
        if attached_policy is not None:
            yield attached_policy.stack, attached_policy.properties["PolicyDocument"], OWN
        else:
            yield role.stack, _elsewhere(stage.text(role.stack, arn)), OWN
    limit = stage.target(role.stack, role.properties.get("PermissionsBoundary"))
    if limit is not None:
        yield limit.stack, limit.properties["PolicyDocument"], BOUNDARY


def _elsewhere(policy: str) -> Mapping[str, Any]:
    """A policy whose statements are not in the templates, such as one that AWS keeps: it may say anything."""
    return {"Statement": {"Effect": "Allow", "Action": f"everything in {policy}", "Resource": "*"}}


def _rows(stage: StageTemplates, stack: str, role: str, document: Mapping[str, Any], through: str) -> Iterator[Grant]:
    for statement in _listed(document["Statement"]):
        actions = _either(stage, stack, statement, "Action")
        for action, resource in product(actions, _either(stage, stack, statement, "Resource")):
            yield Grant(
                role=role,
                action=action,
                resource=resource,
                effect=statement["Effect"],
                sid=statement.get("Sid", ""),
                condition=_condition(stage, stack, statement) if "Condition" in statement else "",
                through=through,
            )


def _either(stage: StageTemplates, stack: str, statement: Mapping[str, Any], what: str) -> list[str]:
    """What a statement names, or names as exceptions."""
    if what in statement:
        return [stage.text(stack, each) for each in _listed(statement[what])]
    return [_ALL_BUT + stage.text(stack, each) for each in _listed(statement[f"Not{what}"])]


def _principals(stage: StageTemplates, stack: str, statement: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{kind} {stage.text(stack, each)}"
        for kind, named in sorted(statement["Principal"].items())
        for each in _listed(named)
    )


def _condition(stage: StageTemplates, stack: str, statement: Mapping[str, Any]) -> str:
    readable = {
        operator: {key: [stage.text(stack, each) for each in _listed(value)] for key, value in tests.items()}
        for operator, tests in statement["Condition"].items()
    }
    return json.dumps(readable, sort_keys=True, ensure_ascii=False)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
