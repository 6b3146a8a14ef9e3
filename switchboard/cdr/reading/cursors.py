"""The cursor of a paged query: where it stopped, bound to the query that it belongs to.

A cursor is base64url over JSON `{"q": <digest of the query>, "d": <day or null>, "k": [<position or null>, …]}`.
A position is `[sponsorship_id, sort key, occurred_at]` of the last record answered. It is neither secret nor signed: a
forged one moves a reader within what the same query may read, since partition keys are computed from the query.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from switchboard.cdr.fields import Code
from switchboard.cdr.reading.errors import invalid
from switchboard.schema import cdr

UNREADABLE: Final = "is not a cursor of this query: send the last answer's unchanged, or none to start again"
DIGEST_CHARACTERS: Final = 16

_ID: Final = re.compile(cdr.ID_PATTERN)
_SORT_KEY: Final = re.compile(r"[A-Za-z0-9._:/#-]{1,512}")
"""What sort keys of the table are made of: ids, joined by `#`."""
_OCCURRED_AT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_POSITION_PARTS: Final = 3


@dataclass(frozen=True, slots=True)
class Position:
    """The last record answered from one partition."""

    sponsorship_id: str
    sk: str
    occurred_at: str


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a query stopped: a position per shard (None: nothing answered yet) and the day they belong to, if any."""

    positions: tuple[Position | None, ...]
    day: str | None = None


def digest(*query: str) -> str:
    """What binds a cursor to its query: a short hash of its kind, ids and bounds, and not of its limit."""
    return hashlib.sha256(json.dumps(query).encode()).hexdigest()[:DIGEST_CHARACTERS]


def encode(cursor: Cursor, *, query: str) -> str:
    """Write a cursor of the query with this digest."""
    keys = [None if p is None else [p.sponsorship_id, p.sk, p.occurred_at] for p in cursor.positions]
    body = json.dumps({"q": query, "d": cursor.day, "k": keys}, separators=(",", ":"))
    return base64.urlsafe_b64encode(body.encode()).decode()


def decode(text: str, *, query: str, positions: int, by_day: bool) -> Cursor:
    """Read a cursor that a caller sent back.

    Whether its times and its day lie within the query's bounds is for the query to check.

    Raises `InvalidQuery` at `/cursor` for anything that `encode` would not have written for this query.
    """
    body = _body(text)
    if not isinstance(body, dict) or body.keys() != {"q", "d", "k"}:
        raise invalid("/cursor", Code.FORMAT, UNREADABLE)
    if body["q"] != query:
        raise invalid("/cursor", Code.FORMAT, "belongs to another query: send it with the ids and times it came from")
    day, keys = body["d"], body["k"]
    whole_day = _is_day(day) if by_day else day is None
    if not whole_day or not isinstance(keys, list) or len(keys) != positions:
        raise invalid("/cursor", Code.FORMAT, UNREADABLE)
    return Cursor(tuple(None if key is None else _position(key) for key in keys), day)


def _body(text: str) -> object:
    try:
        body: object = json.loads(base64.b64decode(text, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        raise invalid("/cursor", Code.FORMAT, UNREADABLE) from None
    return body


def _is_day(day: object) -> bool:
    if not (isinstance(day, str) and _DAY.fullmatch(day)):
        return False
    try:
        date.fromisoformat(day)
    except ValueError:
        return False
    return True


def _position(key: Any) -> Position:
    if isinstance(key, list) and len(key) == _POSITION_PARTS and all(isinstance(part, str) for part in key):
        sponsorship_id, sk, occurred_at = key
        if _ID.fullmatch(sponsorship_id) and _SORT_KEY.fullmatch(sk) and _OCCURRED_AT.fullmatch(occurred_at):
            return Position(sponsorship_id, sk, occurred_at)
    raise invalid("/cursor", Code.FORMAT, UNREADABLE)
