"""The kind of job `undo`, as the state machine runs it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill import fields as checked
from switchboard.backfill.earlier import earlier, key_lists, of_run, planned_again, standing, writer
from switchboard.backfill.job import Key, Table
from switchboard.backfill.kinds import Kind, Planned, Work
from switchboard.backfill.undo import RemoveAttribute, Undoing, check_undoable, uncertain_keys
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.backfill.kinds import Part, Tools
    from switchboard.backfill.records import RunRecord

SHOWN: Final = 10
"""So many uncertain keys are in the report itself."""


def plan(fields: Mapping[str, Any], tools: Tools) -> Planned:
    """The plan of `{"run": id, "uncertain": false}`. Raises as `check_undoable` and `earlier.planned_again`."""
    checked.known(fields, (runs.RUN_FIELD, runs.UNCERTAIN, runs.MAX_WRITE_UNITS, runs.MAX_READ_UNITS))
    uncertain = checked.flag(fields, runs.UNCERTAIN)
    found = earlier(fields, tools)
    check_undoable(found.record.job, found.status.status)
    stored = {
        **{name: found.record.stored[name] for name in ("table", "key_names", "attribute", "value")},
        runs.UNCERTAIN: uncertain,
    }
    return planned_again(found, fields, tools, items=found.status.counters.updated, stored=stored)


def work(stored: Mapping[str, Any], part: Part, tools: Tools) -> Work[Key]:
    """The journal of the run's segments, and conditional removals, of which no journal is kept."""
    table = Table(stored["table"], tuple(stored["key_names"]))
    change = RemoveAttribute(table, stored["attribute"], stored["value"])
    pages = Undoing(
        change,
        key_lists(table, tools),
        standing(change, part, tools),
        run_id=part.run_id,
        undone=stored["run"],
        of_run=of_run(stored, part),
        touch_uncertain=stored[runs.UNCERTAIN],
        size=part.size.of_work,
    )
    return Work(pages=pages, settles=writer(change, part, tools), key=table.attributes)


def tell(run: RunRecord, tools: Tools) -> dict[str, Any]:
    """How many items were left alone because the run may not have changed them, and some of their keys.

    All of them are in the objects under `runs.uncertain_prefix`. They are listed by the count: an undo that is paused
    before it tells of none. Raises as `KeyLists`.
    """
    if run.phase != runs.COUNT:
        return {}
    table = Table(run.stored["table"], tuple(run.stored["key_names"]))
    keys = uncertain_keys(key_lists(table, tools), run.run_id)
    shown = [table.attributes(key) for key in islice(keys, SHOWN)]
    return {runs.UNCERTAIN: len(shown) + sum(1 for _ in keys), "uncertain_keys": shown}


KIND: Final = Kind(plan=plan, work=work, tell=tell)
