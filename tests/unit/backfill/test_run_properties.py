"""Any schedule of writers, faults and kills: nothing is missing, made anew or replaced, and the counters add up."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from switchboard.backfill.engine import Checkpoint
from switchboard.backfill.run import MAX_PASSES, Report
from tests.fakes.backfill_table import BackfillTable
from tests.fakes.messages_table import client_error
from tests.fakes.mishaps import Killed
from tests.unit.backfill.runs_of import OTHER, VALUE, holds, run, things

ITEMS = 40


class Writers:
    """Others who change, delete and add items between the calls of a run; `truth` is the table without the run."""

    def __init__(self, table: BackfillTable, rng: random.Random, *, actions: int) -> None:
        self.truth = holds(table)
        self._table = table
        self._rng = rng
        self._left = actions

    def act(self) -> None:
        if self._left and self._rng.random() < 0.5:
            self._left -= 1
            self._rng.choice((self._set, self._touch, self._delete, self._add))()

    def _any(self) -> tuple[str, str]:
        return self._rng.choice(sorted(self.truth))

    def _set(self) -> None:
        key = self._any()
        self.truth[key] = self._table.items[key]["test"] = OTHER

    def _touch(self) -> None:
        self._table.items[self._any()]["touched"] = {"BOOL": True}

    def _delete(self) -> None:
        if len(self.truth) > 1:
            key = self._any()
            del self.truth[key], self._table.items[key]

    def _add(self) -> None:
        key = f"p{self._rng.randrange(5)}", f"{self._rng.randrange(ITEMS):07}"
        if key not in self.truth:
            self.truth[key] = None
            self._table.items[key] = {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def run_to_the_end(table: BackfillTable, rng: random.Random, writers: Writers, kills: int) -> tuple[Report, int]:
    """Run until there is a verdict, killed up to `kills` times, going on each time from the last checkpoint."""
    told = [Checkpoint()]
    killed = 0

    def disturb(_name: str, _request: dict[str, Any]) -> None:
        nonlocal killed
        writers.act()
        if killed < kills and rng.random() < 0.2:
            killed += 1
            raise Killed

    def before(name: str, request: dict[str, Any]) -> None:
        disturb(name, request)
        if rng.random() < 0.1:
            raise client_error("ProvisionedThroughputExceededException", name, ResponseMetadata={"HTTPStatusCode": 400})

    table.before, table.after = before, disturb
    table.refuse = lambda _key: "ThrottlingError" if rng.random() < 0.1 else None
    while True:
        try:
            return run(table, start=told[-1], told=told), killed
        except Killed:
            continue


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 6), st.integers(0, 20), st.booleans())
def test_any_schedule_ends_with_every_item_right(seed: int, page: int, kills: int, actions: int, told: bool) -> None:
    rng = random.Random(seed)
    table = BackfillTable(things(ITEMS), page=page, told=told)
    writers = Writers(table, rng, actions=actions)

    report, _ = run_to_the_end(table, rng, writers, kills)

    after = holds(table)
    assert set(after) == set(writers.truth), "no item is made anew, none is removed"
    replaced = {key: value for key, value in writers.truth.items() if value is not None and after[key] != value}
    assert not replaced
    missing = sum(value is None for value in after.values())
    assert all(value in (None, VALUE, OTHER) for value in after.values())
    counters = report.at.counters
    assert counters.add_up
    assert counters.failed == 0
    assert 1 <= report.at.passes <= MAX_PASSES
    if report.status == "succeeded":
        # Writers act once more after the count's last read.
        assert missing <= actions
        if not actions:
            assert missing == 0


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 8))
def test_killed_anywhere_without_writers_it_updates_each_item_once(seed: int, page: int, kills: int) -> None:
    rng = random.Random(seed)
    table = BackfillTable(things(ITEMS), page=page)
    lacking = sum(value is None for value in holds(table).values())

    report, killed = run_to_the_end(table, rng, Writers(table, rng, actions=0), kills)

    assert (report.status, report.missing_after) == ("succeeded", 0)
    assert sum(table.updated.values()) == len(table.updated) == lacking
    counters = report.at.counters
    assert counters.scanned == ITEMS
    # Only items of a page that was cut off are counted as another's work.
    assert lacking - killed * page <= counters.updated <= lacking
