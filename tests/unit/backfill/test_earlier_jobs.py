"""Undo and replay as the state machine runs them: planned by the run they are about, worked on in its segments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from switchboard.backfill import replay_job, undo_job
from switchboard.backfill.earlier import journalling, key_lists, writer
from switchboard.backfill.engine import Checkpoint, Counters, Outcome
from switchboard.backfill.errors import InvalidInput, RecoveryOff
from switchboard.backfill.kinds import Names, Part, Tools
from switchboard.backfill.records import RunRecord
from switchboard.backfill.set_attribute import as_json
from switchboard.backfill.source import Source
from switchboard.backfill.undo import uncertain_keys
from switchboard.schema import runs
from tests.fakes.backfill_table import TABLE, Clock
from tests.fakes.page_sizes import PagesOf
from tests.fakes.reports_bucket import BUCKET, ReportsBucket
from tests.unit.backfill.runs_of import OTHER, VALUE, holds, thing, things, waiting
from tests.unit.backfill.undone import RUN, SET, UNDO, UndoableTable, unlimited, work

SEGMENTS = 3


@dataclass(frozen=True)
class Status:
    status: str
    counters: Counters


class Runs:
    """What is known of one run."""

    def __init__(self, job: str = runs.SET_ATTRIBUTE, status: str = runs.SUCCEEDED, **stored: Any) -> None:
        self._job = job
        self._status = status
        self._stored = stored or as_json(SET)

    def record(self, run_id: str) -> RunRecord:
        if run_id != RUN:
            raise InvalidInput("run: expected another")
        return RunRecord(
            run_id=RUN,
            execution="arn",
            job=self._job,
            input={},
            stored=self._stored,
            table=TABLE,
            status=runs.RUNNING,
            phase=runs.COUNT,
            number_of_pass=1,
            fence=1,
            segments=SEGMENTS,
            concurrency=2,
            distributed=False,
            unfinished=SEGMENTS,
            write_units=40.0,
            read_units=30.0,
            most_write_units=None,
            most_read_units=None,
            items=20,
        )

    def status(self, run_id: str) -> Status:
        assert run_id == RUN
        return Status(self._status, Counters(scanned=20, updated=12, failed=3, already=5))


def tools(table: Any, bucket: Any, known: Any = None) -> Tools:
    found: Any = known or Runs()
    return Tools(
        dynamodb=table,
        s3=bucket,
        runs=found,
        names=Names(runs_table="runs", reports_bucket=BUCKET),
        waiting=waiting(Clock()),
        now=lambda: datetime(2026, 11, 21, tzinfo=UTC),
    )


def part(run_id: str, segment: int = 0, of: int = 1, *, claim: int = 1) -> Part:
    return Part(
        run_id=run_id,
        segment=segment,
        of=of,
        number_of_pass=1,
        claim=claim,
        version=lambda: 5,
        size=PagesOf(4),
        writes=unlimited(),
        reads=unlimited(),
        waiting=waiting(Clock()),
    )


def settled(pages: Any, settles: Any) -> Counters:
    return list(work(pages, settles, Checkpoint()))[-1].counters


def run_with_journals(table: UndoableTable, bucket: ReportsBucket) -> None:
    """A third of the items in the journal of each of the segments."""
    given = tools(table, bucket)
    for segment in range(SEGMENTS):
        of_segment = part(RUN, segment, SEGMENTS)
        settles = journalling(writer(SET, of_segment, given), SET, of_segment, given)
        source = Source(given.dynamodb, SET, units=unlimited(), waiting=given.waiting, size=PagesOf(40))
        lacking = [key for page in source.pages(None, consistent=True) for key in page.work]
        settles.settle(lacking[: -(-len(lacking) // (SEGMENTS - segment))])


@pytest.mark.parametrize("of", [1, 2, 3])
def test_an_undo_takes_each_journal_once_however_many_segments_it_has(of: int) -> None:
    table, bucket = UndoableTable(things(20)), ReportsBucket()
    before = holds(table)
    run_with_journals(table, bucket)
    assert all(holds(table).values())
    given = tools(table, bucket)

    planned = undo_job.plan({"run": RUN}, given)
    jobs = [undo_job.work(planned.stored, part(UNDO, segment, of), given) for segment in range(of)]
    counters = [settled(job.pages, job.settles) for job in jobs]

    assert holds(table) == before
    assert sum(each.updated for each in counters) == sum(each.scanned for each in counters) == 13
    assert len(table.removed) == 13
    assert not any(name.startswith(runs.objects_prefix(UNDO)) for name in bucket.objects), "an undo has no journal"


def test_an_undo_is_planned_with_the_budgets_of_the_run() -> None:
    planned = undo_job.plan({"run": RUN}, tools(UndoableTable(things(3)), ReportsBucket()))
    assert (planned.table, planned.items, planned.most_segments) == (TABLE, 12, SEGMENTS)
    assert (planned.write_units, planned.read_units) == (40.0, 30.0)
    asked = {"run": RUN, "max_write_units": 7, "max_read_units": 5, "uncertain": True}
    planned = undo_job.plan(asked, tools(UndoableTable(things(3)), ReportsBucket()))
    assert (planned.write_units, planned.read_units) == (7.0, 5.0)
    assert planned.stored["uncertain"] is True


def test_uncertain_items_are_touched_when_told_and_listed_when_not() -> None:
    table, bucket = UndoableTable(things(4)), ReportsBucket()
    before = holds(table)
    run_with_journals(table, bucket)
    for name in [name for name in bucket.objects if name.endswith(".outcomes.json")]:
        del bucket.objects[name]
    given = tools(table, bucket)

    planned = undo_job.plan({"run": RUN}, given)
    job = undo_job.work(planned.stored, part(UNDO), given)
    assert settled(job.pages, job.settles).updated == 0
    assert not any(page.work for page in job.pages.missing(None))
    assert len(list(uncertain_keys(key_lists(SET.table, given), UNDO))) == 2
    record = replace(Runs().record(RUN), run_id=UNDO, job=runs.UNDO, stored=planned.stored)
    shown = [{"pk": {"S": pk}, "sk": {"S": sk}} for (pk, sk), value in holds(table).items() if value == VALUE]
    assert undo_job.tell(record, given) == {"uncertain": 2, "uncertain_keys": shown}
    assert undo_job.tell(replace(record, phase=runs.WORK), given) == {}, "nobody has counted yet"

    told = undo_job.plan({"run": RUN, "uncertain": True}, given)
    job = undo_job.work(told.stored, part("undo-2"), given)
    assert settled(job.pages, job.settles).updated == 2
    assert holds(table) == before


def test_a_replay_settles_what_failed_and_can_be_undone() -> None:
    table, bucket = UndoableTable([thing(0), thing(1), thing(2, test=OTHER)]), ReportsBucket()
    given = tools(table, bucket)
    lists = key_lists(SET.table, given)
    keys = [SET.table.key(thing(number)) for number in (0, 2)]
    lists.write(runs.failed_object(RUN, 2, 9), {Outcome.FAILED.value: keys})

    planned = replay_job.plan({"run": RUN, "max_write_units": 9}, given)
    job = replay_job.work(planned.stored, part("replay-1"), given)
    counters = settled(job.pages, job.settles)

    assert (planned.items, planned.write_units, planned.most_segments) == (3, 9.0, SEGMENTS)
    assert (counters.updated, counters.already) == (1, 1)
    assert [value for _, value in sorted(holds(table).items())] == [VALUE, None, OTHER]
    assert job.key(keys[0]) == {"pk": {"S": "p0"}, "sk": {"S": "0000000"}}
    assert [name for name in bucket.objects if name.startswith("runs/replay-1/journal/000000/")] == [
        "runs/replay-1/journal/000000/01-000000005-000001.candidates.json",
        "runs/replay-1/journal/000000/01-000000005-000001.outcomes.json",
    ]
    replayed = Runs(runs.REPLAY, **planned.stored)
    undone = replace(given, runs=replayed)  # type: ignore[arg-type]  # a fake
    assert undo_job.plan({"run": RUN}, undone).stored["attribute"] == "test"


@pytest.mark.parametrize("kind", [undo_job.KIND, replay_job.KIND])
@pytest.mark.parametrize(
    ("known", "fields", "said"),
    [
        (Runs(), {}, "run: expected a text"),
        (Runs(), {"run": "another"}, "run: expected another"),
        (Runs(), {"run": RUN, "table": TABLE}, "input: expected no other fields than"),
        (Runs(), {"run": RUN, "max_write_units": 0}, "max_write_units: "),
        (Runs(status=runs.RUNNING), {"run": RUN}, "run: expected one that has ended or is paused"),
        (Runs(runs.IMPORT_LEGACY_CDR), {"run": RUN}, "run: expected one that set an attribute"),
        (Runs(runs.RENAME_USER), {"run": RUN}, "run: expected one that set an attribute"),
        (Runs(runs.UNDO), {"run": RUN}, "run: expected one that set an attribute"),
    ],
)
def test_what_cannot_be_undone_or_replayed_is_refused(kind: Any, known: Runs, fields: Any, said: str) -> None:
    table = UndoableTable(things(3))
    with pytest.raises(InvalidInput, match=said):
        kind.plan(fields, tools(table, ReportsBucket(), known))


@pytest.mark.parametrize("kind", [undo_job.KIND, replay_job.KIND])
def test_a_table_without_recovery_is_refused(kind: Any) -> None:
    table = UndoableTable(things(3))
    table.recovery = "DISABLED"
    with pytest.raises(RecoveryOff):
        kind.plan({"run": RUN}, tools(table, ReportsBucket()))


def test_whether_uncertain_items_are_touched_is_true_or_false() -> None:
    with pytest.raises(InvalidInput, match="uncertain: expected true or false"):
        undo_job.plan({"run": RUN, "uncertain": "yes"}, tools(UndoableTable(things(3)), ReportsBucket()))
