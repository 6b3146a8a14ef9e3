"""What differs between stages: resources that only some have, and properties that say something else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cli.review.properties import flat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cli.review.assembly import Resource, StageTemplates

ABSENT: Final = "\N{EM DASH}"
_LEFT_OUT: Final = ("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role", "AWS::CloudWatch::Dashboard")
"""Roles and policies are compared as permissions; a dashboard is a picture."""
_NOISE: Final = ("Tags", "Code", "Content")
_OUTLIVES: Final = {True: "yes", False: "no"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One property, or existence itself, that is not the same in all stages. `values` are in the order of stages."""

    type: str
    property: str
    values: tuple[str, ...]
    places: tuple[str, ...]


def comparable(stages: Sequence[StageTemplates]) -> tuple[StageTemplates, ...]:
    """The stages that are deployments of the same system: those that share resources with another one."""
    places = {stage.name: {resource.place for resource in stage.resources} for stage in stages}
    return tuple(
        stage
        for stage in stages
        if any(places[stage.name] & places[other.name] for other in stages if other is not stage)
    )


def differences(stages: Sequence[StageTemplates]) -> tuple[Difference, ...]:
    """What a reader of one stage does not know of the others; the same difference of several resources is one."""
    places: dict[tuple[str, str, tuple[str, ...]], list[str]] = {}
    for place, found in _by_place(stages).items():
        kind = next(iter(found.values())).type
        if kind not in _LEFT_OUT:
            for name, values in _differing(stages, found):
                places.setdefault((kind.removeprefix("AWS::").replace("::", " "), name, values), []).append(place)
    return tuple(Difference(*row, tuple(named)) for row, named in sorted(places.items()))


def _by_place(stages: Sequence[StageTemplates]) -> Mapping[str, Mapping[str, Resource]]:
    found: dict[str, dict[str, Resource]] = {}
    for stage in stages:
        for resource in stage.resources:
            found.setdefault(resource.place, {})[stage.name] = resource
    return found


def _differing(
    stages: Sequence[StageTemplates], found: Mapping[str, Resource]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    if len(found) < len(stages):
        yield "", tuple("yes" if stage.name in found else ABSENT for stage in stages)
    if len(found) == 1:
        return
    said = {
        stage.name: {path: stage.general(text) for path, text in flat(stage, found[stage.name]).items()}
        for stage in stages
        if stage.name in found
    }
    for path in dict.fromkeys(path for texts in said.values() for path in texts):
        values = [said[stage.name].get(path, ABSENT) if stage.name in said else ABSENT for stage in stages]
        if len({text.get(path) for text in said.values()}) > 1 and not path.startswith(_NOISE):
            yield path, tuple(values)
    kept = [_OUTLIVES[found[stage.name].retained] if stage.name in found else ABSENT for stage in stages]
    if len(set(kept) - {ABSENT}) > 1:
        yield "outlives its stack", tuple(kept)
