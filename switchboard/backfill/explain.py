"""Why an execution fails, in the closed set of errors that callers know: from what Step Functions caught."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.backfill.ledger import Ledger

MAX_CAUSE_BYTES: Final = 32_768
"""The longest cause that an execution may fail with (docs: "Fail workflow state")."""


def explained(ledger: Ledger, *, run_id: str, execution: str, failure: Mapping[str, Any]) -> dict[str, str]:
    """The `error` and `cause` with which the execution fails; the cause is JSON without stack trace.

    `failure` is `{"Error", "Cause"}` as a `Catch` hands it on. A run of this execution is marked as stopped, and keeps
    its table for its last pages; one that had its verdict, or said before why it stopped, keeps that. A run that
    another execution began, or that never began, is left as it is.
    """
    error, cause = _read(failure)
    found = ledger.find(run_id)
    if found is None or found.execution != execution:
        return {"error": error, "cause": cause}
    if found.status == runs.RUNNING:
        ledger.end(found, runs.STOPPED, error=error, cause=cause)
    elif found.error and found.cause and error == runs.SYSTEMIC:
        return {"error": found.error, "cause": found.cause}
    return {"error": error, "cause": cause}


def _read(failure: Mapping[str, Any]) -> tuple[str, str]:
    """Error and cause; what the function did not say on purpose is named by its kind alone, and may hold anything."""
    error = str(failure.get("Error", ""))
    message = _message(failure.get("Cause"))
    if error not in runs.ERRORS or message is None:
        kind = error if error.isascii() and len(error) <= runs.MAX_ERROR_NAME else "an unnamed error"
        message = f"A step failed with {kind}: see the function's log, mend it, and resume the run"
        error = error if error in runs.ERRORS else runs.SYSTEMIC
    if error != runs.VERIFICATION_FAILED:
        message = json.dumps({"message": message})
    return error, message if len(message.encode()) <= MAX_CAUSE_BYTES else json.dumps({"message": "See the report"})


def _message(cause: Any) -> str | None:
    """What the function said: Lambda hands an exception's message on as `errorMessage`."""
    try:
        said = json.loads(cause)["errorMessage"]
    except (TypeError, ValueError, KeyError):
        return None
    return said if isinstance(said, str) else None
