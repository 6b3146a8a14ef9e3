"""The graph of a stage as an SVG picture: callers on the left, then what they call, on the right what is kept."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from markupsafe import Markup

from cli.review import flows
from cli.review.page.layout import laid_out
from cli.review.page.texts import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cli.review.flows import Flow, Graph, Node
    from cli.review.page.layout import Lane, Layout

_WIDTH: Final = 188
_HEIGHT: Final = 44
_ACROSS: Final = 290
_MARGIN: Final = 8
_PORTS: Final = 32
"""The part of a node's side at which arrows begin and end."""
_LETTERS: Final = 24
"""What is shown of a name; the whole one is what a pointer shows."""
_FITTING: Final = 19
"""Letters that fit into a node however wide they are; more are squeezed."""

_NAMES: Final = {
    flows.CALLER: "role",
    flows.QUEUE: "queue",
    flows.STATE_MACHINE: "state machine",
    flows.FUNCTION: "function",
    flows.TABLE: "table",
    flows.BUCKET: "bucket",
}


def picture(graph: Graph) -> Markup:
    """The graph as an `<svg>` element that scales with the page; every text is escaped, colours come from its page."""
    shown = flows.Graph(graph.nodes, tuple(_merged(graph.flows)))
    layout = laid_out(shown)
    ports = _ports(shown.flows, layout)
    numbers = {node: number for number, node in enumerate(shown.nodes)}
    height = max(layout.middles.values(), default=0) + _HEIGHT + _MARGIN
    width = _MARGIN * 2 + _ACROSS * max(layout.columns.values(), default=0) + _WIDTH
    lines = Markup("").join(_arrow(flow, layout, ports, numbers) for flow in shown.flows)
    nodes = Markup("").join(_node(node, layout, number) for node, number in numbers.items())
    return Markup(
        '<svg class="system" viewBox="0 0 {width} {height:.0f}" role="group" aria-label="Who calls what, which stream '
        'feeds what, and where failures go">{lines}{nodes}</svg>'
    ).format(width=width, height=height, lines=lines, nodes=nodes)


def _merged(found: Sequence[Flow]) -> list[Flow]:
    """One arrow where something both reads and writes: writing is what a reader of the picture looks for."""
    writing = {(flow.source, flow.target) for flow in found if flow.how == flows.WRITES}
    return [flow for flow in found if flow.how != flows.READS or (flow.source, flow.target) not in writing]


def _ports(found: Sequence[Flow], layout: Layout) -> Mapping[tuple[Flow, Node], float]:
    """Where each arrow touches its two nodes, sorted so that arrows of one node do not cross beside it."""
    sides: dict[tuple[Node, bool], list[tuple[float, int, Flow]]] = {}
    for number, flow in enumerate(found):
        way: list[Node | Lane] = [flow.source, *layout.way(flow), flow.target]
        stops = [layout.middles[part] for part in way]
        forwards = layout.columns[flow.target] > layout.columns[flow.source]
        leaves_right = layout.columns[flow.target] >= layout.columns[flow.source]
        sides.setdefault((flow.source, leaves_right), []).append((stops[1], number, flow))
        sides.setdefault((flow.target, not forwards), []).append((stops[-2], number, flow))
    ports = {}
    for (node, _), touching in sides.items():
        gap = min(_PORTS / len(touching), 10)
        for place, (_, _, flow) in enumerate(sorted(touching, key=lambda each: each[:2])):
            ports[flow, node] = layout.middles[node] + (place - (len(touching) - 1) / 2) * gap
    return ports


def _arrow(flow: Flow, layout: Layout, ports: Mapping[tuple[Flow, Node], float], numbers: Mapping[Node, int]) -> Markup:
    start, end = layout.columns[flow.source], layout.columns[flow.target]
    out, into = _WIDTH if end >= start else 0, -5 if end > start else _WIDTH + 5
    points = [(_left(start) + out, ports[flow, flow.source])]
    for lane in layout.way(flow):
        sides = (_left(lane.column), _left(lane.column) + _WIDTH)
        points += [(x, layout.middles[lane]) for x in (sides if end > start else reversed(sides))]
    points.append((_left(end) + into, ports[flow, flow.target]))
    how = flow.how.split(" ", maxsplit=1)[0]
    return Markup(
        '<g class="{how}" data-from="{source}" data-to="{target}"><title>{title}</title><path d="{path}"/>'
        '<path class="tip" d="M{x:.0f} {y:.1f}l{back} -4v8z"/></g>'
    ).format(
        how=how,
        source=numbers[flow.source],
        target=numbers[flow.target],
        title=visible(f"{flow.source.label} {flow.how} {flow.target.label}"),
        path=_curve(points),
        x=points[-1][0] + (5 if end > start else -5),
        y=points[-1][1] + _MARGIN,
        back=-7 if end > start else 7,
    )


def _curve(points: Sequence[tuple[float, float]]) -> str:
    """Curves between columns, straight lines through them, and a bow between nodes of one column."""
    moved = [(x, y + _MARGIN) for x, y in points]
    said = [f"M{moved[0][0]:.0f} {moved[0][1]:.1f}"]
    for number, ((x1, y1), (x2, y2)) in enumerate(pairwise(moved)):
        middle = (x1 + x2) / 2 if abs(x1 - x2) > _WIDTH / 4 else x2 + _WIDTH / 4
        bend = f"C{middle:.0f} {y1:.1f} {middle:.0f} {y2:.1f} {x2:.0f} {y2:.1f}"
        said.append(f"L{x2:.0f} {y2:.1f}" if number % 2 else bend)
    return "".join(said)


def _node(node: Node, layout: Layout, number: int) -> Markup:
    x, y = _left(layout.columns[node]), layout.middles[node] - _HEIGHT / 2 + _MARGIN
    label = visible(node.label)
    squeezed = Markup(' textLength="{}" lengthAdjust="spacingAndGlyphs"').format(_WIDTH - 16)
    return Markup(
        '<g class="node {kind}" data-node="{number}" tabindex="0" role="img" aria-label="{name} {label}">'
        "<title>{place}</title>"
        '<rect x="{x}" y="{y:.1f}" width="{w}" height="{h}" rx="{r}"/>'
        '<text class="name" x="{tx}" y="{ty:.1f}"{squeezed}>{label}</text>'
        '<text class="kind" x="{tx}" y="{ky:.1f}">{name}</text></g>'
    ).format(
        kind=_NAMES[node.kind].replace(" ", "-"),
        number=number,
        place=visible(node.place),
        x=x,
        y=y,
        w=_WIDTH,
        h=_HEIGHT,
        r=_HEIGHT / 2 if node.kind == flows.CALLER else 7,
        tx=x + _WIDTH / 2,
        ty=y + 20,
        ky=y + 35,
        label=label if len(label) <= _LETTERS else f"{label[: _LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}",
        name=_NAMES[node.kind],
        squeezed=squeezed if len(label) > _FITTING else "",
    )


def _left(column: int) -> int:
    return _MARGIN + column * _ACROSS
