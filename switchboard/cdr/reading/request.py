"""What a caller may ask: a request checked against the published contract, and turned into one of three queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import fastjsonschema

from switchboard.cdr.fields import Code, FieldError, pointer
from switchboard.cdr.reading import cursors
from switchboard.cdr.reading.errors import InvalidQuery, invalid
from switchboard.contracts import CDR_QUERY, contract
from switchboard.schema import cdr
from switchboard.times import parse_rfc3339, to_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from switchboard.cdr.reading.cursors import Cursor

DEFAULT_LIMITS: Final = {"history": 1_000, "by_sponsor": 100, "by_time": 100}


@dataclass(frozen=True, slots=True)
class History:
    """All records of one sponsorship, after a position."""

    sponsorship_id: str
    limit: int
    cursor: Cursor | None
    digest: str


@dataclass(frozen=True, slots=True)
class First:
    """The first event of a FIRST type in one scope."""

    sponsorship_id: str
    type: str
    subscriber_id: str | None


@dataclass(frozen=True, slots=True)
class Range:
    """The records of a time range: of one sponsor, or of all. Both bounds are inclusive, as stored."""

    sponsor_id: str | None
    first: str
    last: str
    limit: int
    cursor: Cursor | None
    digest: str


Query = History | First | Range


def parse(request: object) -> Query:
    """Check a request and read it.

    Raises `InvalidQuery` with every field that breaks the contract.
    """
    if not isinstance(request, dict):
        raise invalid("", Code.TYPE, "must be an object with the field `query`")
    kind = request.get("query")
    if not isinstance(kind, str) or kind not in cdr.QUERIES:
        code = Code.FORMAT if isinstance(kind, str) else Code.TYPE if "query" in request else Code.REQUIRED
        raise invalid("/query", code, f"must be one of {', '.join(cdr.QUERIES)}")
    errors = tuple(_errors(request, _DEFINITIONS[kind]))
    if errors:
        raise InvalidQuery(errors)
    return _READERS[kind](request)


def _errors(request: Mapping[Any, Any], contract_: Mapping[str, Any]) -> Iterator[FieldError]:
    fields: Mapping[str, Any] = contract_["properties"]
    for name in contract_["required"]:
        if name not in request:
            yield FieldError(pointer(name), Code.REQUIRED, "is required")
    for name in islice((name for name in request if name not in fields), _MAX_NAMED_FIELDS):
        yield FieldError(pointer(name), Code.UNKNOWN_FIELD, f"leave it out: the fields are {', '.join(fields)}")
    for name, definition in fields.items():
        if name in request and "$ref" in definition:
            kind = definition["$ref"].rpartition("/")[2]
            try:
                _CHECKS[kind](request[name])
            except fastjsonschema.JsonSchemaValueException as broken:
                code = _CODES.get(broken.rule or "", Code.FORMAT)
                yield FieldError(pointer(name), code, _DEFINITIONS[kind]["description"])


def _history(request: Mapping[str, Any]) -> History:
    sponsorship_id = request["sponsorship_id"]
    digest = cursors.digest("history", sponsorship_id)
    return History(
        sponsorship_id=sponsorship_id,
        limit=_limit(request),
        cursor=_cursor(request, digest, positions=1, by_day=False),
        digest=digest,
    )


def _first(request: Mapping[str, Any]) -> First:
    return First(request["sponsorship_id"], request["type"], request.get("subscriber_id"))


def _range(request: Mapping[str, Any]) -> Range:
    start, end = _time(request, "from"), _time(request, "to")
    if start >= end:
        raise invalid("/to", Code.RANGE, "must be later than `from`, since `to` is exclusive")
    first, last = to_fixed(start), to_fixed(end - timedelta(microseconds=1))
    sponsor_id = request.get("sponsor_id")
    digest = cursors.digest(request["query"], sponsor_id or "", first, last)
    cursor = _cursor(request, digest, positions=cdr.SHARDS, by_day=sponsor_id is None)
    _check_bounds(cursor, first, last)
    return Range(
        sponsor_id=sponsor_id,
        first=first,
        last=last,
        limit=_limit(request),
        cursor=cursor,
        digest=digest,
    )


def _time(request: Mapping[str, Any], name: str) -> datetime:
    try:
        return parse_rfc3339(request[name])
    except ValueError:
        raise invalid(f"/{name}", Code.FORMAT, _DEFINITIONS["time"]["description"]) from None


def _limit(request: Mapping[str, Any]) -> int:
    return int(request.get("limit", DEFAULT_LIMITS[request["query"]]))


def _cursor(request: Mapping[str, Any], digest: str, *, positions: int, by_day: bool) -> Cursor | None:
    if "cursor" not in request:
        return None
    return cursors.decode(request["cursor"], query=digest, positions=positions, by_day=by_day)


def _check_bounds(cursor: Cursor | None, first: str, last: str) -> None:
    """Refuse a cursor that no page of this range ends with: DynamoDB refuses start keys outside the key condition."""
    if cursor is None:
        return
    day = cursor.day or ""
    inside = not day or first[: len(day)] <= day <= last[: len(day)]
    for position in cursor.positions:
        if position is not None:
            inside = inside and position.occurred_at.startswith(day) and first <= position.occurred_at <= last
    if not inside:
        raise invalid("/cursor", Code.RANGE, cursors.UNREADABLE)


_READERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Query]]] = {
    "history": _history,
    "first": _first,
    "by_sponsor": _range,
    "by_time": _range,
}

_MAX_NAMED_FIELDS: Final = 20
"""How many unknown fields one refusal names."""

_CODES: Final = {"type": Code.TYPE, "maxLength": Code.TOO_LONG, "minimum": Code.RANGE, "maximum": Code.RANGE}
"""What each rule of the schema is called towards callers; every other rule is about the `format`."""

_DEFINITIONS: Final[Mapping[str, Any]] = contract(CDR_QUERY)["definitions"]
_CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    name: fastjsonschema.compile(definition)
    for name, definition in _DEFINITIONS.items()
    if definition["type"] != "object"
}
