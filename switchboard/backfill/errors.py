"""Why a backfill is refused before it begins, or stops before its end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SYSTEMIC: Final = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredTokenException",
        "InvalidSignatureException",
        "KMSAccessDeniedException",
        "KMSDisabledException",
        "KMSInvalidStateException",
        "KMSNotFoundException",
        "ResourceNotFound",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
    }
)
"""Codes that every other item of the table would get as well: members and whole requests spell them differently
(docs: the model's `BatchStatementErrorCodeEnum`; "Common errors"; "DynamoDB encryption at rest")."""


class Refused(Exception):  # noqa: N818 - it is an answer, not a fault
    """The backfill does not begin. The message names the field, what is expected and the remedy; it repeats no input.

    Each kind is a class of its own whose name is its code in `switchboard.schema.runs`: Lambda tells its callers the
    name of an exception's class.
    """

    @property
    def code(self) -> str:
        """One of `switchboard.schema.runs.ERRORS`."""
        return type(self).__name__


class InvalidInput(Refused):
    """A field is missing, unknown, or not what it must be."""


class NotATarget(Refused):
    """The table is none that may be changed."""


class RecoveryOff(Refused):
    """The table has no point-in-time recovery, which alone could take back a mistake."""


class RunInProgress(Refused):
    """Another run, or another execution of this one, holds the table."""


UNSETTLED: Final = "Unsettled"


class Systemic(Exception):  # noqa: N818 - it names the error's kind
    """Nothing more can be done on this table until somebody mends what `code` says, DynamoDB's own or `UNSETTLED`."""

    def __init__(self, code: str, message: str | None = None) -> None:
        super().__init__(message or f"DynamoDB answers {code} for the whole table: mend it, and start again")
        self.code = code

    @classmethod
    def unsettled(cls, attempts: int) -> Self:
        """One worker after the other took a segment, and none of them settled a page of it."""
        return cls(
            UNSETTLED,
            f"{attempts} workers ended one after another before they settled a page of one segment: see in the "
            "function's log and metrics whether its table throttles, or its time or memory ran out, and resume the run",
        )


def raise_systemic(code: str) -> None:
    """Raise `Systemic` for a code of DynamoDB that concerns the whole table; return for any other."""
    if code in _SYSTEMIC:
        raise Systemic(code)


@contextmanager
def systemic() -> Iterator[None]:
    """Requests whose errors are `Systemic` where they concern the whole table, and unchanged otherwise."""
    try:
        yield
    except ClientError as error:
        raise_systemic(error.response["Error"]["Code"])
        raise


class VerificationFailed(Exception):  # noqa: N818 - it is a verdict, not a fault
    """A run ended with items that could not be settled. The message is its report as JSON, which names none of them."""
