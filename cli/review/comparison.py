"""Two synthesized apps side by side: everything that leads from one to the other."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from cli.review import permissions, weighing
from cli.review.assembly import StageTemplates
from cli.review.changes import Change, Kind, sorted_changes
from cli.review.deliveries import deliveries
from cli.review.findings import Rule, findings
from cli.review.grants import sentence
from cli.review.holders import ROLE
from cli.review.properties import flat
from cli.review.protection import protections
from cli.review.public import statements
from cli.review.replacement import losses
from cli.review.sections import changed_sections
from cli.review.steps import steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cli.review.assembly import Resource
    from cli.review.findings import Finding

PERMISSION: Final = "AWS::Lambda::Permission"
_GONE: Final = (Kind.REMOVED, Kind.ALARM_REMOVED)
"""Kinds whose name says that something is gone."""
_CODE: Final = ("Code.S3Key", "Content.S3Key")


def compare(before: Sequence[StageTemplates], after: Sequence[StageTemplates]) -> tuple[Change, ...]:
    """What a change does to every stage, the worst first."""
    old, new = ({stage.name: stage for stage in stages} for stages in (before, after))
    found: list[Change] = []
    for name in dict.fromkeys((*new, *old)):
        nothing = StageTemplates(name, {}, {}, ())
        was, is_ = old.get(name, nothing), new.get(name, nothing)
        changes = _between(was, is_) if name in old else _of_a_new_stage(nothing, is_)
        found += [_plain(change, was if change.kind.loses_data else is_) for change in changes]
    return sorted_changes(found)


def _plain(change: Change, stage: StageTemplates) -> Change:
    """The change without what names its stage, so that it is the same one in other stages."""
    what, was, is_ = (stage.general(text) for text in (change.what, change.before, change.after))
    return replace(change, what=what, before=was, after=is_, stages=(stage.name,))


def _of_a_new_stage(nothing: StageTemplates, stage: StageTemplates) -> Iterator[Change]:
    yield Change(Kind.ADDED, f"stage {stage.name}", f"{len(stage.resources)} resources, none of which stood before")
    yield from _found(nothing, stage)


def _between(before: StageTemplates, after: StageTemplates) -> Iterator[Change]:
    lost = losses(before, after)
    for loss in lost:
        kind = Kind.REPLACED if loss.replaced else Kind.DELETED
        yield Change(kind, loss.resource.place, f"{_type(loss.resource)}: {loss.why}; {loss.aftermath}")
    yield from permissions.changed(before, after)
    yield from _found(before, after)
    yield from _rows(Kind.KEPT, protections, before, after)
    yield from _rows(Kind.DELIVERY, deliveries, before, after)
    yield from _rows(Kind.DELIVERY, steps, before, after)
    yield from changed_sections(before, after)
    yield from _resources(before, after, {loss.resource.place for loss in lost})


def _found(before: StageTemplates, after: StageTemplates) -> Iterator[Change]:
    old, new = (dict.fromkeys(findings(stage)) for stage in (before, after))
    for finding in new:
        if finding not in old:
            kind = Kind.PUBLIC if finding.rule is Rule.PUBLIC else Kind.FINDING
            yield Change(kind, finding.place, _told(finding))
    for finding in old:
        if finding not in new:
            yield Change(Kind.RESOLVED, finding.place, _told(finding))


def _told(finding: Finding) -> str:
    return f"a wildcard: {finding.what}" if finding.rule is Rule.WILDCARD else finding.what


def _rows(
    kind: Kind, extract: Callable[[StageTemplates], Iterable[Any]], before: StageTemplates, after: StageTemplates
) -> Iterator[Change]:
    """Fields that differ between rows about the same place; what is new or gone is told as a resource."""
    old = {row.place: row for row in extract(before)}
    for row in extract(after):
        known = old.get(row.place)
        for field in fields(row) if known is not None and known != row else ():
            was, is_ = (_said(getattr(each, field.name)) for each in (known, row))
            if was != is_:
                yield Change(kind, row.place, field.name.replace("_", " "), was, is_)


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ("; ".join(value) if isinstance(value, tuple) else str(value)) or "nothing"


def _resources(before: StageTemplates, after: StageTemplates, lost: set[str]) -> Iterator[Change]:
    for old in before.resources:
        if after.find(old.stack, old.logical_id) is None and old.place not in lost:
            kind = weighing.of_going(old)
            told = _described(before, old)
            yield Change(kind, old.place, told if kind in _GONE else f"{told} is gone")
    for new in after.resources:
        known = before.find(new.stack, new.logical_id)
        if known is None:
            yield from _new(after, new)
        else:
            yield from _changed(before, after, known, new)


def _new(stage: StageTemplates, resource: Resource) -> Iterator[Change]:
    """A resource that was not there, and everything that its own policy says."""
    kind = weighing.of_coming(resource)
    told = _described(stage, resource)
    yield Change(kind, resource.place, told if kind is Kind.ADDED else f"{told} is new")
    if resource.type == PERMISSION:
        named = {name: stage.text(resource.stack, each) for name, each in resource.properties.items()}
        yield Change(Kind.POLICY, resource.place, f"lets {named.get('Principal')} {named.get('Action')}")
    for statement in statements(resource.properties) if resource.type != ROLE else ():
        yield Change(Kind.POLICY, resource.place, f"its policy {sentence(stage, resource.stack, statement)}")


def _changed(before: StageTemplates, after: StageTemplates, old: Resource, new: Resource) -> Iterator[Change]:
    was, is_ = flat(before, old), flat(after, new)
    if any(was.get(path) != is_.get(path) for path in _CODE):
        yield Change(Kind.CODE, new.place, _type(new))
    for path in dict.fromkeys((*is_, *was)):
        if path in _CODE or was.get(path) == is_.get(path):
            continue
        kind = weighing.of_changing(new, path)
        if kind is not None:
            yield Change(kind, new.place, path, was.get(path, "nothing"), is_.get(path, "nothing"))
    waits = [sorted(_awaited(stage, each)) for stage, each in ((before, old), (after, new))]
    if waits[0] != waits[1]:
        was_after, is_after = (", ".join(each) or "nothing" for each in waits)
        yield Change(Kind.CHANGED, new.place, "made after", was_after, is_after)


def _awaited(stage: StageTemplates, resource: Resource) -> Iterator[str]:
    """The places of what a resource depends on explicitly."""
    for logical_id in resource.depends_on:
        found = stage.find(resource.stack, logical_id)
        yield found.place if found else logical_id


def _type(resource: Resource) -> str:
    return resource.type.removeprefix("AWS::").replace("::", " ")


def _described(stage: StageTemplates, resource: Resource) -> str:
    properties = resource.properties
    said = properties.get("AlarmDescription", properties.get("Description", ""))
    return f"{_type(resource)}: {stage.text(resource.stack, said)}" if said else _type(resource)
