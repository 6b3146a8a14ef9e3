"""What needs a role's permissions when it is created comes after the policies that give them.

AWS checks the permissions of a role when it creates a function in a network, a mapping, a state machine, a trail; the
emulator never does. A role that refers to its policies has them from the beginning; a policy that refers to its role
may come any time after it, unless something says otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cli.review.assembly import read_assembly
from cli.review.holders import INLINE_POLICY, MANAGED_POLICY, ROLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cli.review.assembly import Resource, StageTemplates

FUNCTION = "AWS::Lambda::Function"
CALLS_A_FUNCTION = ("AWS::Lambda::EventSourceMapping", "AWS::Lambda::EventInvokeConfig")
ROLE_OF = {
    FUNCTION: ("Role",),
    "AWS::StepFunctions::StateMachine": ("RoleArn",),
    "AWS::EC2::FlowLog": ("DeliverLogsPermissionArn",),
    "AWS::CloudTrail::Trail": ("CloudWatchLogsRoleArn",),
    "AWS::Backup::BackupSelection": ("BackupSelection", "IamRoleArn"),
}
"""Where what is checked at its creation names its role."""


def references(value: Any) -> Iterator[str]:
    """Logical ids that a value of a template refers to."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref" and isinstance(inner, str):
                yield inner
            elif key == "Fn::GetAtt" and isinstance(inner, list):
                yield inner[0]
            else:
                yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def created_before(stage: StageTemplates, resource: Resource) -> set[str]:
    """Logical ids of everything in its stack that CloudFormation creates before a resource."""
    before: set[str] = set()
    waiting = [resource]
    while waiting:
        current = waiting.pop()
        for logical_id in {*current.depends_on, *references(dict(current.properties))} - before:
            found = stage.find(resource.stack, logical_id)
            if found is not None:
                before.add(logical_id)
                waiting.append(found)
    return before


def role_of(stage: StageTemplates, resource: Resource) -> Resource:
    """The role with which a resource works; raises `LookupError` for one that the stage does not have."""
    if resource.type in CALLS_A_FUNCTION:
        function = stage.target(resource.stack, resource.properties["FunctionName"])
        assert function is not None
        return role_of(stage, function)
    value: Any = resource.properties
    for name in ROLE_OF[resource.type]:
        value = value[name]
    role = stage.target(resource.stack, value)
    if role is None or role.type != ROLE:
        raise LookupError(f"{resource.place} works with a role of somebody else")
    return role


def too_early(stage: StageTemplates) -> list[str]:
    """What may be created before a policy of its role."""
    order = list(stage.templates)
    found = []
    for resource in stage.of_type(*ROLE_OF, *CALLS_A_FUNCTION):
        role, before = role_of(stage, resource), created_before(stage, resource)
        for policy in stage.of_type(MANAGED_POLICY, INLINE_POLICY):
            attached = [stage.target(policy.stack, name) for name in policy.properties.get("Roles", ())]
            later = order.index(policy.stack) > order.index(resource.stack)
            if role in attached and (later or (policy.stack == resource.stack and policy.logical_id not in before)):
                found.append(f"{resource.place} before {policy.place}")
    return found


@pytest.fixture(scope="module")
def stages(gated: Path) -> tuple[StageTemplates, ...]:
    return read_assembly(gated)


def test_policies_come_first(stages: tuple[StageTemplates, ...]) -> None:
    judged = {resource.type for stage in stages for resource in stage.of_type(*ROLE_OF, *CALLS_A_FUNCTION)}
    assert judged == {*ROLE_OF, *CALLS_A_FUNCTION}
    assert [problem for stage in stages for problem in too_early(stage)] == []


@pytest.mark.parametrize("place", ["functions/Cdr/Writer/Function", "backfill/Machine/Machine"])
def test_a_forgotten_dependency_is_noticed(stages: tuple[StageTemplates, ...], place: str) -> None:
    prod = next(stage for stage in stages if stage.name == "prod")
    forgetful = tuple(replace(each, depends_on=()) if each.place == place else each for each in prod.resources)
    problems = too_early(replace(prod, resources=forgetful))
    policy = f"{place.rsplit('/', 1)[0]}/Policy"
    assert f"{place} before {policy}" in problems
    assert all(problem.endswith(policy) for problem in problems)
