"""What becomes of the records of one call that share a key, given what stands in the table. Pure: no requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from switchboard.cdr.results import Failed, Settled, Status

if TYPE_CHECKING:
    from switchboard.cdr.record import Record
    from switchboard.cdr.store import Key, Stored
    from switchboard.dynamo.rounds import Refusal


@dataclass(frozen=True, slots=True)
class Write:
    """A record that has to be inserted under `sk` before its group can be judged further."""

    record: Record
    sk: str


@dataclass(slots=True, eq=False)
class Group:
    """The records of one call with one identity, by their position in the call, earliest first.

    `known` is what this call has seen in the table or put there, by sort key. The earliest record is the one to write;
    a later one is written only where all before it proved to be in conflict, so that the minimum is never lost.
    """

    members: dict[int, Record]
    recorded_at: str
    known: dict[str, Stored] = field(default_factory=dict)
    verdicts: dict[int, Settled | Failed] = field(default_factory=dict)
    collisions: int = 0
    _attempts: set[tuple[int, str]] = field(default_factory=set)

    def advance(self) -> Write | None:
        """Settle the members in order up to one that has to be written first; None once all are settled."""
        for position, record in self._unsettled():
            verdict = self._judge(position, record)
            if isinstance(verdict, Write):
                self._attempts.add((position, verdict.sk))
                return verdict
            self.verdicts[position] = verdict
        return None

    def fail(self, refusal: Refusal) -> None:
        """Give up on every member that is not settled."""
        for position, _ in self._unsettled():
            self.verdicts[position] = Failed(refusal.code, refusal.retryable)

    def keys(self) -> list[Key]:
        """Every key under which a member that is not settled may stand."""
        return [
            (pk, sk)
            for pk, sk in dict.fromkeys(
                (record.pk, sk) for _, record in self._unsettled() for sk in (record.sk, record.earlier_sk)
            )
            if sk is not None
        ]

    def _unsettled(self) -> list[tuple[int, Record]]:
        return [(position, record) for position, record in self.members.items() if position not in self.verdicts]

    def _judge(self, position: int, record: Record) -> Settled | Write:
        for sk in (record.sk, record.earlier_sk):
            stored = self.known.get(sk) if sk else None
            if stored and sk and (stored.source, stored.id) == (record.source, record.id):
                return self._judge_own(position, record, sk, stored)
        first = self.known.get(record.sk)
        if first is None:
            return Write(record, record.sk)
        if record.earlier_sk is None:
            return Settled(Status.CONFLICT, first.recorded_at)
        for stored in self.known.values():
            if stored.occurred_at <= record.occurred_at:
                return Settled(Status.NOT_FIRST, stored.recorded_at)
        return Write(record, record.earlier_sk)

    def _judge_own(self, position: int, record: Record, sk: str, stored: Stored) -> Settled:
        """The verdict where the record's own `source` and `id` stand in the table already."""
        if stored.payload_hash != record.payload_hash:
            return Settled(Status.CONFLICT, stored.recorded_at)
        if stored.recorded_at != self.recorded_at or (position, sk) not in self._attempts:
            return Settled(Status.DUPLICATE, stored.recorded_at)
        return Settled(Status.STORED if sk == record.sk else Status.EARLIER, stored.recorded_at)
