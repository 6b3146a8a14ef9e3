"""The kind of job `import_legacy_cdr`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from switchboard.backfill import fields as checked
from switchboard.backfill.amplification import READ_UNIT_BYTES, WRITE_UNIT_BYTES
from switchboard.backfill.cost import Work as Amount
from switchboard.backfill.cost import cost
from switchboard.backfill.dry_run import pace
from switchboard.backfill.errors import InvalidInput, NotATarget, systemic
from switchboard.backfill.kinds import Kind, Planned, Work
from switchboard.backfill.legacy.evidence import evidence, page_writer
from switchboard.backfill.legacy.items import LegacyItem
from switchboard.backfill.legacy.mapping import DEFAULT_MAPPING, MAX_BYTES, LegacyMapping
from switchboard.backfill.legacy.rekeying import Rekeying, Unfit
from switchboard.backfill.legacy.settling import Importer
from switchboard.backfill.legacy.source import MAX_ITEMS, PAGE_SECONDS, LegacySource
from switchboard.backfill.legacy.tally import Notes
from switchboard.backfill.legacy.target import TABLE_AND_INDEXES, Target
from switchboard.backfill.legacy.verifying import Verifier
from switchboard.backfill.plan import most_units, require_recovery
from switchboard.backfill.segments import WORKER_UNITS
from switchboard.backfill.units import Units
from switchboard.dynamo.values import item_size
from switchboard.prices import list_prices
from switchboard.schema import legacy, runs
from switchboard.times import from_fixed, parse_rfc3339, to_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.kinds import Part, Tools
    from switchboard.backfill.legacy.tally import Tally
    from switchboard.backfill.records import RunRecord
    from switchboard.backfill.waiting import Waiting
    from switchboard.dynamo.values import AttributeValue

UNITS_PER_SECOND: Final = 500.0
"""The budgets where the input names none and nothing is provisioned."""
_KEY: Final = {(legacy.TIMESTAMP, "N", "HASH"), (legacy.SPONSOR_ID, "S", "RANGE")}
_NO_OBJECT: Final = frozenset({"NoSuchKey", "404", "AccessDenied"})
"""S3 answers `AccessDenied` for an absent object where the caller may not list the bucket (docs: `GetObject`)."""
_MOST_SAMPLED: Final = 250
_NAMED: Final = 20


def plan(fields: Mapping[str, Any], tools: Tools) -> Planned:
    """The plan of an import: at most half of what the old table and the CDR table have provisioned.

    Raises `Refused`: `NotATarget` for a table that the configuration does not name; `InvalidInput` for another key than
    `timestamp` and `sponsor_id`, a cut-over that is no time or lies ahead, a mapping that is not there or breaks its
    contract; `RecoveryOff` where the CDR table cannot be restored. Raises what the clients raise.
    """
    checked.known(fields, ("source", "before", "mapping", runs.MAX_WRITE_UNITS, runs.MAX_READ_UNITS))
    source = checked.text(fields, "source")
    if source not in tools.names.legacy_tables:
        raise NotATarget("source: expected one of the legacy tables that the stage's configuration names: add it there")
    before = _cut_over(checked.text(fields, "before"), now=tools.now())
    mapping = _mapping(checked.optional_text(fields, "mapping"), tools)
    old = _described(tools.dynamodb, source)
    new: Any = tools.dynamodb.describe_table(TableName=tools.names.cdr_table)["Table"]
    require_recovery(tools.dynamodb, tools.names.cdr_table)
    wanted = checked.optional_rate(fields, runs.MAX_READ_UNITS) or UNITS_PER_SECOND
    most_read, (most_write, most_lookups) = most_units(old)[1], most_units(new)
    reads, lookups = _least(wanted, most_read), _least(wanted, most_lookups)
    return Planned(
        table=tools.names.cdr_table,
        stored={
            "source": source,
            "before": to_fixed(before),
            "mapping": dict(mapping.document),
            "cdr_read_units": lookups,
        },
        items=old.get("ItemCount", 0),
        table_bytes=old.get("TableSizeBytes", 0),
        write_units=_least(checked.optional_rate(fields, runs.MAX_WRITE_UNITS) or UNITS_PER_SECOND, most_write),
        read_units=reads,
        most_write_units=most_write,
        most_read_units=most_read,
        most_segments=max(1, ceil(reads / WORKER_UNITS)),
        lookup_seconds=old.get("ItemCount", 0) / lookups,
    )


def work(stored: Mapping[str, Any], part: Part, tools: Tools) -> Work[LegacyItem]:
    """A scan of one segment of the old table, and inserts into the CDR table."""
    lookups = Units(stored["cdr_read_units"] / part.of, clock=part.waiting.clock, sleep=part.waiting.sleep)
    days = tools.names.cdr_retention_days
    return import_of(
        tools.dynamodb,
        source=stored["source"],
        cdr_table=tools.names.cdr_table,
        rekeying=_rekeying(stored),
        retention=None if days is None else timedelta(days=days),
        now=tools.now,
        reads=part.reads,
        writes=part.writes,
        lookups=lookups,
        waiting=part.waiting,
        note=page_writer(tools.s3, tools.names.reports_bucket, part),
        segment=part.segment,
        of=part.of,
        size=part.size.of_work,
    )


def import_of(
    client: DynamoDBClient,
    *,
    source: str,
    cdr_table: str,
    rekeying: Rekeying,
    retention: timedelta | None,
    now: Callable[[], datetime],
    reads: Units,
    writes: Units,
    lookups: Units,
    waiting: Waiting,
    note: Callable[[str, Tally], None],
    segment: int = 0,
    of: int = 1,
    size: Callable[[], int] = lambda: MAX_ITEMS,
) -> Work[LegacyItem]:
    """The work of an import: `reads` are units of the old table, `writes` and `lookups` of the CDR table."""
    target = Target(client, cdr_table, write_units=writes, read_units=lookups, waiting=waiting)
    notes = Notes(note, used=lambda: lookups.used)
    pages = LegacySource(
        client,
        source,
        rekeying=rekeying,
        verifier=Verifier(target, rekeying, notes),
        notes=notes,
        reads=reads,
        writes=writes,
        waiting=waiting,
        segment=segment,
        of=of,
        size=size,
    )
    settles = Importer(target, rekeying, notes, retention=retention, clock=now)
    return Work(pages=pages, settles=settles, key=_key)


def preview(planned: Planned, tools: Tools, *, run_id: str, segments: int, concurrency: int) -> dict[str, Any]:
    """The answer of a dry run, from one small page of the old table.

    Beside what every job answers, `sample` says how many of its items become records (`record`), are left alone, or are
    kept, by reason; and `errors` why, by code and place. Raises `Systemic`, and what the client raises.
    """
    rekeying = _rekeying(planned.stored)
    with systemic():
        answer: Any = tools.dynamodb.scan(TableName=planned.stored["source"], Limit=_sampled(planned.read_units))
    items = [LegacyItem.of(item) for item in answer["Items"]]
    due = [item for item in items if not rekeying.left_alone(item)]
    read = [rekeying(item) for item in due]
    unfit = [each for each in read if isinstance(each, Unfit)]
    counted = planned.items if answer.get("LastEvaluatedKey") else len(items)
    description: Any = tools.dynamodb.describe_table(TableName=planned.table)["Table"]
    to_change = round(counted * len(due) / len(items)) if items else 0
    amount = Amount(
        items=max(counted, len(items)),
        items_to_change=to_change,
        item_bytes=_mean([item_size(item.attributes) for item in items]),
        key_bytes=0.0,
        update_units=_mean([TABLE_AND_INDEXES * ceil(item_size(item.attributes) / WRITE_UNIT_BYTES) for item in due]),
        on_demand=most_units(description)[0] is None,
        stream=True,
        # The verification reads back each item by its key, strongly consistent.
        lookup_units=to_change * _mean([ceil(item_size(item.attributes) / READ_UNIT_BYTES) for item in due]),
    )
    speed = replace(
        pace(planned.write_units, planned.read_units, segments, concurrency),
        lookup_rate=planned.stored["cdr_read_units"],
    )
    return {
        **cost(amount, speed, list_prices()).as_answer(run_id),
        "sample": {
            "record": len(due) - len(unfit),
            legacy.LEFT_ALONE: len(items) - len(due),
            **Counter(each.reason for each in unfit),
        },
        "errors": dict(
            Counter(f"{error.code.value} {error.path}" for each in unfit for error in each.errors).most_common(_NAMED)
        ),
    }


def tell(run: RunRecord, tools: Tools) -> dict[str, Any]:
    """The report's field `import`; see `evidence`. A run whose sides differ although nothing is missing has failed."""
    found = evidence(tools.s3, tools.names.reports_bucket, run.run_id)
    as_many = found["source"]["items"] == found["target"]["items"]
    failed = {"status": runs.FAILED} if as_many and not found["verified"] else {}
    return {"import": found, **failed}


