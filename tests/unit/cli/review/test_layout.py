from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from cli.review import flows
from cli.review.flows import Flow, Graph, Node, graph
from cli.review.page.layout import laid_out
from cli.review.page.picture import picture

if TYPE_CHECKING:
    from cli.review.assembly import StageTemplates

KINDS = (flows.CALLER, flows.QUEUE, flows.STATE_MACHINE, flows.FUNCTION, flows.TABLE, flows.BUCKET)
WAYS = (flows.CALLS, flows.FEEDS, flows.READS, flows.WRITES, flows.FAILS_TO)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=2, max_size=9))
    nodes = tuple(Node(f"data/N{number}", kind, f"n{number}") for number, kind in enumerate(kinds))
    pairs = st.tuples(st.sampled_from(nodes), st.sampled_from(nodes), st.sampled_from(WAYS))
    drawn = draw(st.lists(pairs.filter(lambda pair: pair[0] != pair[1]), max_size=14, unique=True))
    return Graph(nodes, tuple(Flow(*each) for each in drawn))


@settings(max_examples=60)
@given(graphs())
def test_no_node_covers_another_and_every_arrow_is_drawn(drawn: Graph) -> None:
    layout = laid_out(drawn)
    for one, other in combinations(drawn.nodes, 2):
        if layout.columns[one] == layout.columns[other]:
            assert abs(layout.middles[one] - layout.middles[other]) >= 63.9
    assert all(middle >= 0 for middle in layout.middles.values())
    shown = picture(drawn)
    assert shown.count("<rect") == len(drawn.nodes)
    writing = {(flow.source, flow.target) for flow in drawn.flows if flow.how == flows.WRITES}
    expected = [f for f in drawn.flows if f.how != flows.READS or (f.source, f.target) not in writing]
    assert shown.count('class="tip"') == len(expected)
    assert picture(drawn) == shown


def test_callers_stand_before_what_they_call_and_followers_after_what_they_follow(prod: StageTemplates) -> None:
    columns = {node.label: column for node, column in laid_out(graph(prod)).columns.items()}
    assert columns["qm-service"] < columns["ingest"] < columns["cdr-writer"] < columns["cdr"] < columns["cdr-guard"]


def test_arrows_that_need_not_cross_do_not() -> None:
    callers = tuple(Node(f"a/{n}", flows.CALLER, f"caller{n}") for n in range(5))
    called = tuple(Node(f"b/{n}", flows.FUNCTION, f"function{n}") for n in range(5))
    pairs = tuple(Flow(callers[n], called[4 - n], flows.CALLS) for n in range(5))
    middles = laid_out(Graph((*callers, *called), pairs)).middles
    for one, other in combinations(pairs, 2):
        assert (middles[one.source] - middles[other.source]) * (middles[one.target] - middles[other.target]) > 0
