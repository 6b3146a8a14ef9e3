"""Writing records: each identity once, the first write never changed, and a verdict for every record."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Final

from switchboard.cdr.judgement import Group
from switchboard.cdr.store import Stored, stored_as
from switchboard.dynamo.rounds import Refusal
from switchboard.times import to_fixed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from switchboard.cdr.judgement import Write
    from switchboard.cdr.record import Item, Record
    from switchboard.cdr.results import Failed, Settled
    from switchboard.cdr.store import CdrStore, Key
    from switchboard.dynamo.budget import Budget

_TAKEN: Final = "DuplicateItem"
"""The code where a key is taken whenever it is inserted and empty whenever it is read."""

_MAX_COLLISIONS: Final = 5
"""How often a group may be read after finding its key taken: a removal by TTL and a race explain two."""


class CdrWriter:
    """Writes valid records to a `CdrStore`. `retention` is how long the stage keeps them, None for ever."""

    def __init__(self, store: CdrStore, *, retention: timedelta | None) -> None:
        self._store = store
        self._retention = retention

    def write(self, records: Sequence[Record], *, now: datetime, budget: Budget) -> list[Settled | Failed]:
        """Store `records` and say what became of each, in their order.

        `now` becomes `recorded_at` of all that this call stores, and is how the call recognises its own insert when
        the answer to it was lost. Nothing is reported stored that is not; what is `failed` may be.
        """
        groups = _groups(records, to_fixed(now))
        waiting = groups
        while waiting:
            writes = [(group, write) for group in waiting if (write := group.advance()) is not None]
            taken = self._insert(writes, now, budget)
            self._look_up(taken, budget)
            waiting = [group for group, _ in writes]
        verdicts = {position: verdict for group in groups for position, verdict in group.verdicts.items()}
        return [verdicts[position] for position in range(len(records))]

    def _insert(self, writes: Sequence[tuple[Group, Write]], now: datetime, budget: Budget) -> list[Group]:
        """Insert one record of each group; the groups whose key was taken."""
        recorded_at = to_fixed(now)
        expires_at = None if self._retention is None else ceil((now + self._retention).timestamp())
        items: dict[Key, Item] = {
            (write.record.pk, write.sk): write.record.item(write.sk, recorded_at=recorded_at, expires_at=expires_at)
            for _, write in writes
        }
        outcomes = self._store.insert(items, budget)
        taken = []
        for group, write in writes:
            outcome = outcomes[write.record.pk, write.sk]
            if isinstance(outcome, Refusal):
                group.fail(outcome)
            elif outcome:
                group.known[write.sk] = stored_as(write.record, recorded_at)
            else:
                taken.append(group)
        return taken

    def _look_up(self, groups: Sequence[Group], budget: Budget) -> None:
        """Read what stands in the way of each group."""
        keys = {group: group.keys() for group in groups}
        found = self._store.read([key for wanted in keys.values() for key in wanted], budget)
        for group, wanted in keys.items():
            answers = {sk: found[pk, sk] for pk, sk in wanted}
            refused = next((answer for answer in answers.values() if isinstance(answer, Refusal)), None)
            group.collisions += 1
            if refused is None and group.collisions >= _MAX_COLLISIONS:
                refused = Refusal(_TAKEN)
            if refused is not None:
                group.fail(refused)
            group.known = {sk: answer for sk, answer in answers.items() if isinstance(answer, Stored)}


def _groups(records: Sequence[Record], recorded_at: str) -> list[Group]:
    """The records by identity, each group with its earliest first, and by position where times are equal."""
    by_key: dict[Key, list[int]] = {}
    for position, record in enumerate(records):
        by_key.setdefault((record.pk, record.sk), []).append(position)
    return [
        Group(
            {position: records[position] for position in sorted(members, key=lambda p: records[p].occurred_at)},
            recorded_at,
        )
        for members in by_key.values()
    ]
