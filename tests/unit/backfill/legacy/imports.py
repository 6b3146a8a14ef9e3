"""Imports of old items in memory, and what has become of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from switchboard.backfill.engine import Checkpoint, Meter, settled_pages
from switchboard.backfill.legacy.items import LegacyItem
from switchboard.backfill.legacy.job import import_of
from switchboard.backfill.legacy.keeping import kept_item
from switchboard.backfill.legacy.mapping import DEFAULT_MAPPING, LegacyMapping
from switchboard.backfill.legacy.rekeying import Rekeying
from switchboard.backfill.legacy.tally import Tally
from switchboard.backfill.units import Units
from switchboard.schema import cdr, legacy
from tests.fakes.backfill_table import Clock
from tests.fakes.legacy_tables import CDR, OLD, Item, LegacyTables
from tests.unit.backfill.runs_of import waiting

if TYPE_CHECKING:
    from collections.abc import Mapping

BEFORE = datetime(2026, 11, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def old(timestamp: int | str, sponsor_id: str = "s-1", **attributes: Any) -> Item:
    """An old item; plain texts are texts."""
    stored = {name: {"S": value} if isinstance(value, str) else value for name, value in attributes.items()}
    return {"timestamp": {"N": str(timestamp)}, "sponsor_id": {"S": sponsor_id}, **stored}


def consumed(timestamp: int | str, sponsor_id: str = "s-1", **attributes: Any) -> Item:
    """An old item that the default mapping makes a record of."""
    return old(timestamp, sponsor_id, **{"type": cdr.CONSUME, "sponsorship_id": "sp-1", **attributes})


def rekeying(mapping: Mapping[str, Any] = DEFAULT_MAPPING, before: datetime = BEFORE) -> Rekeying:
    return Rekeying(LegacyMapping(mapping), before=before)


class Import:
    """Imports of one old table, each in a process of its own. Time passes by a microsecond with each look."""

    def __init__(
        self,
        tables: LegacyTables,
        *,
        mapping: Mapping[str, Any] = DEFAULT_MAPPING,
        retention_days: int | None = None,
        read_units: float = 1e9,
        write_units: float = 1e9,
        size: int = 100,
    ) -> None:
        self.tables = tables
        self.clock = Clock()
        self.now = NOW
        self.checkpoint = Checkpoint()
        self.reads = self.writes = 0.0
        self._rekeying = rekeying(mapping)
        self._retention = None if retention_days is None else timedelta(days=retention_days)
        self._rates = read_units, write_units
        self._size = size

    def run(self, *, of: int = 1) -> Tally:
        """One pass over each segment, from the checkpoint on; the tally of what it did."""
        worked = Tally()
        for segment in range(of):
            work, meter = self._work(worked, segment, of)
            for at in settled_pages(work.pages, work.settles, self.checkpoint, meter=meter):
                self.checkpoint = at
            self.checkpoint = Checkpoint(counters=self.checkpoint.counters)
        return worked

    def verify(self, *, of: int = 1) -> tuple[list[LegacyItem], Tally]:
        """What is missing, and the tally of both sides."""
        verified = Tally()
        missing: list[LegacyItem] = []
        for segment in range(of):
            work, _ = self._work(verified, segment, of)
            missing += [item for page in work.pages.missing(None) for item in page.work]
        return missing, verified

    def _work(self, tally: Tally, segment: int, of: int) -> tuple[Any, Meter]:
        def now() -> datetime:
            self.now += timedelta(microseconds=1)
            return self.now

        reads, writes = (Units(rate, clock=self.clock, sleep=self.clock.sleep) for rate in self._rates)
        work = import_of(
            self.tables,  # type: ignore[arg-type]  # has the calls that are made
            source=OLD,
            cdr_table=CDR,
            rekeying=self._rekeying,
            retention=self._retention,
            now=now,
            reads=reads,
            writes=writes,
            lookups=Units(1e9, clock=self.clock, sleep=self.clock.sleep),
            waiting=waiting(self.clock),
            note=lambda _done, page: tally.join(page),
            segment=segment,
            of=of,
            size=lambda: self._size,
        )
        return work, Meter(Checkpoint(), writes=writes, reads=reads, clock=self.clock)


def records_of(tables: LegacyTables, item: Item) -> list[Item]:
    """The records in the CDR table that are of this old item."""
    wanted = LegacyItem.of(item).id
    return [stored for stored in tables.cdr.values() if stored.get(cdr.ID, {}).get("S") == wanted]


def kept_of(tables: LegacyTables, item: Item) -> list[Item]:
    """What is kept of this old item."""
    old_item = LegacyItem.of(item)
    return [
        stored
        for (pk, _), stored in tables.cdr.items()
        if pk == legacy.kept_key(old_item.sponsor_id) and kept_item(stored).timestamp == old_item.timestamp
    ]
