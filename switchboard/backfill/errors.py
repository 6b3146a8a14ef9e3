"""Why a backfill is refused before it begins, or stops before its end."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

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
    """The backfill does not begin. `code` is one of `switchboard.schema.runs`; the message never repeats the input."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Systemic(Exception):  # noqa: N818 - it names the error's kind
    """Nothing more can be done on this table until somebody mends what `code`, DynamoDB's own, says."""

    def __init__(self, code: str) -> None:
        super().__init__(f"DynamoDB answers {code} for the whole table: mend it, and start again")
        self.code = code


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
