"""Jobs about an earlier run that set an attribute: what is known of it, and how their workers settle keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from switchboard.backfill import fields as checked
from switchboard.backfill.journal import Journal
from switchboard.backfill.key_lists import KeyLists
from switchboard.backfill.kinds import Planned
from switchboard.backfill.listed import Standing
from switchboard.backfill.plan import planned
from switchboard.backfill.writes import Writer
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.backfill.engine import Settles
    from switchboard.backfill.job import Key, Table
    from switchboard.backfill.kinds import Part, Tools
    from switchboard.backfill.records import RunRecord
    from switchboard.backfill.runs_table import RunStatus
    from switchboard.backfill.writes import Change


@dataclass(frozen=True, slots=True)
class Earlier:
    """The run that a request names, and how it stands."""

    record: RunRecord
    status: RunStatus


def earlier(fields: Mapping[str, Any], tools: Tools) -> Earlier:
    """The run of the field `run`. Raises `InvalidInput` where there is none, and as `tools.runs` does."""
    run_id = checked.text(fields, runs.RUN_FIELD)
    return Earlier(tools.runs.record(run_id), tools.runs.status(run_id))


def planned_again(
    found: Earlier, fields: Mapping[str, Any], tools: Tools, *, items: int, stored: Mapping[str, Any]
) -> Planned:
    """The plan of a job about `items` items of an earlier run, with its budgets unless `fields` has others.

    Raises as `switchboard.backfill.plan.planned`.
    """
    run = found.record
    plan = planned(
        tools.dynamodb,
        run.table,
        attribute=run.stored["attribute"],
        value=run.stored["value"],
        prefix=None,
        max_write_units=checked.optional_rate(fields, runs.MAX_WRITE_UNITS) or run.write_units,
        max_read_units=checked.optional_rate(fields, runs.MAX_READ_UNITS) or run.read_units,
    )
    return Planned(
        table=run.table,
        stored={**stored, "run": run.run_id, "of_run": run.segments},
        items=items,
        table_bytes=0,
        write_units=plan.write_units,
        read_units=plan.read_units,
        most_write_units=plan.most_write_units,
        most_read_units=plan.most_read_units,
        most_segments=run.segments,
    )


def of_run(stored: Mapping[str, Any], part: Part) -> range:
    """The segments of the earlier run whose objects belong to one segment of this one."""
    return range(part.segment, stored["of_run"], part.of)


def key_lists(table: Table, tools: Tools) -> KeyLists:
    """Lists of keys of `table` in the reports bucket."""
    return KeyLists(tools.s3, tools.names.reports_bucket, table)


def standing(change: Change, part: Part, tools: Tools) -> Standing:
    """Reads of the items that a change concerns."""
    return Standing(tools.dynamodb, change.table, change.attribute, units=part.reads, waiting=part.waiting)


def writer(change: Change, part: Part, tools: Tools) -> Writer:
    """What settles keys with one change."""
    return Writer(tools.dynamodb, change, write_units=part.writes, read_units=part.reads, waiting=part.waiting)


def journalling(settles: Settles[Key], change: Change, part: Part, tools: Tools) -> Journal:
    """The same with a journal, from which the run can be undone."""
    return Journal(
        settles,
        key_lists(change.table, tools),
        page=lambda: runs.journal_page(part.run_id, part.segment, part.number_of_pass, part.version()),
        attempt=lambda: f"{part.claim:06}",
    )
