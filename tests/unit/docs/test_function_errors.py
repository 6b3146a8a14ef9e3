"""The function errors that the page on contracts names are those that callers meet, with what they carry."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.cdr.fields import Code, FieldError
from switchboard.cdr.intake import RecordsFailed
from switchboard.cdr.reading.errors import InvalidQuery, QueryUnavailable
from switchboard.cdr.request import InvalidEnvelope
from switchboard.cdr.results import Failed
from switchboard.quarantine import QuarantineUnavailable
from tests.unit.docs.test_generated import CONTRACTS, rows

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELD = FieldError("/time", Code.FORMAT, "expected a time")
ERRORS = [
    InvalidEnvelope([FIELD]),
    RecordsFailed([Failed("ThrottlingError", retryable=True)]),
    QuarantineUnavailable(1),
    InvalidQuery([FIELD]),
    QueryUnavailable("ThrottlingError", "ask again", retryable=True),
]


def names(value: Any) -> Iterator[str]:
    """The names in a document, as deep as the page tells them: what a summary counts is told by the contract."""
    if isinstance(value, list):
        yield from (name for part in value for name in names(part))
    elif isinstance(value, dict):
        for name, part in value.items():
            yield name
            yield from () if name == "summary" else names(part)


def test_the_page_names_every_function_error_and_no_other() -> None:
    _, *told = rows(CONTRACTS, "`errorType`")
    assert [row[0].strip("`") for row in told] == [type(error).__name__ for error in ERRORS]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_the_page_tells_the_names_in_the_message_of_an_error(error: Exception) -> None:
    (row,) = (row for row in rows(CONTRACTS, "`errorType`") if row[0] == f"`{type(error).__name__}`")
    try:
        document = json.loads(str(error))
    except ValueError:
        assert row[3] == "a sentence"
    else:
        assert re.findall(r'"(\w+)"', row[3]) == list(names(document))
