"""What a query refuses with, and what stops it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from switchboard.cdr.fields import Code, FieldError

if TYPE_CHECKING:
    from collections.abc import Iterable


class InvalidQuery(Exception):  # noqa: N818 - its name is the error type that callers of the function see
    """The query breaks its contract; nothing was read.

    `str()` is JSON `{"errors": [{"path", "code", "message"}]}`, with the codes of a rejected record. It never holds a
    value that was sent.
    """

    def __init__(self, errors: Iterable[FieldError]) -> None:
        self.errors = tuple(errors)
        super().__init__(json.dumps({"errors": [error.as_json() for error in self.errors]}))


class QueryUnavailable(Exception):  # noqa: N818 - as above
    """The table could not be read now. `str()` is JSON `{"code", "message", "retryable"}`."""

    def __init__(self, code: str, message: str, *, retryable: bool) -> None:
        self.code = code
        super().__init__(json.dumps({"code": code, "message": message, "retryable": retryable}))


def invalid(path: str, code: Code, message: str) -> InvalidQuery:
    """Refuse a query for one field."""
    return InvalidQuery([FieldError(path, code, message)])
