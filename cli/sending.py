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
    def settled(self) -> int:
        """How many records are neither unsent nor failed."""
        return self.received - self.counts[cdr.FAILED]

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

    A call that is refused or fails ends it: with no result known before, its `Failure` or AWS's error is raised;
    otherwise the outcome says what stopped it. Sending the same file again is always safe.
    """
    outcome = Outcome()
    for places in records.calls(batch):
        results, outcome.stopped_by = _settle(batch, places, invoke, sleep=sleep)
        if outcome.stopped_by is not None and not (outcome.received or results):
            raise outcome.stopped_by
        outcome.add(results)
        if outcome.stopped_by is not None:
            return outcome
        advanced(len(places))
    return outcome


def _settle(
    batch: records.Batch, places: Sequence[int], invoke: Invoke, *, sleep: Callable[[float], None]
) -> tuple[list[dict[str, Any]], Failure | None]:
    """The last known result of each record, and the failure that ended the call; no result where it was the first."""
    settled: dict[int, dict[str, Any]] = {}
    pending = list(places)
    for attempt in range(ATTEMPTS):
        try:
            results = _results(invoke(records.payload(batch, pending)), len(pending))
        except Failure as failure:
            return list(settled.values()), failure
        for index, (place, result) in enumerate(zip(pending, results, strict=True)):
            settled[place] = _in_file(result, index, place)
        pending = [place for place in pending if settled[place].get("retryable") is True]
        if not pending:
            break
        if attempt < ATTEMPTS - 1:
            sleep(FIRST_PAUSE_SECONDS * 2**attempt)
    return list(settled.values()), None


def _results(answer: dict[str, Any], count: int) -> list[dict[str, Any]]:
    results = answer.get("results")
    if not isinstance(results, list) or len(results) != count:
        raise Failure(Code.FAULT, "The writer's answer has not one result per record.", remedy="Report it.")
    return results


def _in_file(result: dict[str, Any], index: int, place: int) -> dict[str, Any]:
    """A result as if the whole file had been one call: its index and its pointers count from the file's beginning."""
    moved = {**result, "index": place}
    if "errors" in result:
        old, new = f"/records/{index}", f"/records/{place}"
        moved["errors"] = [{**error, "path": new + error["path"].removeprefix(old)} for error in result["errors"]]
    return moved
