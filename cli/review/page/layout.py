"""Where the nodes of a picture stand: columns by what they do, rows so that few arrows cross (Sugiyama's method)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final, TypeAlias

from cli.review import flows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.review.flows import Flow, Graph, Node

    Part: TypeAlias = "Node | Lane"
    Steps: TypeAlias = Sequence[tuple[Part, Part]]
    """Arrows, cut where they pass a column."""

_CALLERS, _IN_FRONT, _WORK, _KEPT, _FOLLOWERS = range(5)
"""The columns: who calls, what stands in front of functions, the functions, what is kept, what follows its streams."""

_ROW: Final = 64.0
_LANE: Final = 18.0
"""The height of a node with its margin, and of an arrow that passes through a column."""
_SWEEPS: Final = 40
_PULLS: Final = 60


@dataclass(frozen=True, slots=True)
class Lane:
    """Where an arrow passes a column on its way to a further one."""

    flow: Flow
    column: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The column of each node, and the middle of each node and lane from the top."""

    columns: Mapping[Node, int]
    middles: Mapping[Part, float]

    def way(self, flow: Flow) -> list[Lane]:
        """The lanes that an arrow takes, in its direction."""
        return _lanes(flow, self.columns)


def laid_out(graph: Graph) -> Layout:
    """The layout of a graph. The same graph always looks the same."""
    columns = {node: _column(node, graph) for node in graph.nodes}
    stacks: list[list[Part]] = [[] for _ in range(_FOLLOWERS + 1)]
    for node in graph.nodes:
        stacks[columns[node]].append(node)
    steps: list[tuple[Part, Part]] = []
    for flow in graph.flows:
        lanes = _lanes(flow, columns)
        for lane in lanes:
            stacks[lane.column].append(lane)
        steps += pairwise((flow.source, *lanes, flow.target))
    ordered = _uncrossed(stacks, steps)
    return Layout(columns, _spread(ordered, steps))


def _column(node: Node, graph: Graph) -> int:
    into = [flow for flow in graph.flows if flow.target == node]
    if node.kind == flows.CALLER:
        return _CALLERS
    if node.kind == flows.STATE_MACHINE or any(flow.source == node and flow.how == flows.FEEDS for flow in graph.flows):
        return _KEPT if node.kind == flows.TABLE else _IN_FRONT
    if node.kind == flows.FUNCTION:
        return _FOLLOWERS if any(f.how == flows.FEEDS and f.source.kind == flows.TABLE for f in into) else _WORK
    if into and all(flow.source.kind == flows.QUEUE for flow in into):
        return _WORK
    return _KEPT


def _lanes(flow: Flow, columns: Mapping[Node, int]) -> list[Lane]:
    start, end = columns[flow.source], columns[flow.target]
    step = 1 if end > start else -1
    return [Lane(flow, column) for column in range(start + step, end, step)]


def _uncrossed(stacks: list[list[Part]], steps: Steps) -> list[list[Part]]:
    """Each column sorted by where its neighbours stand, again and again; the order with the fewest crossings wins."""
    joined = _neighbours(steps)
    best, fewest = [list(stack) for stack in stacks], _crossings(stacks, steps)
    for sweep in range(_SWEEPS):
        order = range(len(stacks)) if sweep % 2 == 0 else reversed(range(len(stacks)))
        for column in order:
            rank = {part: (row + 0.5) / len(stack) for stack in stacks for row, part in enumerate(stack)}
            stacks[column].sort(key=lambda part: _mean([rank[each] for each in joined.get(part, ())], rank[part]))
        found = _crossings(stacks, steps)
        if found < fewest:
            best, fewest = [list(stack) for stack in stacks], found
    return best


def _crossings(stacks: Sequence[Sequence[Part]], steps: Steps) -> int:
    place = {part: (column, row) for column, stack in enumerate(stacks) for row, part in enumerate(stack)}
    between: dict[int, list[tuple[int, int]]] = {}
    for step in steps:
        (column, left), (_, right) = sorted(place[part] for part in step)
        between.setdefault(column, []).append((left, right))
    return sum(
        (a[0] - b[0]) * (a[1] - b[1]) < 0
        for lines in between.values()
        for number, a in enumerate(lines)
        for b in lines[:number]
    )


def _spread(stacks: Sequence[Sequence[Part]], steps: Steps) -> dict[Part, float]:
    """Everything pulled towards its neighbours, in its order and with its distance kept."""
    joined = _neighbours(steps)
    tallest = max((sum(_height(part) for part in stack) for stack in stacks), default=0.0)
    middles: dict[Part, float] = {}
    for stack in stacks:
        top = (tallest - sum(_height(part) for part in stack)) / 2
        for part in stack:
            middles[part] = top + _height(part) / 2
            top += _height(part)
    for _ in range(_PULLS):
        for stack in stacks:
            _settle(
                stack, {p: _mean([middles[each] for each in joined.get(p, ())], middles[p]) for p in stack}, middles
            )
    lowest = min((middles[part] - _height(part) / 2 for part in middles), default=0.0)
    return {part: middle - lowest for part, middle in middles.items()}


def _settle(stack: Sequence[Part], wanted: Mapping[Part, float], middles: dict[Part, float]) -> None:
    """Place a column as near to what is wanted as its distances allow: half pushed down, half pushed up."""
    lowered = {part: wanted[part] for part in stack}
    raised = dict(lowered)
    for above, part in pairwise(stack):
        lowered[part] = max(lowered[part], lowered[above] + (_height(above) + _height(part)) / 2)
    for below, part in pairwise(reversed(stack)):
        raised[part] = min(raised[part], raised[below] - (_height(below) + _height(part)) / 2)
    for part in stack:
        middles[part] = (lowered[part] + raised[part]) / 2


def _neighbours(steps: Steps) -> dict[Part, list[Part]]:
    joined: dict[Part, list[Part]] = {}
    for source, target in steps:
        joined.setdefault(source, []).append(target)
        joined.setdefault(target, []).append(source)
    return joined


def _height(part: Part) -> float:
    return _LANE if isinstance(part, Lane) else _ROW


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
