"""Instants as text: RFC 3339 on the way in, one fixed width in UTC in storage, where text order must be time order."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

RFC3339_PATTERN: Final = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""A date-time of RFC 3339 with its zone, without leap seconds: no stored width can hold 23:59:60 in order."""

_RFC3339: Final = re.compile(RFC3339_PATTERN)


def parse_rfc3339(text: str) -> datetime:
    """The instant `text` names, in UTC. Digits beyond microseconds are cut off.

    Raises `ValueError` for anything but a date-time of RFC 3339 with a zone, and for a date no calendar has.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError("expected a date-time of RFC 3339 with a zone, such as 2026-11-21T00:08:12.345678Z")
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:
        raise ValueError("expected a date-time whose UTC form lies in the years 1 to 9999") from None


def to_fixed(instant: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS.ffffffZ` of an aware `instant`: 27 characters whose text order is time order."""
    if instant.utcoffset() is None:
        raise ValueError("expected a datetime with a zone")
    return instant.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def from_fixed(text: str) -> datetime:
    """The instant written by `to_fixed`, in UTC. Raises `ValueError` for another width or zone."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
