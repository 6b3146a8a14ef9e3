"""Fields at fault: the codes that callers branch on, and JSON pointers to what they sent."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_MAX_POINTER_BYTES: Final = 128


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
    """The JSON pointer of `parts` (RFC 6901), shortened where a name is hostile and free of what JSON cannot carry."""
    escaped = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
    return escaped.encode(errors="replace")[:_MAX_POINTER_BYTES].decode(errors="ignore")
