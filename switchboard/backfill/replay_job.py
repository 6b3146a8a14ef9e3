"""The kind of job `replay`, as the state machine runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill import fields as checked
from switchboard.backfill.earlier import earlier, journalling, key_lists, of_run, planned_again, standing, writer
from switchboard.backfill.kinds import Kind, Planned, Work
from switchboard.backfill.replay import check_replayable, replaying
from switchboard.backfill.set_attribute import restored
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.backfill.job import Key
    from switchboard.backfill.kinds import Part, Tools


def plan(fields: Mapping[str, Any], tools: Tools) -> Planned:
    """The plan of `{"run": id}`. Raises as `check_replayable` and `earlier.planned_again`."""
    checked.known(fields, (runs.RUN_FIELD, runs.MAX_WRITE_UNITS, runs.MAX_READ_UNITS))
    found = earlier(fields, tools)
    check_replayable(found.record.job, found.status.status)
    return planned_again(found, fields, tools, items=found.status.counters.failed, stored=found.record.stored)


def work(stored: Mapping[str, Any], part: Part, tools: Tools) -> Work[Key]:
    """The failed keys of the run's segments, and its conditional updates, with a journal of their own."""
    job = restored(stored)
    pages = replaying(
        job,
        key_lists(job.table, tools),
        standing(job, part, tools),
        replayed=stored["run"],
        of_run=of_run(stored, part),
        size=part.size.of_work,
    )
    settles = journalling(writer(job, part, tools), job, part, tools)
    return Work(pages=pages, settles=settles, key=job.table.attributes)


KIND: Final = Kind(plan=plan, work=work)
