"""Runs on a table that throttles as provisioned ones do, in simulated time: it finishes, and no update is lost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.backfill.waiting import PATIENCE_SECONDS
from switchboard.dynamo import rounds
from tests.fakes.backfill_table import BackfillTable
from tests.fakes.messages_table import client_error
from tests.fakes.simulated_time import SimulatedTime
from tests.models.throttling import Bucket, Throttle, ThrottledTable
from tests.unit.backfill.runs_of import OTHER, holds, run, thing

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from switchboard.backfill.run import Report

MINUTE = 60


def refused(code: str) -> Exception:
    return client_error(code, ResponseMetadata={"HTTPStatusCode": 400})


class Scene:
    """A table of `items` items in five partition keys behind a throttle, and when each was updated."""

    def __init__(self, items: int, **rates: Any) -> None:
        self.time = SimulatedTime()
        self.throttle = Throttle(clock=self.time, **rates)
        self.table = BackfillTable([thing(number) for number in range(items)], page=400)
        self.table.after = lambda _name, _request: self.time.sleep(0.01)
        self.client = ThrottledTable(self.table, self.throttle, refuse=refused)
        self.updated_at: dict[tuple[str, str], float] = {}
        self.table.refuse = self._note

    def run(self, **arguments: Any) -> Report:
        reports: list[Report] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rounds, "in_flight", self.time.in_flight)
            self.time.begin(lambda: reports.append(run(self.client, clock=self.time, **arguments)))  # type: ignore[arg-type]
            self.time.run()
        return reports[0]

    def per_minute(self) -> Iterator[int]:
        times = Counter(int(at) for at in self.updated_at.values())
        for start in range(int(max(self.updated_at.values())) - MINUTE):
            yield sum(times[second] for second in range(start, start + MINUTE))

    def assert_all_updated_once(self) -> None:
        assert set(self.table.updated.values()) == {1}
        assert None not in holds(self.table).values()

    def _note(self, key: tuple[str, str]) -> None:
        self.updated_at[key] = self.time.now


def hottest(scene: Scene) -> Bucket:
    """The partition of the items with the partition key `p1`."""
    return scene.throttle.partition("p1")


@pytest.mark.parametrize("partition", [30.0, 1_000.0], ids=["narrow partitions", "wide partitions"])
def test_a_table_that_serves_less_than_the_budget_slows_the_run_and_loses_nothing(partition: float) -> None:
    scene = Scene(6_000, write_units=100.0, partition_units=partition, burst_seconds=5)
    report = scene.run(write_units=1_000)
    assert (report.status, report.at.counters.updated, report.at.write_units) == ("succeeded", 6_000, 6_000)
    scene.assert_all_updated_once()
    assert scene.throttle.refused < 6_000, "it adapts instead of hammering"


def test_a_table_with_burst_credits_is_asked_for_the_budget_and_no_more() -> None:
    scene = Scene(20_000, write_units=100.0, partition_units=1_000.0)
    report = scene.run(write_units=120)
    assert report.status == "succeeded"
    minutes = list(scene.per_minute())
    assert max(minutes) <= 1.1 * MINUTE * 120
    assert min(minutes) >= 0.9 * MINUTE * 100
    scene.assert_all_updated_once()


def test_the_budget_holds_on_a_table_that_could_serve_more() -> None:
    scene = Scene(20_000, write_units=5_000.0, partition_units=5_000.0)
    assert scene.run(write_units=100).status == "succeeded"
    assert scene.throttle.refused == 0
    assert all(0.9 <= updated / MINUTE / 100 <= 1.1 for updated in scene.per_minute())


def test_it_goes_as_fast_as_before_once_the_table_is_calm_again() -> None:
    scene = Scene(20_000, write_units=1_000.0, partition_units=1_000.0, burst_seconds=1)
    scene.time.begin(lambda: scene.throttle.writes.change(20.0), after=20)
    scene.time.begin(lambda: scene.throttle.writes.change(1_000.0), after=50)
    report = scene.run(write_units=200)
    assert report.status == "succeeded"
    minutes = list(scene.per_minute())
    assert min(minutes[:30]) < 0.6 * MINUTE * 200
    assert minutes[-1] >= 0.9 * MINUTE * 200
    scene.assert_all_updated_once()


def test_a_partition_that_throttles_for_long_holds_up_nobody_else_on_its_page() -> None:
    scene = Scene(2_000, write_units=5_000.0, partition_units=5_000.0)
    hottest(scene).change(0.0)
    scene.time.begin(lambda: hottest(scene).change(500.0), after=200)
    scene.client.scan = whole_table(scene)  # type: ignore[method-assign]  # one page, whose items are of all partitions
    report = scene.run(write_units=200)
    assert (report.status, report.at.counters.updated) == ("succeeded", 2_000)
    scene.assert_all_updated_once()
    cold = [at for key, at in scene.updated_at.items() if scene.throttle.partition(key[0]) is not hottest(scene)]
    assert max(cold) < 2 * 2_000 / 200
    assert max(scene.updated_at.values()) > 200


def whole_table(scene: Scene) -> Callable[..., Any]:
    def scan(**request: Any) -> Any:
        scene.table._page = 10_000
        answer = scene.table.scan(**request)
        answer["Items"] = sorted(answer.get("Items", []), key=lambda item: str(item["sk"]["S"]))
        return answer

    return scan


@pytest.mark.parametrize("items", [200, 2_000])
def test_a_partition_that_always_throttles_ends_with_its_items_failed(items: int) -> None:
    scene = Scene(items, write_units=5_000.0, partition_units=5_000.0)
    hottest(scene).change(0.0)
    report = scene.run(write_units=1_000)
    never = [key for key, value in holds(scene.table).items() if value is None]
    assert (report.status, report.missing_after) == ("failed", len(never))
    assert report.at.counters.failed == len(never) > 0
    assert report.at.counters.add_up
    assert {scene.throttle.partition(key[0]) for key in never} == {hottest(scene)}
    pages_of_it = -(-len(never) // 400) + 1
    assert scene.time.now < items / 1_000 + pages_of_it * (PATIENCE_SECONDS + MINUTE)


def test_a_table_that_never_serves_is_given_up_and_its_items_are_listed() -> None:
    scene = Scene(30, write_units=0.0)
    report = scene.run()
    assert (report.status, report.at.counters.failed, report.missing_after) == ("failed", 30, 30)
    assert scene.time.now < 2 * PATIENCE_SECONDS


def test_reads_that_are_throttled_slow_the_scan_down_and_leave_nothing_out(rng: random.Random) -> None:
    scene = Scene(4_000, write_units=5_000.0, partition_units=5_000.0, read_units=300.0, burst_seconds=2)
    for key in rng.sample(sorted(scene.table.items), 500):
        scene.table.items[key]["test"] = OTHER
    report = scene.run(write_units=5_000, read_units=2_000)
    assert (report.status, report.at.counters.updated, report.at.counters.already) == ("succeeded", 3_500, 500)
    assert scene.throttle.refused > 0
    assert scene.time.now > 4_000 / 300


def test_members_that_fail_for_another_reason_are_not_tried_for_ever() -> None:
    scene = Scene(40, write_units=1_000.0)
    scene.table.refuse = lambda key: "ValidationError" if key[1] == "0000003" else None
    report = scene.run()
    assert (report.status, report.at.counters.failed, report.at.counters.updated) == ("failed", 1, 39)
    assert scene.time.now < 10


def test_a_page_that_takes_longer_than_the_patience_because_of_its_budget_is_not_given_up() -> None:
    scene = Scene(400, write_units=1_000.0)
    report = scene.run(write_units=1)
    assert (report.status, report.at.counters.updated) == ("succeeded", 400)
    assert scene.time.now > 400 > PATIENCE_SECONDS
