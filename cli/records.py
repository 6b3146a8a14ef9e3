"""What `cdr put` reads: a record, an envelope, an array of records, or JSON Lines; and how it is cut into calls."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from cli.errors import Code, Failure
from switchboard.schema import cdr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_CALL_BYTES: Final = 5_500_000
"""A synchronous call of Lambda may hold 6 MB (AWS, "Lambda quotas"); this leaves room for the rest of the request."""

_FORMS: Final = "Send a record, an envelope, an array of records, or one record per line."


@dataclass(frozen=True, slots=True)
class Batch:
    """The records of a file as JSON text, and the fields of their envelope beside `records`."""

    records: tuple[bytes, ...]
    envelope: dict[str, Any] = field(default_factory=lambda: {"schema": cdr.ENVELOPE_SCHEMA})


def read(data: bytes) -> Batch:
    """Read a file. Raises `Failure` (refused) where it is none of the four forms, without repeating what it holds."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _unreadable(f"byte {error.start + 1} is not UTF-8") from None
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if not lines:
        raise _unreadable("it is empty")
    if len(lines) > 1 and _is_record(lines[0][1]):
        return Batch(tuple(_dumped(_loaded(line, f"line {number}"), f"line {number}") for number, line in lines))
    document = _loaded(text, "the file")
    if isinstance(document, list):
        return Batch(_numbered(document))
    if isinstance(document, dict) and isinstance(document.get("records"), list):
        return Batch(_numbered(document.pop("records")), document)
    return Batch((_dumped(document, "the record"),))


def calls(batch: Batch) -> Iterator[tuple[int, ...]]:
    """The places of the records of each call: at most 1,000 records and 5.5 MB."""
    taken: list[int] = []
    size = 0
    for place, record in enumerate(batch.records):
        needed = len(record) + len(",")
        if taken and (len(taken) == cdr.MAX_RECORDS or size + needed > MAX_CALL_BYTES):
            yield tuple(taken)
            taken, size = [], 0
        taken.append(place)
        size += needed
    if taken:
        yield tuple(taken)


def needs_several_calls(batch: Batch) -> bool:
    """Whether sending takes long enough to show how far it is."""
    return len(list(islice(calls(batch), 2))) > 1


def payload(batch: Batch, places: Sequence[int]) -> bytes:
    """The envelope of the records at these places; what fails is told in the results, which this command reads."""
    envelope = {**batch.envelope, "on_failed": cdr.REPORT, "records": []}
    head = json.dumps(envelope).encode().removesuffix(b"]}")
    return head + b",".join(batch.records[place] for place in places) + b"]}"


def _is_record(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _loaded(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        where = f"{what}, column {error.colno}" if error.lineno == 1 else f"line {error.lineno}, column {error.colno}"
        raise _unreadable(f"it is not JSON at {where}") from None
    except (ValueError, RecursionError):
        raise _unreadable(f"{what} holds a number too long or is nested too deep") from None


def _dumped(record: Any, what: str) -> bytes:
    try:
        dumped = json.dumps(record, allow_nan=False, separators=(",", ":")).encode()
    except ValueError:
        raise _unreadable(f"{what} holds a number that is not finite, which JSON cannot say") from None
    if len(dumped) > MAX_CALL_BYTES:
        raise _unreadable(f"{what} is larger than one call can be")
    return dumped


def _numbered(records: list[Any]) -> tuple[bytes, ...]:
    if not records:
        raise _unreadable("it holds no record")
    return tuple(_dumped(record, f"record {number}") for number, record in enumerate(records))


def _unreadable(why: str) -> Failure:
    return Failure(Code.REFUSED, f"The file cannot be read as records: {why}.", remedy=_FORMS)
