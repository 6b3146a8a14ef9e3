"""What an old item becomes, from the item and the mapping alone: the same whenever and however often it is asked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from switchboard.backfill.legacy.mapping import Unmapped
from switchboard.cdr.results import Rejected
from switchboard.cdr.validation import RecordContract
from switchboard.schema import cdr, legacy

if TYPE_CHECKING:
    from datetime import datetime

    from switchboard.backfill.legacy.items import LegacyItem
    from switchboard.backfill.legacy.mapping import LegacyMapping
    from switchboard.cdr.fields import FieldError
    from switchboard.cdr.record import Record

MODULUS: Final = 2**128
"""Digests are added up modulo this, so that neither order nor segments show in a checksum."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why an item becomes no record."""

    reason: str
    errors: tuple[FieldError, ...] = ()


class Rekeying:
    """The writer's own contract, without regard of how long the stage keeps records: that depends on the day."""

    def __init__(self, mapping: LegacyMapping, *, before: datetime) -> None:
        """`before` is the cut-over, with its zone and not in the future: what happened then or later is left alone."""
        self._mapping = mapping
        self._before = before
        self._contract = RecordContract(retention=None)

    def left_alone(self, item: LegacyItem) -> bool:
        """Whether an item lies at or after the cut-over. One without a readable time does not: it is kept."""
        return item.instant is not None and item.instant >= self._before

    def __call__(self, item: LegacyItem) -> Record | Unfit:
        """The record of an item, or why there is none."""
        try:
            fields = self._mapping.fields(item)
        except Unmapped as unmapped:
            return Unfit(legacy.UNMAPPED, unmapped.errors)
        read = self._contract.read(fields, now=self._before)
        return Unfit(cdr.REJECTED, read.errors) if isinstance(read, Rejected) else read

    def digest(self, item: LegacyItem) -> int:
        """What the item adds to the checksum: of its record where it has one, wherever it stands, else of itself."""
        read = self(item)
        return item_digest(item) if isinstance(read, Unfit) else record_digest(read)


def record_digest(record: Record) -> int:
    """128 bits of the SHA-256 of a record's identity and payload hash."""
    return _digest("record", record.source, record.id, record.payload_hash)


def item_digest(item: LegacyItem) -> int:
    """128 bits of the SHA-256 of an old item's key and content."""
    return _digest("item", item.timestamp, item.sponsor_id, item.hash)


def _digest(*parts: str) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:16], "big")
