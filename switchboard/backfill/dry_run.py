"""What a `set_attribute` would take, from a look at its table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.cost import Pace, Work, cost
from switchboard.backfill.pace import PAGE_SECONDS
from switchboard.backfill.sampling import sampled
from switchboard.backfill.segments import MOST_INLINE, WORKER_UNITS
from switchboard.backfill.source import PAGE
from switchboard.backfill.units import Units
from switchboard.prices import list_prices

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.job import SetAttribute
    from switchboard.backfill.waiting import Waiting

USABLE_SECONDS: Final = 855.0
"""Of the fifteen minutes of an invocation, what is left before it hands back."""
MEMORY_GB: Final = 0.5


def estimated(
    client: DynamoDBClient,
    job: SetAttribute,
    *,
    run_id: str,
    write_units: float,
    read_units: float,
    segments: int,
    concurrency: int,
    waiting: Waiting,
    from_export: bool = False,
) -> dict[str, Any]:
    """The answer of a dry run at so many units per second: one description of the table and a sample of its items.

    Raises `Systemic`, and what the client raises.
    """
    description: Any = client.describe_table(TableName=job.table.name)["Table"]
    reads = Units(read_units, clock=waiting.clock, sleep=waiting.sleep)
    sample = sampled(client, job, description, units=reads, draw=waiting.jitter)
    counted = description.get("ItemCount", 0)
    work = Work(
        items=sample.items(counted),
        items_to_change=sample.to_change(counted),
        item_bytes=sample.item_bytes,
        key_bytes=sample.key_bytes,
        update_units=sample.update_units,
        on_demand=description.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST",
        stream=description.get("StreamSpecification", {}).get("StreamEnabled", False),
        from_export=from_export,
    )
    return cost(work, pace(write_units, read_units, segments, concurrency), list_prices()).as_answer(run_id)


def pace(
    write_units: float, read_units: float, segments: int, concurrency: int, *, distributed: bool | None = None
) -> Pace:
    """How the deployed function works at so many units per second."""
    of_worker = min(WORKER_UNITS, write_units / min(segments, concurrency))
    return Pace(
        write_units=write_units,
        read_units=read_units,
        segments=segments,
        concurrency=concurrency,
        worker_units=WORKER_UNITS,
        usable_seconds=USABLE_SECONDS,
        memory_gb=MEMORY_GB,
        page_items=max(1, min(PAGE, int(PAGE_SECONDS * of_worker))),
        distributed=concurrency > MOST_INLINE if distributed is None else distributed,
    )
