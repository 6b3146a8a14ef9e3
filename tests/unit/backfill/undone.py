"""Runs with a journal on the table in memory, and their undoing."""

from __future__ import annotations

import re
from copy import deepcopy
from itertools import count
from typing import TYPE_CHECKING, Any

from switchboard.backfill.engine import Checkpoint, Meter, settled_pages
from switchboard.backfill.job import SetAttribute, Table
from switchboard.backfill.journal import Journal
from switchboard.backfill.key_lists import KeyLists
from switchboard.backfill.listed import Standing
from switchboard.backfill.source import Source
from switchboard.backfill.undo import RemoveAttribute, Undoing
from switchboard.backfill.units import Units
from switchboard.backfill.writes import Writer
from switchboard.schema import runs
from tests.fakes.backfill_table import TABLE, BackfillTable, Clock
from tests.fakes.page_sizes import PagesOf
from tests.fakes.reports_bucket import BUCKET, ReportsBucket
from tests.unit.backfill.runs_of import VALUE, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from switchboard.backfill.engine import Pages, Settles

THINGS = Table(TABLE, ("pk", "sk"))
SET = SetAttribute(THINGS, "test", VALUE)
REMOVE = RemoveAttribute(THINGS, "test", VALUE)
RUN, UNDO = "run-1", "undo-1"
_REMOVE = re.compile(r'UPDATE "things" REMOVE "([^"]+)" WHERE "([^"]+)"=\? AND "pk"=\? AND "sk"=\?')


class UndoableTable(BackfillTable):
    """The table in memory, which takes the statements of an undo as well, and counts them in `removed`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.removed: list[tuple[str, str]] = []

    def _update(self, statement: dict[str, Any]) -> dict[str, Any]:
        match = _REMOVE.fullmatch(statement["Statement"])
        if not match:
            return super()._update(statement)
        value, pk, sk = statement["Parameters"]
        key = pk["S"], sk["S"]
        code = self.refuse(key)
        if code is not None:
            return {"Error": {"Code": code}}
        item = self.items.get(key)
        if item is None or item.get(match[2]) != value:
            told = self._told and item is not None
            return {"Error": {"Code": "ConditionalCheckFailed"} | ({"Item": deepcopy(item)} if told else {})}
        del item[match[1]]
        self.removed.append(key)
        return {"TableName": TABLE}


class Journalling:
    """A run of `SET` in one segment, whose attempts go on from the last checkpoint and all keep a journal."""

    def __init__(self, table: UndoableTable, bucket: ReportsBucket, *, segment: int = 0, size: int = 10) -> None:
        self.at = Checkpoint()
        self.lists = KeyLists(bucket, BUCKET, THINGS)  # type: ignore[arg-type]  # a fake
        self._table: Any = table
        self._segment = segment
        self._size = size
        self._version = 0
        self._attempts = count()

    def attempt(self, size: int | None = None) -> None:
        """Work to the end of the pass, or to where it is cut off; with pages of another `size` from now on."""
        self._size = size or self._size
        for at in work(self._source(), self._settler(), self.at):
            self.at = at
            self._version += 1

    def _source(self) -> Source:
        return Source(self._table, SET, units=unlimited(), waiting=waiting(Clock()), size=PagesOf(self._size))

    def _settler(self) -> Journal:
        writer = Writer(self._table, SET, write_units=unlimited(), read_units=unlimited(), waiting=waiting(Clock()))
        return Journal(
            writer,
            self.lists,
            page=lambda: runs.journal_page(RUN, self._segment, self.at.passes + 1, self._version),
            attempt=lambda: f"attempt-{next(self._attempts)}",
        )


def undoing(
    table: Any, lists: KeyLists, *, uncertain: bool, run_id: str = UNDO, segments: int = 1, size: int = 7
) -> Undoing:
    standing = Standing(table, THINGS, "test", units=unlimited(), waiting=waiting(Clock()))
    return Undoing(
        REMOVE,
        lists,
        standing,
        run_id=run_id,
        undone=RUN,
        of_run=range(segments),
        touch_uncertain=uncertain,
        size=lambda: size,
    )


def remover(table: Any) -> Writer:
    return Writer(table, REMOVE, write_units=unlimited(), read_units=unlimited(), waiting=waiting(Clock()))


def work(pages: Pages[Any], settles: Settles[Any], at: Checkpoint) -> Iterator[Checkpoint]:
    clock = Clock()
    meter = Meter(at, writes=unlimited(), reads=unlimited(), clock=clock)
    return settled_pages(pages, settles, at, meter=meter)


def unlimited() -> Units:
    clock = Clock()
    return Units(1e9, clock=clock, sleep=clock.sleep)
