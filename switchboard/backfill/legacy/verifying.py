"""Whether every old item stands in the CDR table: each read back by its key, both sides counted and summed up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from switchboard.backfill.legacy.keeping import beside_key, kept_item, plain_key
from switchboard.backfill.legacy.rekeying import Unfit, record_digest
from switchboard.backfill.legacy.target import record_of
from switchboard.schema import cdr, legacy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from switchboard.backfill.legacy.items import LegacyItem
    from switchboard.backfill.legacy.rekeying import Rekeying
    from switchboard.backfill.legacy.tally import Day, Notes
    from switchboard.backfill.legacy.target import Target
    from switchboard.cdr.record import Item, Record
    from switchboard.cdr.store import Key

RECORD: Final = "record"
KEPT: Final = "kept"
_NO_DAY: Final = "-"
_DAY_CHARACTERS: Final = len("yyyy-mm-dd")


@dataclass(frozen=True, slots=True)
class Found:
    """What stands in the table for an item, from what is stored alone."""

    place: str
    digest: int
    day: Day


class Verifier:
    """Compares items of the old table with what stands for them in the CDR table."""

    def __init__(self, target: Target, rekeying: Rekeying, notes: Notes) -> None:
        self._target = target
        self._rekeying = rekeying
        self._notes = notes

    def missing(self, items: Sequence[LegacyItem]) -> list[LegacyItem]:
        """Those of the items for which nothing stands, or something else; both sides are noted. Raises `Systemic`."""
        read = {item: self._rekeying(item) for item in items}
        found = self._found(read, first=True)
        found |= self._found({item: each for item, each in read.items() if item not in found}, first=False)
        page = self._notes.page
        for item in items:
            page.source.add(self._rekeying.digest(item), _day(item))
        for each in found.values():
            page.target.add(each.digest, each.day)
            page.places[each.place] += 1
        return [item for item in items if item not in found]

    def _found(self, read: Mapping[LegacyItem, Record | Unfit], *, first: bool) -> dict[LegacyItem, Found]:
        """Look where most items stand `first`, then for the others everywhere else: a miss costs a read unit, too."""
        places = {item: _likely(item, each) if first else _elsewhere(item, each) for item, each in read.items()}
        stored = self._target.read(list(dict.fromkeys(key for keys in places.values() for key in keys)))
        found = {}
        for item, keys in places.items():
            for key in keys:
                each = stored[key]
                match = self._match(item, read[item], each) if each is not None else None
                if match is not None:
                    found[item] = match
        return found

    def _match(self, item: LegacyItem, read: Record | Unfit, stored: Item) -> Found | None:
        if legacy.ITEM in stored:
            kept = kept_item(stored)
            if kept.hash != item.hash:
                return None
            return Found(KEPT, self._rekeying.digest(kept), _day(kept))
        record = record_of(stored)
        if isinstance(read, Unfit) or (record.source, record.id, record.payload_hash) != (
            read.source,
            read.id,
            read.payload_hash,
        ):
            return None
        day = record.content[cdr.SPONSOR_ID]["S"], record.occurred_at[:_DAY_CHARACTERS]
        return Found(RECORD, record_digest(record), day)


def _likely(item: LegacyItem, read: Record | Unfit) -> list[Key]:
    return [plain_key(item)] if isinstance(read, Unfit) else [(read.pk, read.sk)]


def _elsewhere(item: LegacyItem, read: Record | Unfit) -> list[Key]:
    if isinstance(read, Unfit):
        return [beside_key(item)]
    earlier = [(read.pk, read.earlier_sk)] if read.earlier_sk else []
    return [*earlier, plain_key(item), beside_key(item)]


def _day(item: LegacyItem) -> Day:
    return item.sponsor_id, _NO_DAY if item.instant is None else item.instant.date().isoformat()
