"""What is refused of a request, as the quarantine keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from switchboard.cdr.results import Rejected, Status
from switchboard.quarantine import Unprocessable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from switchboard.cdr.request import Request
    from switchboard.cdr.results import Verdict

KEPT_SINGLY: Final = 10
"""How many refused records of one request are kept in an object each; of more, the request is kept once, as it came.

A batch of the queue is at most 100 messages and so at most 1,000 objects, whatever is in them: they fit into one
invocation. The request as it came is the same object after every delivery, whatever else became of its records.
"""

_CONFLICT: Final = "other content stands under this identity: the stored record stays as it is"


def refused(request: Request, verdicts: Sequence[Verdict], source: str) -> list[Unprocessable]:
    """What a person has to look at of a request; the pointers of its errors start at the payload that is kept."""
    found = [
        (place, verdict)
        for place, verdict in enumerate(verdicts)
        if isinstance(verdict, Rejected) or verdict.status is Status.CONFLICT
    ]
    if len(found) > KEPT_SINGLY:
        return [_whole(request, found, source)]
    return list(_singly(request, found, source))


def _singly(request: Request, found: Sequence[tuple[int, Verdict]], source: str) -> Iterator[Unprocessable]:
    for place, verdict in found:
        errors = [error.as_json() for error in verdict.errors] if isinstance(verdict, Rejected) else []
        yield Unprocessable(
            reason=verdict.status.value,
            code=errors[0]["code"] if errors else Status.CONFLICT.value,
            errors=errors,
            source=source,
            payload=request.records[place],
        )


def _whole(request: Request, found: Sequence[tuple[int, Verdict]], source: str) -> Unprocessable:
    errors: list[dict[str, str]] = []
    for place, verdict in found:
        at = request.pointers[place]
        if isinstance(verdict, Rejected):
            errors += [error.below(at).as_json() for error in verdict.errors]
        else:
            errors.append({"path": at, "code": Status.CONFLICT.value, "message": _CONFLICT})
    rejected = any(isinstance(verdict, Rejected) for _, verdict in found)
    return Unprocessable(
        reason=(Status.REJECTED if rejected else Status.CONFLICT).value,
        code=errors[0]["code"],
        errors=errors,
        source=source,
        payload=request.body,
    )
