"""Rows about several stages, each shown once with the stages that it is true of: stages side by side."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cli.review.assembly import StageTemplates

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Shared(Generic[Row]):
    """A row, and the stages that have it."""

    row: Row
    stages: tuple[str, ...]


def merged(
    stages: Sequence[StageTemplates], extract: Callable[[StageTemplates], Iterable[Row]]
) -> tuple[Shared[Row], ...]:
    """The rows of every stage, in the order of the stages; about one place, rows of several stages stay together."""
    found: dict[Row, tuple[str, ...]] = {}
    for stage in stages:
        for row in extract(stage):
            same: Row = general(stage, row)
            found[same] = (*found.get(same, ()), stage.name)
    places = {getattr(row, "place", ""): number for number, row in reversed(list(enumerate(found)))}
    shared = [Shared(row, tuple(dict.fromkeys(names))) for row, names in found.items()]
    return tuple(sorted(shared, key=lambda each: places[getattr(each.row, "place", "")]))


def general(stage: StageTemplates, value: Any) -> Any:
    """A row without what names its stage, so that stages compare; rows within rows included."""
    if isinstance(value, str) and type(value) is str:
        return stage.general(value)
    if isinstance(value, tuple):
        return tuple(general(stage, each) for each in value)
    if hasattr(value, "__dataclass_fields__"):
        return replace(value, **{field.name: general(stage, getattr(value, field.name)) for field in fields(value)})
    return value
