"""Sending many records: call by call, the failed ones again, and what became of all of them together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cli import records
from cli.errors import Code, Failure
from switchboard.schema import cdr

ATTEMPTS: Final = 4
FIRST_PAUSE_SECONDS: Final = 0.5

GOOD: Final = frozenset({cdr.STORED, cdr.DUPLICATE, cdr.NOT_FIRST, cdr.EARLIER})
"""Final and good: the record is done."""


@dataclass(slots=True)
class Outcome:
    """What became of the records so far, in the order of the file."""

    received: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(cdr.STATUSES, 0))
    results: list[dict[str, Any]] = field(default_factory=list)
    stopped_by: Failure | None = None

    def add(self, results: Iterable[dict[str, Any]]) -> None:
        """Count the final results of a call."""
        for result in results:
            self.received += 1
            self.counts[result["status"]] += 1
            self.results.append(result)

    @property
    def is_good(self) -> bool:
        """Whether every record is final and good."""
        return self.stopped_by is None and all(result["status"] in GOOD for result in self.results)

    def as_answer(self) -> dict[str, Any]:
        """All calls as one answer in the form of the writer's."""
        summary = {"received": self.received, **self.counts}
        return {"schema": cdr.RESULT_SCHEMA, "summary": summary, "results": self.results}


Invoke = Callable[[bytes], dict[str, Any]]
"""Sends an envelope to the writer and returns its answer."""


def send(
    batch: records.Batch,
    invoke: Invoke,
    *,
    sleep: Callable[[float], None],
    advanced: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """Send every record; `advanced` is told how many more are settled.

    A call that is refused or fails ends it: with nothing sent before, its `Failure` or AWS's error is raised; otherwise
    the outcome says what stopped it. Sending the same file again is always safe.
    """
    outcome = Outcome()
    for places in records.calls(batch):
        try:
            settled = _settle(batch, places, invoke, sleep=sleep)
        except Failure as failure:
            if not outcome.received:
                raise
            outcome.stopped_by = failure
            return outcome
        outcome.add(settled)
        advanced(len(places))
    return outcome


def _settle(
    batch: records.Batch, places: Sequence[int], invoke: Invoke, *, sleep: Callable[[float], None]
) -> list[dict[str, Any]]:
    settled: dict[int, dict[str, Any]] = {}
    pending = list(places)
    for attempt in range(ATTEMPTS):
        results = invoke(records.payload(batch, pending)).get("results")
        if not isinstance(results, list) or len(results) != len(pending):
            raise Failure(Code.FAULT, "The writer's answer has not one result per record.", remedy="Report it.")
        for index, (place, result) in enumerate(zip(pending, results, strict=True)):
            settled[place] = _in_file(result, index, place)
        pending = [place for place in pending if settled[place].get("retryable") is True]
        if not pending:
            break
        if attempt < ATTEMPTS - 1:
            sleep(FIRST_PAUSE_SECONDS * 2**attempt)
    return [settled[place] for place in places]


def _in_file(result: dict[str, Any], index: int, place: int) -> dict[str, Any]:
    """A result as if the whole file had been one call: its index and its pointers count from the file's beginning."""
    moved = {**result, "index": place}
    if "errors" in result:
        old, new = f"/records/{index}", f"/records/{place}"
        moved["errors"] = [{**error, "path": new + error["path"].removeprefix(old)} for error in result["errors"]]
    return moved
