"""What templates say beside their resources: values that callers look up, and rules that a deployment has to meet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cli.review.changes import Change, Kind
from cli.review.properties import flattened

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.review.assembly import StageTemplates

_SECTIONS: Final[Mapping[str, Kind]] = {
    "Rules": Kind.GUARD,
    "Parameters": Kind.CHANGED,
    "Conditions": Kind.CHANGED,
    "Mappings": Kind.CHANGED,
}
"""Rules refuse a deployment, such as one to the placeholder of an account."""


def changed_sections(before: StageTemplates, after: StageTemplates) -> Iterator[Change]:
    """What differs in the stacks that stand in both, and what callers of those that are gone cannot look up."""
    was, is_ = _published(before), _published(after)
    for place in dict.fromkeys((*was, *is_)):
        if was.get(place) != is_.get(place):
            kind = Kind.PUBLISHED if place in was else Kind.ADDED
            yield Change(kind, place, "stack output", was.get(place, "nothing"), is_.get(place, "nothing"))
    for stack in before.templates:
        if stack in after.templates:
            yield from _between(before, after, stack)


def _between(before: StageTemplates, after: StageTemplates, stack: str) -> Iterator[Change]:
    for section, kind in _SECTIONS.items():
        was, is_ = (flattened(stage, stack, stage.templates[stack].get(section, {})) for stage in (before, after))
        for path in dict.fromkeys((*was, *is_)):
            if was.get(path) != is_.get(path):
                what = f"{section}: {path}"
                yield Change(kind, stack, what, was.get(path, "nothing"), is_.get(path, "nothing"))


def _published(stage: StageTemplates) -> Mapping[str, str]:
    """Outputs that people and programs read, by stack and name. Exports are how stacks read each other."""
    return {
        f"{stack}/{name}": stage.text(stack, output["Value"])
        for stack, template in stage.templates.items()
        for name, output in template.get("Outputs", {}).items()
        if "Export" not in output
    }
