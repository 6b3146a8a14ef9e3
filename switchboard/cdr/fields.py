"""Fields at fault: the codes that callers branch on, and JSON pointers to what they sent."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_MAX_POINTER_BYTES: Final = 512
"""Bytes of JSON, quotes and escapes included: the largest answer of the writer has room for six thousand of them."""


class Code(StrEnum):
    """Why a field is refused: the closed set callers may branch on."""

    REQUIRED = "required"
    UNKNOWN_FIELD = "unknown_field"
    TYPE = "type"
    FORMAT = "format"
    RANGE = "range"
    TOO_LONG = "too_long"
    TOO_LARGE = "too_large"
    NUMBER = "number"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field at fault: its JSON pointer (RFC 6901), the code, and a message that never quotes the value."""

    path: str
    code: Code
    message: str

    def below(self, prefix: str) -> FieldError:
        """The same error seen from the document in which this record stands at `prefix`."""
        return FieldError(prefix + self.path, self.code, self.message)

    def as_json(self) -> dict[str, str]:
        """`{"path", "code", "message"}`."""
        return {"path": self.path, "code": self.code.value, "message": self.message}


def pointer(*parts: str | int) -> str:
    """The JSON pointer of `parts` (RFC 6901), free of what JSON cannot carry.

    One that would take more than 512 bytes of an answer ends before the name that is too long: at what is around it.
    """
    found = ""
    for part in parts:
        token = str(part).replace("~", "~0").replace("/", "~1").encode(errors="replace").decode()
        if len(json.dumps(f"{found}/{token}", ensure_ascii=False).encode()) > _MAX_POINTER_BYTES:
            break
        found = f"{found}/{token}"
    return found
