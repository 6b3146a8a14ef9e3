"""The kind of job `set_attribute`, as the state machine runs it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill import fields as checked
from switchboard.backfill.dry_run import estimated
from switchboard.backfill.earlier import journalling, writer
from switchboard.backfill.errors import NotATarget, systemic
from switchboard.backfill.export import Exported, exported
from switchboard.backfill.job import Key, SetAttribute, Table
from switchboard.backfill.kinds import Kind, Planned, Work
from switchboard.backfill.plan import planned
from switchboard.backfill.source import Source
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.backfill.engine import Pages
    from switchboard.backfill.kinds import Part, Tools

UNITS_PER_SECOND: Final = 500.0
"""Both budgets where the input names none."""
READ_FROM: Final = "read_from"
SCAN: Final = "scan"
EXPORT: Final = "export"
"""The first pass reads an export of the table, which takes no read units."""
_FIELDS: Final = ("table", "attribute", "value", "prefix", runs.MAX_WRITE_UNITS, runs.MAX_READ_UNITS, READ_FROM)


def plan(fields: Mapping[str, Any], tools: Tools) -> Planned:
    """The plan of an input; see `switchboard.backfill.plan.planned` for what it refuses. Describes the table twice."""
    checked.known(fields, _FIELDS)
    target = tools.names.targets.get(checked.text(fields, "table"))
    if target is None:
        raise NotATarget("table: expected one of the targets that the stage's configuration names: add it there")
    found = planned(
        tools.dynamodb,
        target,
        attribute=checked.text(fields, "attribute"),
        value=fields.get("value"),
        prefix=checked.optional_text(fields, "prefix"),
        max_write_units=checked.optional_rate(fields, runs.MAX_WRITE_UNITS) or UNITS_PER_SECOND,
        max_read_units=checked.optional_rate(fields, runs.MAX_READ_UNITS) or UNITS_PER_SECOND,
    )
    return Planned(
        table=target,
        stored={**as_json(found.job), READ_FROM: checked.one_of(fields, READ_FROM, (SCAN, EXPORT)) or SCAN},
        items=found.items,
        table_bytes=found.table_bytes,
        write_units=found.write_units,
        read_units=found.read_units,
        most_write_units=found.most_write_units,
        most_read_units=found.most_read_units,
    )


def as_json(job: SetAttribute) -> dict[str, Any]:
    """The job as JSON."""
    return {
        "table": job.table.name,
        "key_names": list(job.table.key_names),
        "attribute": job.attribute,
        "value": job.value,
        "prefix": job.prefix,
    }


def restored(document: Mapping[str, Any]) -> SetAttribute:
    """The job that `as_json` made into JSON."""
    table = Table(document["table"], tuple(document["key_names"]))
    return SetAttribute(table, document["attribute"], document["value"], document["prefix"])


def prepare(planned: Planned, tools: Tools, *, run_id: str) -> Planned:
    """The plan with the export from which it reads, if it does. Raises as `exported`, also `Exporting`."""
    if planned.stored[READ_FROM] == SCAN:
        return planned
    with systemic():
        arn = tools.dynamodb.describe_table(TableName=planned.table)["Table"]["TableArn"]
    summary = exported(tools.dynamodb, arn, bucket=tools.names.reports_bucket, run_id=run_id)
    return replace(planned, stored={**planned.stored, EXPORT: summary})


def work(stored: Mapping[str, Any], part: Part, tools: Tools) -> Work[Key]:
    """A scan of one segment or its part of an export, and conditional updates with a journal."""
    job = restored(stored)
    source: Pages[Key] = Source(
        tools.dynamodb,
        job,
        units=part.reads,
        waiting=part.waiting,
        segment=part.segment,
        of=part.of,
        size=part.size,
    )
    if EXPORT in stored:
        source = Exported(
            tools.s3,
            tools.names.reports_bucket,
            job,
            summary=stored[EXPORT],
            live=source,
            segment=part.segment,
            of=part.of,
            size=part.size,
        )
    settles = journalling(writer(job, part, tools), job, part, tools)
    return Work(pages=source, settles=settles, key=job.table.attributes)


def cost(planned: Planned, tools: Tools, *, run_id: str, segments: int, concurrency: int) -> dict[str, Any]:
    """The answer of a dry run; see `switchboard.backfill.dry_run.estimated`."""
    return estimated(
        tools.dynamodb,
        restored(planned.stored),
        run_id=run_id,
        write_units=planned.write_units,
        read_units=planned.read_units,
        segments=segments,
        concurrency=concurrency,
        waiting=tools.waiting,
        from_export=planned.stored[READ_FROM] == EXPORT,
    )


KIND: Final = Kind(plan=plan, work=work, cost=cost, prepare=prepare)
