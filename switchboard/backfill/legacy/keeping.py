"""Old items that become no record, kept whole in the CDR table beside the records."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.engine import Outcome
from switchboard.backfill.legacy.items import LegacyItem
from switchboard.dynamo.rounds import Refusal
from switchboard.dynamo.values import MAX_LEVELS
from switchboard.schema import cdr, legacy
from switchboard.times import to_fixed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime, timedelta

    from switchboard.backfill.legacy.rekeying import Unfit
    from switchboard.backfill.legacy.target import Target
    from switchboard.cdr.record import Item
    from switchboard.cdr.store import Key

_MAX_ERRORS: Final = 20


class Keeper:
    """Keeps items; `retention` is how long the stage keeps what is in the table, None for ever."""

    def __init__(self, target: Target, *, retention: timedelta | None) -> None:
        self._target = target
        self._retention = retention

    def keep(self, unfit: Mapping[LegacyItem, Unfit], *, now: datetime) -> dict[LegacyItem, Outcome]:
        """Keep each item once, however often it is asked; one whose key another content has is kept beside that.

        Raises `Systemic`.
        """
        placed = {plain_key(item): item for item in unfit}
        outcomes: dict[LegacyItem, Outcome] = {}
        taken = self._insert(placed, unfit, now, outcomes)
        standing = self._target.read(list(taken))
        beside = {}
        for key, item in taken.items():
            stored = standing[key]
            if stored is not None and kept_item(stored).hash == item.hash:
                outcomes[item] = Outcome.ALREADY
            else:
                beside[beside_key(item)] = item
        # This key holds the content's hash: whatever has taken it is the same content.
        outcomes |= dict.fromkeys(self._insert(beside, unfit, now, outcomes).values(), Outcome.ALREADY)
        return outcomes

    def _insert(
        self,
        placed: Mapping[Key, LegacyItem],
        unfit: Mapping[LegacyItem, Unfit],
        now: datetime,
        outcomes: dict[LegacyItem, Outcome],
    ) -> dict[Key, LegacyItem]:
        """Insert what is placed, note the outcomes, and answer what found its key taken."""
        items = {key: self._stored(key, item, unfit[item], now) for key, item in placed.items()}
        taken = {}
        for key, answer in self._target.insert(items).items():
            if isinstance(answer, Refusal):
                outcomes[placed[key]] = Outcome.FAILED
            elif answer:
                outcomes[placed[key]] = Outcome.UPDATED
            else:
                taken[key] = placed[key]
        return taken

    def _stored(self, key: Key, item: LegacyItem, unfit: Unfit, now: datetime) -> Item:
        pk, sk = key
        stored: Item = {
            cdr.PK: {"S": pk},
            cdr.SK: {"S": sk},
            cdr.VERSION: {"N": str(cdr.SCHEMA_MAJOR)},
            legacy.REASON: {"S": unfit.reason},
            cdr.RECORDED_AT: {"S": to_fixed(now)},
            legacy.ITEM: _whole(item),
        }
        if unfit.errors:
            stored[legacy.ERRORS] = {
                "L": [
                    {"M": {name: {"S": text} for name, text in error.as_json().items()}}
                    for error in unfit.errors[:_MAX_ERRORS]
                ]
            }
        if self._retention is not None:
            stored[cdr.EXPIRES_AT] = {"N": str(ceil((now + self._retention).timestamp()))}
        return stored


def plain_key(item: LegacyItem) -> Key:
    """Where an item is kept."""
    return legacy.kept_key(item.sponsor_id), item.timestamp


def beside_key(item: LegacyItem) -> Key:
    """Where it is kept when another content was kept first under its key."""
    return legacy.kept_key(item.sponsor_id), legacy.kept_beside_key(item.timestamp, item.hash)


def kept_item(stored: Item) -> LegacyItem:
    """The old item that a stored one holds whole."""
    whole = stored[legacy.ITEM]
    return LegacyItem.of(whole["M"]) if "M" in whole else LegacyItem.from_canonical(whole["S"])


def _whole(item: LegacyItem) -> dict[str, Any]:
    if max(map(_levels, item.attributes.values())) < MAX_LEVELS:
        return {"M": dict(item.attributes)}
    return {"S": item.canonical}


def _levels(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    parts = value.values() if kind == "M" else value if kind == "L" else ()
    return 1 + max(map(_levels, parts), default=0)
