"""The cost model: against figures by hand, and against the state machine as it is deployed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from infra.constructs.backfill_definition import definition
from switchboard.backfill.cost import HISTORY_EVENTS, Pace, Work, cost, planned_events
from switchboard.backfill.dry_run import pace
from switchboard.prices import list_prices

WORK = Work(items=5_000_000, items_to_change=5_000_000, item_bytes=1_024, key_bytes=50, update_units=1)
PACE = Pace(
    write_units=4_000,
    read_units=4_000,
    segments=8,
    concurrency=8,
    worker_units=500,
    usable_seconds=855,
    memory_gb=0.5,
    page_items=4_000,
)


def test_five_million_items_of_a_kilobyte_by_hand() -> None:
    found = cost(WORK, PACE, list_prices())

    assert found.write_units == 5_000_000
    assert found.read_units == 1_250_000 / 2 + 1_250_000
    # 1,250 s of writing, longer than 156 s of scanning; then the count.
    assert found.seconds == 1_250 + 312.5
    assert found.invocations == 8 * 2 + 8 + 4
    assert found.gb_seconds == 1_562.5 * 8 * 0.5
    assert found.pages == 4_883
    assert found.objects == 2 * 4_883
    assert found.dollars["write units"] == pytest.approx(3.125)
    assert found.dollars["read units"] == pytest.approx(0.234375)
    assert found.dollars["Lambda"] == pytest.approx(6_250 * 0.0000133334 + 28 * 0.0000002)
    assert found.dollars["journal"] == pytest.approx(9_766 * 0.000005)
    assert found.dollars["checkpoints"] == pytest.approx((4_883 + 4_883) * (0.625 + 3 * 0.125) / 1e6)
    assert found.usd == pytest.approx(sum(found.dollars.values()))


def test_the_answer_of_a_dry_run_is_the_contract() -> None:
    assert cost(WORK, PACE, list_prices()).as_answer("run-1") == {
        "run_id": "run-1",
        "status": "planned",
        "items": 5_000_000,
        "items_to_change": 5_000_000,
        "write_units": 5_000_000,
        "read_units": 1_875_000,
        "usd": 3.503,
        "seconds": 1_562,
        "segments": 8,
    }


def test_an_export_costs_by_its_size_and_no_units() -> None:
    scanned = cost(WORK, PACE, list_prices())
    exported = cost(replace(WORK, from_export=True), PACE, list_prices())
    assert exported.read_units == scanned.read_units - 625_000
    assert exported.dollars["export"] == pytest.approx(5_000_000 * 1_024 / 2**30 * 0.10)
    assert scanned.dollars["export"] == 0


def test_provisioned_capacity_is_paid_already() -> None:
    found = cost(replace(WORK, on_demand=False), PACE, list_prices())
    assert found.dollars["write units"] == found.dollars["read units"] == 0
    assert found.write_units == 5_000_000


def test_workers_bound_the_rate_and_reading_may_take_longer_than_writing() -> None:
    two = cost(WORK, replace(PACE, segments=2), list_prices())
    assert two.seconds == 5_000 + 312.5
    few = cost(replace(WORK, items_to_change=10), PACE, list_prices())
    assert few.seconds == 156.25 + 312.5
    assert few.objects == 20, "a page without work leaves no journal"


def test_a_stream_gets_a_record_for_every_update() -> None:
    assert cost(replace(WORK, stream=True, items_to_change=7), PACE, list_prices()).stream_records == 7
    assert cost(WORK, PACE, list_prices()).stream_records == 0


def test_nothing_to_do_costs_nearly_nothing() -> None:
    empty = Work(items=0, items_to_change=0, item_bytes=0, key_bytes=0, update_units=0)
    found = cost(empty, replace(PACE, segments=1), list_prices())
    assert (found.seconds, found.pages, found.objects, found.invocations) == (0, 0, 0, 6)
    assert found.usd < 0.01
    assert found.as_answer("run-1")["usd"] == pytest.approx(found.usd, rel=1e-3), "not nothing"


@pytest.mark.parametrize(("segments", "calls"), [(1, 1), (8, 3), (40, 5)])
def test_it_counts_the_events_and_transitions_of_the_deployed_state_machine(segments: int, calls: int) -> None:
    events, transitions = walked(segments, calls)
    assert planned_events(2 * segments * calls, segments) == events
    # Seconds that need so many calls of each segment, in the work and in the count alike.
    seconds = calls * PACE.usable_seconds - 1
    units = seconds * PACE.read_units
    work = replace(WORK, items=int(units), items_to_change=int(units), item_bytes=4_096)
    inline = replace(PACE, segments=segments, concurrency=segments, worker_units=1e9)
    found = cost(work, inline, list_prices())
    assert (found.events, found.transitions) == (events, transitions)


def test_a_distributed_map_leaves_room_in_every_history() -> None:
    most, starts = 500, 2 * 500
    work = replace(WORK, items=1_000_000_000, items_to_change=1_000_000_000)
    spread = cost(work, replace(PACE, segments=most, concurrency=400, distributed=True), list_prices())
    inline = cost(work, replace(PACE, segments=most, concurrency=400), list_prices())
    assert spread.events < HISTORY_EVENTS < inline.events
    assert spread.transitions == inline.transitions + starts


def test_a_page_settles_within_twenty_seconds() -> None:
    assert pace(500, 500, 1, 1).page_items == 4_000
    assert pace(10, 500, 1, 1).page_items == 200
    assert pace(1, 500, 1, 1).page_items == 20
    assert pace(80, 500, 8, 8).page_items == 200


def test_every_price_is_the_one_that_was_published() -> None:
    prices = list_prices()
    assert prices.region == "us-east-1"
    assert prices.dynamodb_write_unit * 1e6 == pytest.approx(0.625)
    assert prices.dynamodb_read_unit * 1e6 == pytest.approx(0.125)
    assert prices.step_functions_transition * 1e6 == pytest.approx(25)


def walked(segments: int, calls: int) -> tuple[int, int]:
    """Events and state transitions of an execution with a work phase and a count, followed state by state.

    Source: the Step Functions API reference, "HistoryEvent".
    """
    machine = definition(960)
    answers = iter([{"planned": None, "distributed": False}, {"next": "count"}, {"next": "report"}])
    return _walk(machine, answers, segments, calls, events=2, transitions=0)


def _walk(machine: Any, answers: Any, segments: int, calls: int, *, events: int, transitions: int) -> tuple[int, int]:
    name: str | None = machine["StartAt"]
    known: dict[str, Any] = {}
    called = 0
    while name is not None:
        state = machine["States"][name]
        transitions += 1
        following = state.get("Next")
        if state["Type"] == "Task":
            events += 5
            called += 1
            known |= next(answers, {}) if segments else {"answer.more": called < calls}
        elif state["Type"] == "Choice":
            events += 2
            following = next((each["Next"] for each in state["Choices"] if _chosen(each, known)), state.get("Default"))
        elif state["Type"] == "Map":
            events += 4
            for _ in range(segments):
                events, transitions = _walk(
                    state["ItemProcessor"],
                    answers,
                    0,
                    calls,
                    events=events + 2,
                    transitions=transitions,
                )
        else:
            events += 2
        name = following
    return events, transitions


def _chosen(choice: dict[str, Any], known: dict[str, Any]) -> bool:
    value = known.get(choice["Variable"].removeprefix("$."))
    if "IsNull" in choice:
        return (value is None) is choice["IsNull"]
    return bool(value == choice.get("BooleanEquals", choice.get("StringEquals")))
