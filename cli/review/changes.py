"""What a change to the system is made of, in the order in which a reviewer should worry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Weight(StrEnum):
    """How much a reviewer should worry."""

    DANGER = "danger"
    CAUTION = "caution"
    NOTE = "note"


class Kind(Enum):
    """What a change is about: its name, and its weight. The worst come first."""

    DELETED = ("deleted", Weight.DANGER)
    REPLACED = ("replaced", Weight.DANGER)
    PUBLIC = ("public", Weight.DANGER)
    PERMISSION_ADDED = ("permission added", Weight.CAUTION)
    POLICY = ("policy changed", Weight.CAUTION)
    TRUST = ("trust changed", Weight.CAUTION)
    ALARM_REMOVED = ("alarm removed", Weight.CAUTION)
    ALARM_CHANGED = ("alarm changed", Weight.CAUTION)
    GUARD = ("guard changed", Weight.CAUTION)
    PUBLISHED = ("published value", Weight.CAUTION)
    FINDING = ("new finding", Weight.CAUTION)
    ACKNOWLEDGED = ("newly acknowledged", Weight.CAUTION)
    KEPT = ("retention or protection", Weight.CAUTION)
    DELIVERY = ("delivery or retries", Weight.CAUTION)
    PERMISSION_REMOVED = ("permission removed", Weight.NOTE)
    RESOLVED = ("finding resolved", Weight.NOTE)
    ADDED = ("added", Weight.NOTE)
    REMOVED = ("removed", Weight.NOTE)
    CHANGED = ("changed", Weight.NOTE)
    CODE = ("new code", Weight.NOTE)

    def __init__(self, label: str, weight: Weight) -> None:
        self.label = label
        self.weight = weight

    @property
    def loses_data(self) -> bool:
        """Whether something that holds data is not there afterwards."""
        return self in {Kind.DELETED, Kind.REPLACED}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a change does, in all the stages where it does the same."""

    kind: Kind
    place: str
    what: str
    before: str = ""
    after: str = ""
    stages: tuple[str, ...] = ()

    @property
    def weight(self) -> Weight:
        """How much a reviewer should worry."""
        return self.kind.weight


def sorted_changes(found: Iterable[Change]) -> tuple[Change, ...]:
    """Each change once with all of its stages, the worst first."""
    stages: dict[Change, tuple[str, ...]] = {}
    for change in found:
        same = replace(change, stages=())
        stages[same] = (*stages.get(same, ()), *change.stages)
    order = list(Kind)
    merged = (replace(change, stages=tuple(dict.fromkeys(names))) for change, names in stages.items())
    return tuple(sorted(merged, key=lambda each: (order.index(each.kind), each.place, each.what)))
