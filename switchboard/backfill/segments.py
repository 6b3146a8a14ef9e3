"""Into how many segments a run is divided, and how many of them are worked on at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import Final

from switchboard.backfill.amplification import READ_UNIT_BYTES
from switchboard.backfill.cost import planned_events
from switchboard.backfill.run import MAX_PASSES

WORKER_UNITS: Final = 500.0
"""Write units per second of one worker: half of what one partition takes, as a segment is in few of them at once."""
MOST_INLINE: Final = 40
"""How many iterations an inline map works on at once (docs: "Map state", inline mode)."""
MOST_CONCURRENT: Final = 400
"""Of the 1,000 invocations at once that an account has unless it asks for more, the callers' functions need theirs."""
MOST_SEGMENTS: Final = 4_000
LEAST_ITEMS: Final = 5_000
"""A segment of fewer takes longer to begin than to settle."""
SEGMENTS_PER_WORKER: Final = 4
"""Segments are of one hash range, not of one size: the workers that are done first take on others."""
MOST_EVENTS: Final = 15_000
"""Events of an execution's history above which the map is distributed: it may record 25,000."""
SLOWER: Final = 2
"""A run is planned for a history that holds it also if it goes on so many times slower than it begins: operators lower
its rate, and a table that throttles does. The history of a run is of one kind from its plan on."""
CALLS_OF_A_HISTORY: Final = 2_000
"""How often a segment is called in a phase at most, so that its own execution's history has room for its events."""


@dataclass(frozen=True, slots=True)
class Segmented:
    """So many `segments`, of which `concurrency` are worked on at once; in a distributed map or an inline one.

    `events` are those of its history at worst, were the map inline: with all passes that a run may make, and `SLOWER`.
    """

    segments: int
    concurrency: int
    distributed: bool
    events: int = field(default=0, compare=False)


def segmented(
    *,
    items: int,
    table_bytes: int,
    write_units: float,
    read_units: float,
    usable_seconds: float,
    lookup_seconds: float = 0.0,
    most_segments: int | None = None,
    most_workers: int | None = None,
    asked: int | None = None,
) -> Segmented:
    """The segments of a run over `items` of `table_bytes` at so many units per second, and the kind of map.

    Each worker can use `WORKER_UNITS`, so the budget alone says how many are needed; a small table is not divided. One
    invocation works for `usable_seconds`. A count takes `lookup_seconds` at least, all workers together.
    `most_segments` and `most_workers` bound the answer, `asked` is the operator's own number of segments.
    """
    most = max(1, min(MOST_SEGMENTS, most_segments or MOST_SEGMENTS))
    most_concurrent = min(MOST_CONCURRENT, most_workers or MOST_CONCURRENT)
    workers = max(1, min(most_concurrent, ceil(write_units / WORKER_UNITS)))
    working = max(items / write_units, table_bytes / READ_UNIT_BYTES / 2 / read_units)
    counting = max(table_bytes / READ_UNIT_BYTES / read_units, lookup_seconds)
    calls = [ceil(seconds * workers / usable_seconds) for seconds in (working, counting)]
    divisible = max(1, ceil(items / LEAST_ITEMS))
    wanted = max(
        min(divisible, workers * SEGMENTS_PER_WORKER if workers > 1 else 1), ceil(max(calls) / CALLS_OF_A_HISTORY)
    )
    segments = min(most, asked or wanted)
    wished = workers if asked is None else max(workers, min(asked, MOST_INLINE))
    concurrency = min(segments, most_concurrent, wished)
    # A further pass reads at the price of a count, and writes little.
    phases = [working, *[counting] * (2 * MAX_PASSES - 1)]
    slowly = (ceil(SLOWER * seconds * workers / usable_seconds) for seconds in phases)
    events = planned_events(sum(max(segments, each) for each in slowly), segments, passes=MAX_PASSES)
    return Segmented(segments, concurrency, concurrency > MOST_INLINE or events > MOST_EVENTS, events)
