"""Importing the items of a page: records through the writer's own code, what becomes none kept whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from switchboard.backfill.engine import Outcome
from switchboard.backfill.legacy.keeping import Keeper
from switchboard.backfill.legacy.rekeying import Unfit
from switchboard.backfill.legacy.tally import WORK
from switchboard.cdr.record import Record
from switchboard.cdr.results import Status
from switchboard.cdr.store import Stored, stored_as
from switchboard.cdr.writer import CdrWriter
from switchboard.dynamo.rounds import Refusal
from switchboard.schema import cdr, legacy
from switchboard.times import to_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, timedelta

    from switchboard.backfill.legacy.items import LegacyItem
    from switchboard.backfill.legacy.rekeying import Rekeying
    from switchboard.backfill.legacy.tally import Notes
    from switchboard.backfill.legacy.target import Target
    from switchboard.cdr.store import Key

_DONE: Final = {
    Status.STORED: Outcome.UPDATED,
    Status.EARLIER: Outcome.UPDATED,
    Status.DUPLICATE: Outcome.ALREADY,
    Status.FAILED: Outcome.FAILED,
}
"""The writer's statuses that need nothing more; under the others nothing is stored, so the item is kept."""


class Importer:
    """`Settles` old items, each as a record or kept."""

    def __init__(
        self,
        target: Target,
        rekeying: Rekeying,
        notes: Notes,
        *,
        retention: timedelta | None,
        clock: Callable[[], datetime],
    ) -> None:
        """`clock` tells the present with its zone; `retention` is how long the stage keeps CDRs, None for ever."""
        self._target = target
        self._rekeying = rekeying
        self._notes = notes
        self._retention = retention
        self._clock = clock
        self._writer = CdrWriter(target.store, retention=retention)
        self._keeper = Keeper(target, retention=retention)

    def settle(self, work: Sequence[LegacyItem]) -> list[Outcome]:
        """Import the items, which are distinct. Raises `Systemic`."""
        now = self._clock()
        read = {item: self._rekeying(item) for item in work}
        records = {item: each for item, each in read.items() if isinstance(each, Record)}
        late = {item: record for item, record in records.items() if self._too_old(record, now)}
        statuses = self._standing(late)
        statuses |= self._written({item: record for item, record in records.items() if item not in late}, now)
        unfit = {item: each for item, each in read.items() if isinstance(each, Unfit)}
        unfit |= {item: Unfit(legacy.TOO_OLD) for item in late if item not in statuses}
        unfit |= {item: Unfit(status.value) for item, status in statuses.items() if status not in _DONE}
        outcomes = {item: _DONE[status] for item, status in statuses.items() if status in _DONE}
        outcomes |= self._keeper.keep(unfit, now=now)
        self._notes.page.statuses.update(
            cdr.FAILED if outcome is Outcome.FAILED else unfit[item].reason if item in unfit else statuses[item].value
            for item, outcome in outcomes.items()
        )
        self._notes.end(WORK)
        return [outcomes[item] for item in work]

    def _too_old(self, record: Record, now: datetime) -> bool:
        return self._retention is not None and record.occurred_at < to_fixed(now - self._retention)

    def _standing(self, records: Mapping[LegacyItem, Record]) -> dict[LegacyItem, Status]:
        """Those that an earlier run stored while they were young enough."""
        keys = {item: _places(record) for item, record in records.items()}
        wanted = dict.fromkeys(key for places in keys.values() for key in places)
        found = self._target.store.read(list(wanted), self._target.budget())
        statuses = {}
        for item, record in records.items():
            answers = [found[key] for key in keys[item]]
            if any(stored_as(record, answer.recorded_at) == answer for answer in answers if isinstance(answer, Stored)):
                statuses[item] = Status.DUPLICATE
            elif any(isinstance(answer, Refusal) for answer in answers):
                statuses[item] = Status.FAILED
        return statuses

    def _written(self, records: Mapping[LegacyItem, Record], now: datetime) -> dict[LegacyItem, Status]:
        verdicts = self._writer.write(list(records.values()), now=now, budget=self._target.budget())
        return {item: verdict.status for item, verdict in zip(records, verdicts, strict=True)}


def _places(record: Record) -> list[Key]:
    return [(record.pk, sk) for sk in (record.sk, record.earlier_sk) if sk]
