"""An item of the old table: its instant, its identity, and one text for one content."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from switchboard.dynamo.values import number_text
from switchboard.schema import legacy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from switchboard.dynamo.values import AttributeValue

_SECONDS: Final = Decimal(10) ** 8
"""1973-03-03T09:46:40Z. Each unit reaches from here, in its own count, to 5138-11-16, where the next unit begins."""
_STEP: Final = 1_000
_UNITS: Final = 4
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def instant(timestamp: str) -> datetime | None:
    """The instant of an old timestamp, whose unit its magnitude tells; None outside the years 1973 to 5138.

    10^8 to 10^11 are seconds since 1970, up to 10^14 milliseconds, up to 10^17 microseconds, up to 10^20 nanoseconds.
    What is finer than a microsecond is cut off, as it is of the times that services send.
    """
    number = Decimal(timestamp)
    least = _SECONDS
    per_second = 1
    for _ in range(_UNITS):
        if least <= number < least * _STEP:
            return _EPOCH + int(number * 1_000_000 / per_second) * _MICROSECOND
        least, per_second = least * _STEP, per_second * _STEP
    return None


@dataclass(frozen=True, eq=False)
class LegacyItem:
    """A whole item in DynamoDB's JSON form, read once; `timestamp` is the one decimal text of its number."""

    timestamp: str
    sponsor_id: str
    attributes: Mapping[str, AttributeValue]

    @classmethod
    def of(cls, attributes: Mapping[str, AttributeValue]) -> LegacyItem:
        """The item with these attributes, the two key attributes among them."""
        timestamp = number_text(Decimal(attributes[legacy.TIMESTAMP]["N"]))
        return cls(timestamp, attributes[legacy.SPONSOR_ID]["S"], attributes)

    @classmethod
    def from_canonical(cls, text: str) -> LegacyItem:
        """The item whose canonical text this is."""
        return cls.of({name: _restored(attribute) for name, attribute in json.loads(text).items()})

    @property
    def id(self) -> str:
        """The `id` of its record."""
        return legacy.record_id(self.timestamp, self.sponsor_id)

    @cached_property
    def instant(self) -> datetime | None:
        """When it happened, as `instant` reads the timestamp."""
        return instant(self.timestamp)

    @cached_property
    def canonical(self) -> str:
        """Its one text: JSON, compact and sorted, sets too, binary values in base64."""
        plain = {name: _canonical(attribute) for name, attribute in self.attributes.items()}
        return json.dumps(plain, ensure_ascii=False, separators=(",", ":"), sort_keys=True)

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical text, in hexadecimal."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()


def base64_text(value: bytes) -> str:
    """Binary content as text (RFC 4648, section 4)."""
    return base64.b64encode(value).decode()


def _canonical(attribute: Mapping[str, Any]) -> AttributeValue:
    ((kind, value),) = attribute.items()
    return {kind: _CANONICAL[kind](value) if kind in _CANONICAL else value}


def _restored(attribute: Mapping[str, Any]) -> AttributeValue:
    ((kind, value),) = attribute.items()
    return {kind: _RESTORED[kind](value) if kind in _RESTORED else value}


_CANONICAL: Final[dict[str, Callable[[Any], Any]]] = {
    "N": lambda text: number_text(Decimal(text)),
    "B": base64_text,
    "SS": sorted,
    "NS": lambda texts: sorted(number_text(Decimal(text)) for text in texts),
    "BS": lambda values: sorted(map(base64_text, values)),
    "M": lambda parts: {name: _canonical(part) for name, part in parts.items()},
    "L": lambda parts: [_canonical(part) for part in parts],
}
_RESTORED: Final[dict[str, Callable[[Any], Any]]] = {
    "B": base64.b64decode,
    "BS": lambda texts: [base64.b64decode(text) for text in texts],
    "M": lambda parts: {name: _restored(part) for name, part in parts.items()},
    "L": lambda parts: [_restored(part) for part in parts],
}
