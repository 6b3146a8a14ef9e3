"""What a caller sends: an envelope of records, or one bare record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastjsonschema import JsonSchemaException

from switchboard.cdr.fields import Code, FieldError
from switchboard.cdr.validation import Contract
from switchboard.schema import cdr

if TYPE_CHECKING:
    from collections.abc import Sequence

RECORDS: Final = "records"

_ENVELOPE: Final = Contract("envelope", shallow=True)


class InvalidEnvelope(Exception):  # noqa: N818 - callers read this name as the function error's type
    """The request cannot be read, and nothing of it was stored.

    The text is JSON: `{"errors": [{"path", "code", "message"}]}`.
    """

    def __init__(self, errors: Sequence[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__(json.dumps({"errors": [error.as_json() for error in errors]}, separators=(",", ":")))


@dataclass(frozen=True, slots=True)
class Request:
    """A call as it came: its body, the records in it, where each stands, and whether the caller reads results."""

    body: Any
    records: tuple[Any, ...]
    pointers: tuple[str, ...]
    reports: bool

    @classmethod
    def of(cls, body: Any) -> Request:
        """An object with `records` is an envelope, any other object a bare record. Raises `InvalidEnvelope`."""
        if not isinstance(body, dict):
            raise InvalidEnvelope(
                [FieldError("", Code.TYPE, "expected an object: an envelope with records, or one record")]
            )
        if RECORDS not in body:
            return cls(body, (body,), ("",), reports=False)
        try:
            _ENVELOPE.check(body)
        except JsonSchemaException:
            raise InvalidEnvelope(_ENVELOPE.errors(body)) from None
        records = tuple(body[RECORDS])
        pointers = tuple(f"/{RECORDS}/{index}" for index in range(len(records)))
        return cls(body, records, pointers, reports=body.get("on_failed") == cdr.REPORT)
