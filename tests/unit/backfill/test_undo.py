"""Whatever was cut off and repeated, an undo takes back what the run set, and nothing that a writer set otherwise."""

from __future__ import annotations

import random
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from switchboard.backfill.engine import Checkpoint, Outcome
from switchboard.backfill.errors import InvalidInput, Systemic
from switchboard.backfill.job import Table
from switchboard.backfill.undo import RemoveAttribute, check_undoable, uncertain_keys
from switchboard.schema import runs
from tests.fakes.backfill_table import TABLE
from tests.fakes.messages_table import client_error
from tests.fakes.mishaps import Killed
from tests.fakes.reports_bucket import ReportsBucket
from tests.unit.backfill.runs_of import OTHER, VALUE, holds, things
from tests.unit.backfill.undone import UNDO, Journalling, UndoableTable, remover, undoing, work

ITEMS = 40


def undo(table: UndoableTable, run: Journalling, *, uncertain: bool = False, run_id: str = UNDO) -> Checkpoint:
    pages = undoing(table, run.lists, uncertain=uncertain, run_id=run_id)
    at = list(work(pages, remover(table), Checkpoint()))[-1]
    for _ in pages.missing(None):
        """A run counts once it has worked."""
    return at


def disturbed(rng: random.Random, kills: int, writer: Any) -> Any:
    """What happens around the calls of a program: writers act, calls fail, the program is killed so often at most."""
    left = [kills]

    def disturb(name: str, _request: dict[str, Any]) -> None:
        writer()
        if left[0] and rng.random() < 0.15:
            left[0] -= 1
            raise Killed
        if rng.random() < 0.05:
            raise client_error("ProvisionedThroughputExceededException", name, ResponseMetadata={"HTTPStatusCode": 400})

    return disturb


def to_the_end(attempt: Any) -> None:
    while True:
        try:
            attempt()
        except (ClientError, Killed):
            continue
        return


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(0, 6), st.integers(0, 12), st.booleans())
def test_after_any_crashes_it_removes_what_the_run_set_and_no_value_of_a_writer(
    seed: int, page: int, kills: int, actions: int, told: bool
) -> None:
    rng = random.Random(seed)
    table = UndoableTable(things(ITEMS), page=page, told=told)
    bucket = ReportsBucket(listed=rng.randrange(1, 9))
    # What the table holds without the run: writers give another value, delete, and touch other attributes.
    truth = holds(table)
    left = [actions]

    def writer() -> None:
        if left[0] and rng.random() < 0.5:
            left[0] -= 1
            key = rng.choice(sorted(truth))
            if rng.random() < 0.6:
                truth[key] = table.items[key]["test"] = OTHER
            elif len(truth) > 1:
                del truth[key], table.items[key]

    mishap = disturbed(rng, kills, writer)
    table.before = table.after = bucket.before = bucket.after = mishap
    run = Journalling(table, bucket, size=page)
    to_the_end(run.attempt)

    at = [Checkpoint()]

    def attempt() -> None:
        pages = undoing(table, run.lists, uncertain=True, size=rng.randrange(1, 9))
        for each in work(pages, remover(table), at[-1]):
            at.append(each)

    mishap = disturbed(rng, kills, writer)
    table.before = table.after = bucket.before = bucket.after = mishap
    to_the_end(attempt)

    assert holds(table) == truth
    assert at[-1].counters.add_up
    assert at[-1].counters.failed == 0
    pages = undoing(table, run.lists, uncertain=True)
    table.before = table.after = bucket.before = bucket.after = lambda _name, _request: None
    assert sum(len(each.work) for each in pages.missing(None)) == 0


@given(st.integers(0, 2**32), st.integers(1, 12), st.integers(1, 6))
def test_untold_it_leaves_alone_and_lists_exactly_what_it_cannot_know(seed: int, page: int, kills: int) -> None:
    rng = random.Random(seed)
    table = UndoableTable(things(ITEMS), page=page)
    bucket = ReportsBucket(listed=3)
    run = Journalling(table, bucket, size=page)
    before = holds(table)
    table.before = table.after = bucket.before = bucket.after = disturbed(rng, kills, lambda: None)
    to_the_end(lambda: run.attempt(rng.randrange(1, page + 1)))
    table.before = table.after = bucket.before = bucket.after = lambda _name, _request: None
    assert all(holds(table).values())

    undo(table, run)

    after = holds(table)
    kept = {key for key in after if after[key] == VALUE}
    listed = sorted((pk, sk) for (_, pk), (_, sk) in uncertain_keys(run.lists, UNDO))
    assert listed == sorted(kept)
    assert {key: after[key] for key in after if key not in kept} == {
        key: before[key] for key in before if key not in kept
    }

    undo(table, run, uncertain=True, run_id="undo-2")

    assert holds(table) == before
    assert not list(uncertain_keys(run.lists, "undo-2"))


def test_undoing_again_changes_nothing() -> None:
    table, run = finished()
    undo(table, run)
    once, removed = holds(table), len(table.removed)

    again = undo(table, run)

    assert holds(table) == once
    assert len(table.removed) == removed
    assert (again.counters.updated, again.counters.already) == (0, removed)


