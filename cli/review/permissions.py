"""Permissions and trust that a change gives or takes away, statement by statement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cli.review.changes import Change, Kind
from cli.review.grants import grants, trust
from cli.review.holders import BOUNDARY, HOLDERS, ROLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cli.review.assembly import StageTemplates
    from cli.review.grants import Grant

_ALLOW: Final = "Allow"


def changed(before: StageTemplates, after: StageTemplates) -> Iterator[Change]:
    """What roles may do that they could not before, the reverse, and who may be them."""
    # A statement by another name says the same.
    old, new = ({replace(grant, sid="") for grant in grants(stage)} for stage in (before, after))
    limited = [{grant.role for grant in found if grant.through == BOUNDARY} for found in (old, new)]
    unlimited = (limited[0] - limited[1]) & {role.place for role in after.of_type(*HOLDERS)}
    for holder in sorted(unlimited):
        yield Change(Kind.PERMISSION_ADDED, holder, "its boundary is gone: nothing limits any more what it is given")
    lost = {grant for grant in old - new if not (grant.through == BOUNDARY and grant.role in unlimited)}
    yield from _by_statement(new - old, Kind.PERMISSION_ADDED, Kind.PERMISSION_REMOVED, "is new")
    yield from _by_statement(lost, Kind.PERMISSION_REMOVED, Kind.PERMISSION_ADDED, "is gone")
    yield from _trusts(before, after)


def _by_statement(found: Iterable[Grant], allowing: Kind, denying: Kind, becomes: str) -> Iterator[Change]:
    """A statement's actions together. A denial works the other way round: without it, more is allowed."""
    actions: dict[tuple[str, str, str, str, str], list[str]] = {}
    for grant in sorted(found):
        statement = (grant.role, grant.effect, grant.resource, grant.condition, grant.through)
        actions.setdefault(statement, []).append(grant.action)
    for (role, effect, resource, condition, through), named in actions.items():
        limit = "at most, by its boundary: " if through == BOUNDARY else ""
        text = f"{limit}{', '.join(named)} on {resource}{f' if {condition}' if condition else ''}"
        if effect == _ALLOW:
            yield Change(allowing, role, text)
        else:
            yield Change(denying, role, f"the denial of {text} {becomes}")


def _trusts(before: StageTemplates, after: StageTemplates) -> Iterator[Change]:
    old = {role.place: trust(before, role) for role in before.of_type(ROLE)}
    for role in after.of_type(ROLE):
        is_ = trust(after, role)
        was = old.get(role.place, ("nobody: it is new",))
        if was != is_:
            yield Change(Kind.TRUST, role.place, "assumed by", "; ".join(was), "; ".join(is_))
