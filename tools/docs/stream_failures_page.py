"""The table of docs/adr/0008-stop-first.md: four ways to treat a failing record, on the model of a stream's mapping."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.models.poller import Blocked, Clock, EventSourceMapping
from tools.docs.regions import table

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDS: Final = 2_000
BATCH: Final = 100
POISON: Final = frozenset({500, 1_500})
"""The numbers of the records that no attempt can process."""
TRANSIENT: Final = 0.01
"""The share of attempts that fail and would succeed if made again."""
RETRIES: Final = 5
SEED: Final = 20_261_121

Event = dict[str, Any]


class Failed(Exception):  # noqa: N818 - it is what happened to a record, not an error of the program
    """A record could not be processed."""


@dataclass(slots=True)
class World:
    """What became of the records: the numbers in the order in which they were processed, and those kept aside."""

    rng: random.Random = field(default_factory=lambda: random.Random(SEED))  # noqa: S311 - a model, and the same each time
    processed: list[int] = field(default_factory=list)
    kept: set[int] = field(default_factory=set)

    def process(self, number: int) -> None:
        """Process one record. Raises `Failed` where it cannot be, now or ever."""
        if number in POISON or self.rng.random() < TRANSIENT:
            raise Failed
        self.processed.append(number)


def raising(world: World, event: Event) -> object:
    """Any failure fails the batch."""
    for number in _numbers(event):
        world.process(number)
    return None


def going_on(world: World, event: Event) -> object:
    """Process all, report every failure."""
    failures = []
    for number in _numbers(event):
        try:
            world.process(number)
        except Failed:
            failures.append({"itemIdentifier": str(number)})
    return {"batchItemFailures": failures}


def stopping(world: World, event: Event) -> object:
    """Keep what can never succeed, and stop at the first record that may succeed later."""
    for number in _numbers(event):
        try:
            world.process(number)
        except Failed:
            if number not in POISON:
                return {"batchItemFailures": [{"itemIdentifier": str(number)}]}
            world.kept.add(number)
    return {"batchItemFailures": []}


def contents() -> dict[str, str]:
    """The region of the page."""
    head = (
        "Way",
        "Invocations",
        "Given up by Lambda",
        "Kept by the function",
        "Processed twice or more",
        "Out of order",
        "Seconds of waiting",
    )
    return {"failures": table(head, [(way, *_run(*arguments)) for way, arguments in _WAYS.items()])}


_WAYS: Final[dict[str, tuple[Callable[[World, Event], object], dict[str, Any]]]] = {
    "raise, defaults": (raising, {}),
    f"raise, bisect, {RETRIES} retries": (raising, {"bisect_on_error": True, "maximum_retry_attempts": RETRIES}),
    f"go on and report every failure, bisect, {RETRIES} retries": (
        going_on,
        {"report_failures": True, "bisect_on_error": True, "maximum_retry_attempts": RETRIES},
    ),
    "**stop at the first, own quarantine**": (stopping, {"report_failures": True, "bisect_on_error": True}),
}


def _run(handler: Callable[[World, Event], object], settings: dict[str, Any]) -> tuple[str, ...]:
    world, clock = World(), Clock()
    mapping = EventSourceMapping(
        lambda event: handler(world, event), clock, batch_size=BATCH, most_invocations=2 * RECORDS, **settings
    )
    try:
        mapping.deliver([_record(number) for number in range(1, RECORDS + 1)])
    except Blocked:
        return ("without end", "", "", "", "", "until the record expires")
    once = set(world.processed)
    given_up = sum(len(each.records) for each in mapping.discarded)
    return (
        f"{mapping.invocations:,}",
        f"{given_up:,}",
        f"{len(world.kept):,}",
        f"{len(world.processed) - len(once):,}",
        f"{_out_of_order(world.processed):,}",
        f"{clock.now - mapping.invocations * mapping.invocation_seconds:,.0f}",
    )


def _out_of_order(processed: list[int]) -> int:
    """How many records were processed for the first time after a later one had been."""
    late, newest, seen = 0, 0, set[int]()
    for number in processed:
        late += number not in seen and number < newest
        newest = max(newest, number)
        seen.add(number)
    return late


def _record(number: int) -> Event:
    return {"dynamodb": {"SequenceNumber": str(number), "ApproximateCreationDateTime": 0.0}}


def _numbers(event: Event) -> list[int]:
    return [int(record["dynamodb"]["SequenceNumber"]) for record in event["Records"]]
