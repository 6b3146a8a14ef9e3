"""The graph of a stage as an SVG picture: callers on the left, then what they call, on the right what is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from markupsafe import Markup, escape

from cli.review import flows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.review.flows import Flow, Graph, Node

_COLUMNS: Final = {
    flows.CALLER: 0,
    flows.QUEUE: 1,
    flows.STATE_MACHINE: 1,
    flows.FUNCTION: 2,
    flows.TABLE: 3,
    flows.BUCKET: 3,
}
_WIDTH: Final = 170
_HEIGHT: Final = 40
_ACROSS: Final = 270
_DOWN: Final = 66
_MARGIN: Final = 16
_SWEEPS: Final = 8


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float

    @property
    def left(self) -> tuple[float, float]:
        return self.x, self.y + _HEIGHT / 2

    @property
    def right(self) -> tuple[float, float]:
        return self.x + _WIDTH, self.y + _HEIGHT / 2


def picture(graph: Graph) -> Markup:
    """The graph as an `<svg>` element that scales with the page; every text is escaped, colours come from its page."""
    boxes = _placed(graph)
    height = max((box.y for box in boxes.values()), default=0) + _HEIGHT + _MARGIN
    width = _MARGIN * 2 + _ACROSS * max(_COLUMNS.values()) + _WIDTH
    lines = [_arrow(flow, boxes) for flow in _merged(graph.flows)]
    nodes = [_node(node, boxes[node]) for node in graph.nodes]
    return Markup(
        '<svg class="system" viewBox="0 0 {width} {height}" role="img" aria-label="Who calls what, which stream feeds '
        'what, and where failures go"><defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto-start-reverse"><path d="M0 0 8 4 0 8z"/></marker></defs>{lines}{nodes}</svg>'
    ).format(width=width, height=height, lines=Markup("").join(lines), nodes=Markup("").join(nodes))


def _placed(graph: Graph) -> Mapping[Node, _Box]:
    """Columns by kind; within one, each node near the middle of those it is joined to."""
    columns: dict[int, list[Node]] = {}
    for node in graph.nodes:
        columns.setdefault(_COLUMNS[node.kind], []).append(node)
    joined: dict[Node, list[Node]] = {node: [] for node in graph.nodes}
    for flow in graph.flows:
        joined[flow.source].append(flow.target)
        joined[flow.target].append(flow.source)
    for _ in range(_SWEEPS):
        middle = _middles(columns)
        for nodes in columns.values():
            nodes.sort(key=lambda node: _mean([middle[each] for each in joined[node]], middle[node]))
    tallest = max((len(nodes) for nodes in columns.values()), default=0)
    return {
        node: _Box(
            _MARGIN + column * _ACROSS,
            _MARGIN + (row + 0.5) * tallest * _DOWN / len(nodes) - _HEIGHT / 2,
        )
        for column, nodes in columns.items()
        for row, node in enumerate(nodes)
    }


def _middles(columns: Mapping[int, Sequence[Node]]) -> dict[Node, float]:
    return {node: (row + 0.5) / len(nodes) for nodes in columns.values() for row, node in enumerate(nodes)}


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise


def _merged(found: Sequence[Flow]) -> list[Flow]:
    """One arrow where something both reads and writes: writing is what a reader of the picture looks for."""
    writing = {(flow.source, flow.target) for flow in found if flow.how == flows.WRITES}
    return [flow for flow in found if flow.how != flows.READS or (flow.source, flow.target) not in writing]


def _arrow(flow: Flow, boxes: Mapping[Node, _Box]) -> Markup:
    source, target = boxes[flow.source], boxes[flow.target]
    forwards = target.x > source.x
    (x1, y1), (x2, y2) = (source.right, target.left) if forwards else (source.left, target.right)
    if target.x == source.x:
        (x1, y1), (x2, y2) = source.right, target.right
        bend = x1 + _ACROSS / 5
        path = f"M{x1:.0f} {y1:.0f}C{bend:.0f} {y1:.0f} {bend:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    else:
        half = (x2 - x1) / 2
        path = f"M{x1:.0f} {y1:.0f}C{x1 + half:.0f} {y1:.0f} {x2 - half:.0f} {y2:.0f} {x2:.0f} {y2:.0f}"
    return Markup('<path class="{how}" d="{path}" marker-end="url(#tip)"><title>{title}</title></path>').format(
        how=flow.how.split(" ", maxsplit=1)[0],
        path=path,
        title=f"{flow.source.label} {flow.how} {flow.target.label}",
    )


def _node(node: Node, box: _Box) -> Markup:
    round_ = {flows.CALLER: 20, flows.TABLE: 4, flows.BUCKET: 4}.get(node.kind, 9)
    return Markup(
        '<g class="{kind}"><title>{place}</title><rect x="{x:.0f}" y="{y:.0f}" width="{w}" height="{h}" rx="{r}"/>'
        '<text x="{tx:.0f}" y="{ty:.0f}">{label}</text></g>'
    ).format(
        kind=node.kind.rpartition(":")[2].lower(),
        place=node.place,
        x=box.x,
        y=box.y,
        w=_WIDTH,
        h=_HEIGHT,
        r=round_,
        tx=box.x + _WIDTH / 2,
        ty=box.y + _HEIGHT / 2 + 4,
        label=escape(node.label),
    )
