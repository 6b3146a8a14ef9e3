"""Two synthesized apps side by side: everything that leads from one to the other."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from cli.review import permissions
from cli.review.assembly import StageTemplates
from cli.review.changes import Change, Kind, sorted_changes
from cli.review.deliveries import deliveries
from cli.review.failures import ALARM
from cli.review.findings import Rule, findings
from cli.review.properties import flat
from cli.review.protection import protections
from cli.review.replacement import losses
from cli.review.steps import steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cli.review.assembly import Resource
    from cli.review.findings import Finding

_CODE: Final = ("Code.S3Key", "Content.S3Key")
_POLICIES: Final = ("PolicyDocument", "KeyPolicy", "ResourcePolicy", "AccessPolicy")
_IAM: Final = ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy")
"""Their statements are compared as permissions."""
_DASHBOARD: Final = "AWS::CloudWatch::Dashboard"
_ALARM_NOISE: Final = ("Tags", "AlarmDescription")


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
            kind = Kind.ALARM_REMOVED if old.type == ALARM else Kind.REMOVED
            yield Change(kind, old.place, _described(before, old))
    for new in after.resources:
        known = before.find(new.stack, new.logical_id)
        if known is None:
            yield Change(Kind.ADDED, new.place, _described(after, new))
        else:
            yield from _changed(before, after, known, new)


def _changed(before: StageTemplates, after: StageTemplates, old: Resource, new: Resource) -> Iterator[Change]:
    was, is_ = flat(before, old), flat(after, new)
    if any(was.get(path) != is_.get(path) for path in _CODE):
        yield Change(Kind.CODE, new.place, _type(new))
    for path in dict.fromkeys((*is_, *was)):
        if path in _CODE or was.get(path) == is_.get(path):
            continue
        kind = _kind(new, path)
        if kind is not None:
            yield Change(kind, new.place, path, was.get(path, "nothing"), is_.get(path, "nothing"))


def _kind(resource: Resource, path: str) -> Kind | None:
    """What a changed property is about; None for what is told another way, or is nobody's worry."""
    if resource.type == ALARM:
        return None if path.startswith(_ALARM_NOISE) else Kind.ALARM_CHANGED
    if resource.type == _DASHBOARD or (resource.type in _IAM and "PolicyDocument" in path):
        return None
    return Kind.POLICY if path.startswith(_POLICIES) else Kind.CHANGED


def _type(resource: Resource) -> str:
    return resource.type.removeprefix("AWS::").replace("::", " ")


def _described(stage: StageTemplates, resource: Resource) -> str:
    properties = resource.properties
    said = properties.get("AlarmDescription", properties.get("Description", ""))
    return f"{_type(resource)}: {stage.text(resource.stack, said)}" if said else _type(resource)
