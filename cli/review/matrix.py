"""Permissions as a reviewer reads them: each role's statements, with the actions and resources that belong together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cli.review.grants import grants, trust
from cli.review.holders import BOUNDARY, OWN, ROLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.review.assembly import StageTemplates


@dataclass(frozen=True, slots=True)
class Permission:
    """What one role may do, or may not, with some resources. A boundary limits all the roles in `place`."""

    place: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: str
    sid: str
    through: str
    wildcard: bool


@dataclass(frozen=True, slots=True)
class Trusted:
    """A role, who may assume it, and whether a boundary limits it."""

    place: str
    purpose: str
    assumed_by: tuple[str, ...]
    boundary: str


def permissions(stage: StageTemplates) -> Iterator[Permission]:
    """Every statement that gives or denies something to a role, then the boundaries, each once for all its roles."""
    yield from _grouped(stage, OWN)
    roles: dict[Permission, list[str]] = {}
    for limit in _grouped(stage, BOUNDARY):
        roles.setdefault(replace(limit, place=""), []).append(limit.place)
    for limit, places in roles.items():
        yield replace(limit, place=", ".join(places))


def trusted(stage: StageTemplates) -> Iterator[Trusted]:
    """Every role."""
    for role in stage.of_type(ROLE):
        limit = stage.target(role.stack, role.properties.get("PermissionsBoundary"))
        purpose = stage.text(role.stack, role.properties.get("Description", ""))
        yield Trusted(role.place, purpose, trust(stage, role), limit.place if limit else "")


def _grouped(stage: StageTemplates, through: str) -> Iterator[Permission]:
    by_resource: dict[Permission, set[str]] = {}
    for grant in grants(stage):
        if grant.through == through:
            permission = Permission(
                *(grant.role, grant.effect, (), (grant.resource,), grant.condition, grant.sid, through, grant.wildcard)
            )
            by_resource.setdefault(permission, set()).add(grant.action)
    by_actions: dict[Permission, list[str]] = {}
    for permission, actions in by_resource.items():
        statement = replace(permission, actions=tuple(sorted(actions)), resources=())
        by_actions.setdefault(statement, []).extend(permission.resources)
    for statement, resources in by_actions.items():
        yield replace(statement, resources=tuple(resources))
