"""What the quarantine holds, given once more to the function that could not process it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from cli.errors import Code, Failure, field_error
from cli.sending import GOOD
from switchboard.cdr.request import RECORDS
from switchboard.schema import cdr, deployment

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.session import Answer

INVOCABLE: Final = (deployment.CDR_WRITER, deployment.CDR_GUARD, deployment.STREAM_HANDLER)
"""The functions whose payloads end in the quarantine, by short name."""


@dataclass(frozen=True, slots=True)
class Again:
    """A function by its short name, and what it is to be given."""

    function: str
    event: Any


def again(key: str, document: Any, *, stage: str) -> Again:
    """What to invoke for a document of the quarantine: one of ours, or one of Lambda's own.

    Lambda's documents name their function, which is believed only where it is one of this stage's. Raises `Failure`
    (refused) for a document that is neither, and for what the guard keeps as evidence.
    """
    if not isinstance(document, dict):
        raise _unknown()
    if key.startswith(deployment.LAMBDA_PREFIX):
        return _again_by_lambda(document, stage)
    if document.get("schema") != deployment.QUARANTINE_SCHEMA or "payload" not in document:
        raise _unknown()
    function, payload = key.partition("/")[0], document["payload"]
    if function == deployment.CDR_WRITER:
        return Again(function, _reporting(payload))
    if function == deployment.STREAM_HANDLER:
        return Again(function, {"Records": [payload]})
    if function == deployment.CDR_GUARD:
        raise Failure(
            Code.REFUSED,
            "This is evidence: what a CDR was before it was changed. There is nothing to send again.",
            remedy="Find out who changed it; CloudTrail has the call.",
        )
    raise _unknown()


def settle(wanted: Again, invoke: Callable[[bytes], Answer]) -> None:
    """Invoke. Raises `Failure` (partly) where the function refuses again or leaves something undone."""
    try:
        answer = invoke(json.dumps(wanted.event).encode())
    except Failure as failure:
        if failure.code is Code.REFUSED and failure.details:
            raise refused(failure.details) from failure
        raise
    if wanted.function == deployment.CDR_WRITER:
        left = [result for result in answer.value["results"] if result["status"] not in GOOD]
        if left:
            raise refused(tuple(_told(result) for result in left))
    elif answer.value["batchItemFailures"]:
        raise refused(("the function asks for the records again",))


def kept_again(wanted: Again, *, now: datetime) -> frozenset[str]:
    """The keys under which the stream handler keeps those records of its event that it can never process.

    It answers then that all is done. The writer is asked to report instead, and what the guard keeps is its work.
    """
    records = wanted.event.get("Records") if isinstance(wanted.event, dict) else None
    if wanted.function != deployment.STREAM_HANDLER or not isinstance(records, list):
        return frozenset()
    from switchboard.quarantine import object_key  # noqa: PLC0415 - it brings the functions' own clients, slowly

    return frozenset(object_key(wanted.function, _created(record, now), record) for record in records)


def _created(record: Any, now: datetime) -> datetime:
    """The day of a record's object is that of the record, so that each delivery finds the same object."""
    change = record.get("dynamodb") if isinstance(record, dict) else None
    at = change.get("ApproximateCreationDateTime") if isinstance(change, dict) else None
    return datetime.fromtimestamp(at, UTC) if isinstance(at, int | float) else now


def _again_by_lambda(document: dict[str, Any], stage: str) -> Again:
    context = document.get("requestContext")
    arn = str(context.get("functionArn", "")) if isinstance(context, dict) else ""
    named = arn.partition(":function:")[2].partition(":")[0]
    for function in INVOCABLE:
        if named == deployment.function_name(stage, function):
            return Again(function, _event(document, function))
    raise _unknown()


def _event(document: dict[str, Any], function: str) -> Any:
    if "requestPayload" in document:
        payload = document["requestPayload"]
        return _reporting(payload) if function == deployment.CDR_WRITER else payload
    payload = document.get("payload")
    try:
        # The guide shows the whole event there and does not say whether as an object or as text.
        return json.loads(payload) if isinstance(payload, str) else _present(payload)
    except ValueError:
        raise _unknown() from None


def _present(payload: Any) -> Any:
    if payload is None:
        raise _unknown()
    return payload


def _reporting(payload: Any) -> Any:
    """The same records, with results to be read: otherwise what is rejected would be quarantined once more."""
    if not isinstance(payload, dict):
        return payload
    envelope = payload if RECORDS in payload else {"schema": cdr.ENVELOPE_SCHEMA, RECORDS: [payload]}
    return {**envelope, "on_failed": cdr.REPORT}


def _told(result: dict[str, Any]) -> str:
    errors = "; ".join(field_error(error) for error in result.get("errors", ()))
    return ": ".join(part for part in (result["status"], result.get("code", ""), errors) if part)


def refused(details: tuple[str, ...]) -> Failure:
    """The end of a redrive that changed nothing."""
    return Failure(
        Code.PARTLY,
        "It was refused again and stays in the quarantine.",
        remedy="Mend what the function misses, or write it in another way, and redrive it then.",
        details=details,
    )


def moved(keys: tuple[str, ...]) -> Failure:
    """The end of a redrive of which records were refused one by one; `keys` are where they lie now."""
    return Failure(
        Code.PARTLY,
        "The rest is done; these records of it were refused again, and now lie in the quarantine under their own keys.",
        remedy="Mend what the function misses, and redrive these keys then.",
        details=keys,
    )


def _unknown() -> Failure:
    return Failure(
        Code.REFUSED,
        "This object is no document of this stage's quarantine, and is not sent to any function.",
        remedy="`switchboard quarantine show KEY` prints it.",
    )