def _cut_over(text: str, *, now: datetime) -> datetime:
    try:
        before = parse_rfc3339(text)
    except ValueError as refused:
        raise InvalidInput(f"before: {refused}") from None
    if before > now:
        raise InvalidInput("before: expected a time that is past: what is written until then could be missed")
    return before


def _mapping(key: str | None, tools: Tools) -> LegacyMapping:
    if key is None:
        return LegacyMapping(DEFAULT_MAPPING)
    if not key.startswith(runs.MAPPINGS_PREFIX):
        raise InvalidInput(f"mapping: expected a key of the reports bucket below {runs.MAPPINGS_PREFIX}: put it there")
    try:
        found = tools.s3.get_object(Bucket=tools.names.reports_bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_OBJECT:
            raise
        raise InvalidInput("mapping: expected a key of the reports bucket: put the file there first") from None
    return LegacyMapping.parse(found["Body"].read(MAX_BYTES + 1))


def _described(client: DynamoDBClient, source: str) -> Any:
    """The old table's description, its key checked."""
    try:
        description: Any = client.describe_table(TableName=source)["Table"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        raise InvalidInput("source: expected a table of this account and region: create or restore it") from None
    kinds = {each["AttributeName"]: each["AttributeType"] for each in description["AttributeDefinitions"]}
    key = {(each["AttributeName"], kinds[each["AttributeName"]], each["KeyType"]) for each in description["KeySchema"]}
    if key != _KEY:
        raise InvalidInput(
            f"source: expected a table keyed {legacy.TIMESTAMP} (number, partition key) and {legacy.SPONSOR_ID} (text, "
            "sort key): name another"
        )
    return description


def _rekeying(stored: Mapping[str, Any]) -> Rekeying:
    return Rekeying(LegacyMapping(stored["mapping"]), before=from_fixed(stored["before"]))


def _key(item: LegacyItem) -> dict[str, AttributeValue]:
    return {legacy.TIMESTAMP: {"N": item.timestamp}, legacy.SPONSOR_ID: {"S": item.sponsor_id}}


def _sampled(read_units: float) -> int:
    """So many items of a kilobyte that reading them takes a page's time."""
    return max(1, min(_MOST_SAMPLED, int(read_units * PAGE_SECONDS * 2 * READ_UNIT_BYTES / WRITE_UNIT_BYTES)))


def _mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _least(wanted: float, most: float | None) -> float:
    return wanted if most is None else min(wanted, most)


KIND: Final = Kind(plan=plan, work=work, cost=preview, tell=tell)
