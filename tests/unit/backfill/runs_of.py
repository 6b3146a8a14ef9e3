"""Runs on the table in memory."""

from __future__ import annotations

from typing import Any

from switchboard.backfill.engine import Checkpoint
from switchboard.backfill.plan import planned
from switchboard.backfill.run import Report, Run
from switchboard.backfill.waiting import Waiting
from tests.fakes.backfill_table import TABLE, BackfillTable, Clock, Item

VALUE = {"S": "1"}
OTHER = {"S": "set by a writer"}


def thing(number: int, **attributes: Any) -> Item:
    return {"pk": {"S": f"p{number % 5}"}, "sk": {"S": f"{number:07}"}, **attributes}


def things(count: int, *, every_other: int = 3) -> list[Item]:
    """Items of which one in `every_other` has another value of the attribute."""
    return [thing(number, **({} if number % every_other else {"test": OTHER})) for number in range(count)]


def waiting(clock: Clock) -> Waiting:
    return Waiting(clock=clock, sleep=clock.sleep, jitter=lambda: 0.5)


def run(
    table: Any,
    *,
    start: Checkpoint | None = None,
    told: list[Checkpoint] | None = None,
    clock: Clock | None = None,
    write_units: float = 1e9,
    read_units: float = 1e9,
    prefix: str | None = None,
) -> Report:
    plan = planned(
        table,
        TABLE,
        attribute="test",
        value=VALUE,
        prefix=prefix,
        max_write_units=write_units,
        max_read_units=read_units,
    )
    settled = [] if told is None else told
    return Run(
        table,
        plan,
        run_id="run-1",
        waiting=waiting(clock or Clock()),
        start=start or Checkpoint(),
        settled=settled.append,
    )()


def holds(table: BackfillTable, attribute: str = "test") -> dict[tuple[str, str], Any]:
    return {key: item.get(attribute) for key, item in table.items.items()}
