"""What the messages function refuses with: a closed set of codes, and never a word of the request."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


class ErrorCode(StrEnum):
    """Why a request was refused."""

    NOT_A_MEMBER = "not_a_member"
    """Also for a group that does not exist, so that nobody learns which ones do."""
    NOT_FOUND = "not_found"
    INVALID = "invalid"
    HANDLE_TAKEN = "handle_taken"
    CONFLICT = "conflict"
    THROTTLED = "throttled"
    INTERNAL = "internal"


class FieldCode(StrEnum):
    """What is wrong with one field."""

    REQUIRED = "required"
    UNKNOWN_FIELD = "unknown_field"
    TYPE = "type"
    FORMAT = "format"
    RANGE = "range"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    TEXT = "text"
    """A character that is never stored."""
    COMBINATION = "combination"
    """Right alone, wrong beside another field."""
    UNKNOWN = "unknown"
    """Names nothing that there is."""
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field at fault: a JSON pointer into the request, and the shape that is expected there."""

    path: str
    code: FieldCode
    message: str


class Refused(Exception):  # noqa: N818 - it names what became of the request
    """The request was refused. It is raised inside and answered outside: callers see `answer()`."""

    def __init__(self, code: ErrorCode, message: str, fields: Sequence[FieldError] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.fields = tuple(fields)

    def answer(self) -> dict[str, Any]:
        """`{"error": {"code", "message", "fields": [{"path", "code", "message"}]}}`."""
        return {
            "error": {"code": self.code, "message": self.message, "fields": [asdict(field) for field in self.fields]}
        }


def invalid(*fields: FieldError) -> Refused:
    """Refuse a request for its fields."""
    return Refused(
        ErrorCode.INVALID, "The request breaks its contract: mend the fields named and send it again.", fields
    )


def not_a_member() -> Refused:
    """Refuse somebody who is not in the group, or a group that is not there: the same answer to both."""
    return Refused(ErrorCode.NOT_A_MEMBER, "The caller is not a member of this group, or there is no such group.")


def not_found(path: str, message: str) -> Refused:
    """Refuse a request for a user, a handle or a message that is not there."""
    return Refused(
        ErrorCode.NOT_FOUND,
        "Something the request names does not exist.",
        [FieldError(path, FieldCode.UNKNOWN, message)],
    )


def throttled() -> Refused:
    """Refuse for now: the table is busy."""
    return Refused(ErrorCode.THROTTLED, "The table is busy: send the same request again, a little later.")


def internal(reference: str) -> Refused:
    """Refuse for a fault of our own, found in the logs under `reference`."""
    return Refused(
        ErrorCode.INTERNAL, f"A fault of the service, logged as {reference}: send the same request again, or report it."
    )
