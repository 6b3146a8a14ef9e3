"""What became of each record of a call, and the answer a caller reads."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from switchboard.schema import cdr

if TYPE_CHECKING:
    from collections.abc import Sequence

    from switchboard.cdr.fields import FieldError

_MAX_ERRORS: Final = 5_000
"""How many errors one answer names in full, so that it fits the 6 MB Lambda may answer with whatever was sent; after
that many, each rejected record has its first."""


class Status(StrEnum):
    """The seven things that can become of a record."""

    STORED = cdr.STORED
    DUPLICATE = cdr.DUPLICATE
    NOT_FIRST = cdr.NOT_FIRST
    EARLIER = cdr.EARLIER
    CONFLICT = cdr.CONFLICT
    REJECTED = cdr.REJECTED
    FAILED = cdr.FAILED


@dataclass(frozen=True, slots=True)
class Settled:
    """Final: `recorded_at` (fixed-width text) is that of the stored item the verdict rests on."""

    status: Status
    recorded_at: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The record breaks the contract; the errors' pointers start at the record."""

    errors: tuple[FieldError, ...]
    status: Status = Status.REJECTED


@dataclass(frozen=True, slots=True)
class Failed:
    """Not known to be stored. `code` is DynamoDB's, or `OutOfTime`; `retryable` says whether trying again can help."""

    code: str
    retryable: bool
    status: Status = Status.FAILED


Verdict = Settled | Rejected | Failed


def summary(verdicts: Sequence[Verdict]) -> dict[str, int]:
    """How many records were received, and how many of them have each status, zeros too."""
    counts = dict.fromkeys(cdr.STATUSES, 0)
    for verdict in verdicts:
        counts[verdict.status] += 1
    return {"received": len(verdicts), **counts}


def response(ids: Sequence[str | None], verdicts: Sequence[Verdict], prefixes: Sequence[str]) -> dict[str, Any]:
    """The answer to a call: one result per record in input order.

    `prefixes` are the JSON pointers of the records in the request, empty for a bare record.
    """
    results = []
    nameable = _MAX_ERRORS
    for index, (record_id, verdict, prefix) in enumerate(zip(ids, verdicts, prefixes, strict=True)):
        details = _details(verdict, prefix, nameable)
        nameable -= len(details.get("errors", ()))
        results.append({"index": index, "id": record_id, "status": verdict.status.value, **details})
    return {"schema": cdr.RESULT_SCHEMA, "summary": summary(verdicts), "results": results}


def _details(verdict: Verdict, prefix: str, nameable: int) -> dict[str, Any]:
    match verdict:
        case Settled():
            return {"recorded_at": verdict.recorded_at}
        case Rejected():
            return {"errors": [error.below(prefix).as_json() for error in verdict.errors[: max(nameable, 1)]]}
        case Failed():
            return {"retryable": verdict.retryable, "code": verdict.code}
