"""Failed items are tried again, and counted again."""

from __future__ import annotations

from typing import Any

from switchboard.backfill.engine import Checkpoint, Outcome
from switchboard.backfill.key_lists import KeyLists
from switchboard.backfill.listed import Standing
from switchboard.backfill.replay import replaying
from switchboard.backfill.writes import Writer
from switchboard.schema import runs
from tests.fakes.backfill_table import BackfillTable, Clock
from tests.fakes.reports_bucket import BUCKET, ReportsBucket
from tests.unit.backfill.runs_of import OTHER, VALUE, holds, thing, waiting
from tests.unit.backfill.undone import RUN, SET, THINGS, unlimited, work


def failed(bucket: Any, *of_pages: list[int]) -> KeyLists:
    """The lists of a run whose page `n` of segment `n` failed these things."""
    lists = KeyLists(bucket, BUCKET, THINGS)
    for number, numbers in enumerate(of_pages):
        keys = [THINGS.key(thing(each)) for each in numbers]
        lists.write(runs.failed_object(RUN, number, number), {Outcome.FAILED.value: keys})
    return lists


def source(table: Any, lists: KeyLists, *, of_run: range, size: int = 2) -> Any:
    standing = Standing(table, THINGS, "test", units=unlimited(), waiting=waiting(Clock()))
    return replaying(SET, lists, standing, replayed=RUN, of_run=of_run, size=lambda: size)


def writer(table: Any) -> Writer:
    return Writer(table, SET, write_units=unlimited(), read_units=unlimited(), waiting=waiting(Clock()))


def numbers(table: BackfillTable, value: Any) -> list[int]:
    return sorted(int(sk) for (_, sk), held in holds(table).items() if held == value)


def test_it_changes_the_failed_items_that_still_lack_the_attribute_and_no_others() -> None:
    table = BackfillTable([thing(0), thing(1, test=OTHER), thing(2), thing(3), thing(4)])
    bucket = ReportsBucket(listed=1)
    pages = source(table, failed(bucket, [0, 1, 2, 9], [3, 0]), of_run=range(2))

    missing = [key for page in pages.missing(None) for key in page.work]
    assert missing == [THINGS.key(thing(number)) for number in (0, 2, 3, 0)]

    at = list(work(pages, writer(table), Checkpoint()))[-1]

    assert numbers(table, VALUE) == [0, 2, 3]
    assert numbers(table, None) == [4]
    assert (at.counters.updated, at.counters.already, at.counters.deleted) == (3, 2, 1)
    assert at.counters.add_up
    assert not any(page.work for page in pages.missing(None))


def test_a_segment_goes_on_where_it_was_and_takes_its_own_lists_only() -> None:
    table = BackfillTable([thing(number) for number in range(9)])
    lists = failed(ReportsBucket(), [0, 1, 2], [3], [4, 5, 6])
    at = Checkpoint()
    pages = 0
    while not at.passes:
        at = next(iter(work(source(table, lists, of_run=range(0, 3, 2)), writer(table), at)))
        pages += 1

    assert numbers(table, VALUE) == [0, 1, 2, 4, 5, 6]
    assert pages == 5
    assert at.counters.updated == 6


def test_a_run_without_failures_leaves_nothing_to_do() -> None:
    table = BackfillTable([thing(0)])
    pages = source(table, failed(ReportsBucket()), of_run=range(3))
    (at,) = work(pages, writer(table), Checkpoint())
    assert (at.passes, at.counters.scanned) == (1, 0)
    assert [page.work for page in pages.missing(None)] == [()]