def test_a_value_that_a_writer_gave_again_stands() -> None:
    table, run = finished()
    before = len([value for value in holds(table).values() if value == VALUE])
    given_again: list[tuple[str, str]] = []

    def writer(name: str, _request: dict[str, Any]) -> None:
        if name == "batch_execute_statement" and table.removed and not given_again:
            given_again.append(table.removed[0])
            table.items[table.removed[0]]["test"] = VALUE

    table.before = writer
    pages = undoing(table, run.lists, uncertain=True)
    at = Checkpoint()
    for _ in range(3):
        at = list(work(pages, remover(table), at))[-1]

    assert [key for key, value in holds(table).items() if value == VALUE] == given_again
    assert at.passes == 3
    assert at.counters.updated == before
    left = [each.work for each in pages.missing(None) if each.work]
    assert len(left) == 1, "the count says so"


def test_an_item_that_is_gone_is_counted_as_deleted_and_stays_gone() -> None:
    table, run = finished()
    gone = next(key for key, value in holds(table).items() if value == VALUE)
    del table.items[gone]

    at = undo(table, run)

    assert at.counters.deleted == 1
    assert gone not in table.items


def test_segments_of_a_run_are_undone_each_from_its_own_journal() -> None:
    table = UndoableTable(things(20, every_other=21), page=50)
    bucket = ReportsBucket(listed=2)
    first = Journalling(table, bucket, segment=3, size=3)
    first.attempt()
    for key in list(table.items):
        if key[0] in {"p1", "p2"}:
            del table.items[key]["test"]
    Journalling(table, bucket, segment=12, size=3).attempt()
    at = Checkpoint()
    stopped: list[Checkpoint] = []

    # The cursor leads from one segment's journal into the next one's, after every page.
    while not at.passes:
        pages = undoing(table, first.lists, uncertain=False, segments=20, size=2)
        at = next(iter(work(pages, remover(table), at)))
        stopped.append(at)

    assert [value for value in holds(table).values() if value is not None] == [OTHER]
    assert at.counters.updated == 19
    assert at.counters.already == 8
    assert len(stopped) > 14


@pytest.mark.parametrize(
    ("held", "same"),
    [
        ({"M": {"a": {"N": "1.0"}, "b": {"L": [{"NULL": True}]}}}, True),
        ({"M": {"a": {"N": "1"}, "b": {"L": [{"BOOL": True}]}}}, False),
        ({"M": {"a": {"S": "1"}, "b": {"L": [{"NULL": True}]}}}, False),
        ({"S": "1"}, False),
    ],
)
def test_it_compares_documents_as_dynamodb_does(held: dict[str, Any], same: bool) -> None:
    value = {"M": {"b": {"L": [{"NULL": True}]}, "a": {"N": "1"}}}
    assert RemoveAttribute(Table(TABLE, ("pk",)), "test", value).holds({"test": held}) is same


def test_it_compares_sets_without_order() -> None:
    table = Table(TABLE, ("pk",))
    assert RemoveAttribute(table, "test", {"SS": ["a", "b"]}).holds({"test": {"SS": ["b", "a"]}})
    assert RemoveAttribute(table, "test", {"NS": ["1", "2"]}).holds({"test": {"NS": ["2.0", "1"]}})
    assert not RemoveAttribute(table, "test", {"NS": ["1", "2"]}).holds({"test": {"NS": ["1"]}})
    assert not RemoveAttribute(table, "test", VALUE).holds({})


@pytest.mark.parametrize("job", [runs.IMPORT_LEGACY_CDR, runs.RENAME_USER, runs.UNDO])
def test_imports_renames_and_undos_are_refused(job: str) -> None:
    with pytest.raises(InvalidInput, match=r"^run: expected one that set an attribute: "):
        check_undoable(job, runs.SUCCEEDED)


def test_a_run_that_works_is_refused_until_it_is_paused() -> None:
    with pytest.raises(InvalidInput, match=r"pause it first$"):
        check_undoable(runs.SET_ATTRIBUTE, runs.RUNNING)
    for status in (runs.PAUSED, runs.STOPPED, runs.SUCCEEDED, runs.INCOMPLETE, runs.FAILED):
        check_undoable(runs.SET_ATTRIBUTE, status)
        check_undoable(runs.REPLAY, status)


def test_a_missing_table_stops_it() -> None:
    table, run = finished()
    table.refuse = lambda _key: "ResourceNotFound"
    with pytest.raises(Systemic):
        undo(table, run)


def test_items_that_stay_throttled_fail() -> None:
    table, run = finished()
    victim = next(key for key, value in holds(table).items() if value == VALUE)
    table.refuse = lambda key: "ThrottlingError" if key == victim else None
    outcomes = remover(table).settle([(("S", victim[0]), ("S", victim[1]))])
    assert outcomes == [Outcome.FAILED]
    assert holds(table)[victim] == VALUE
    undo(table, run)


def finished() -> tuple[UndoableTable, Journalling]:
    table = UndoableTable(things(ITEMS))
    run = Journalling(table, ReportsBucket(listed=3))
    run.attempt()
    assert not run.at.counters.failed
    return table, run
