"""Everything that a review says, gathered from the templates: one value for the page, the terminal and JSON."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from cli.review.changes import Change, sorted_changes
from cli.review.comparison import compare
from cli.review.cost import Cost, costs, total
from cli.review.deliveries import Delivery, deliveries
from cli.review.differences import Difference, comparable, differences
from cli.review.failures import FailurePath, failure_paths
from cli.review.findings import Finding, findings
from cli.review.flows import Graph, graph
from cli.review.matrix import Permission, Trusted, permissions, trusted
from cli.review.merging import Shared, merged
from cli.review.protection import Protection, protections
from cli.review.register import Acknowledged, newly_acknowledged
from cli.review.steps import Step, steps
from cli.review.tables import Table, tables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.review.assembly import StageTemplates
    from cli.review.load import Load
    from cli.review.sources import Source
    from switchboard.prices import Prices


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack: what it is for, the file of its template, and its resources as type, path and logical id."""

    name: str
    description: str
    file: str
    resources: tuple[tuple[str, str, str], ...]
    template: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """What is said of one stage alone."""

    name: str
    stacks: tuple[Stack, ...]
    graph: Graph
    costs: tuple[Cost, ...]
    gaps: int
    """Failure paths without an alarm."""
    acknowledged: tuple[Acknowledged, ...]

    @property
    def usd(self) -> float:
        """US dollars a month."""
        return total(self.costs)

    @property
    def resources(self) -> int:
        """How many it has."""
        return sum(len(stack.resources) for stack in self.stacks)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What leads from `against` to what is reviewed, the worst first, and US dollars a month before it by stage."""

    against: str
    changes: tuple[Change, ...]
    usd_before: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Review:
    """A review. Rows of several stages stand once, each with the stages that it is true of."""

    source: str
    stages: tuple[Stage, ...]
    comparison: Comparison | None
    compared_stages: tuple[str, ...]
    differences: tuple[Difference, ...]
    tables: tuple[Shared[Table], ...]
    permissions: tuple[Shared[Permission], ...]
    roles: tuple[Shared[Trusted], ...]
    deliveries: tuple[Shared[Delivery], ...]
    steps: tuple[Shared[Step], ...]
    failures: tuple[Shared[FailurePath], ...]
    protections: tuple[Shared[Protection], ...]
    findings: tuple[Shared[Finding], ...]
    load: Load
    prices: Prices

    @property
    def loses_data(self) -> bool:
        """Whether the change replaces or deletes something that holds data."""
        return self.comparison is not None and any(change.kind.loses_data for change in self.comparison.changes)


def review(source: Source, *, before: Source | None, load: Load, prices: Prices) -> Review:
    """Review a synthesized app, and what leads to it from the one before, where there is one."""
    stages = source.stages
    side_by_side = comparable(stages)
    return Review(
        source=source.name,
        stages=tuple(_stage(stage, source.register.get(stage.name, ()), load, prices) for stage in stages),
        comparison=_comparison(before, source, load, prices) if before else None,
        compared_stages=tuple(stage.name for stage in side_by_side),
        differences=differences(side_by_side),
        tables=merged(stages, tables),
        permissions=merged(stages, permissions),
        roles=merged(stages, trusted),
        deliveries=merged(stages, deliveries),
        steps=merged(stages, steps),
        failures=merged(stages, failure_paths),
        protections=merged(stages, protections),
        findings=merged(stages, findings),
        load=load,
        prices=prices,
    )


def as_json(value: Any) -> Any:
    """A review as lists and objects that JSON knows; templates, which lie beside it as files, are left out."""
    if isinstance(value, Enum):
        return getattr(value, "label", value.value)
    if is_dataclass(value):
        names = (*(field.name for field in fields(value)), *_DERIVED.get(type(value), ()))
        named = {name: getattr(value, name) for name in names}
        return {name: as_json(inner) for name, inner in named.items() if name != "template"}
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    return [as_json(each) for each in value] if isinstance(value, tuple) else value


_DERIVED: Final[Mapping[type, tuple[str, ...]]] = {Change: ("weight",), Review: ("loses_data",), Stage: ("usd",)}
"""What a reader of the JSON would otherwise have to work out."""


def _stage(stage: StageTemplates, known: tuple[Acknowledged, ...], load: Load, prices: Prices) -> Stage:
    return Stage(
        name=stage.name,
        stacks=tuple(_stack(stage, name, template) for name, template in stage.templates.items()),
        graph=graph(stage),
        costs=costs(stage, load, prices),
        gaps=sum(not path.alarms for path in failure_paths(stage)),
        acknowledged=known,
    )


def _stack(stage: StageTemplates, name: str, template: Mapping[str, Any]) -> Stack:
    resources = tuple((each.type, each.name, each.logical_id) for each in stage.resources if each.stack == name)
    return Stack(name, template.get("Description", ""), stage.files[name], resources, template)


def _comparison(before: Source, after: Source, load: Load, prices: Prices) -> Comparison:
    usd = {stage.name: total(costs(stage, load, prices)) for stage in before.stages}
    known = newly_acknowledged(before.register, after.register) if before.register else ()
    return Comparison(before.name, sorted_changes((*compare(before.stages, after.stages), *known)), usd)
