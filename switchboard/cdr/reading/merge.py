"""Reads of a time range: the shards of an index merged in time order, page by page."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from switchboard.cdr.reading.cursors import Cursor, Position
from switchboard.cdr.reading.records import MAX_ANSWER_BYTES, Item, record_of, size_of
from switchboard.schema import cdr

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from switchboard.cdr.reading.reader import Reader
    from switchboard.cdr.reading.request import Range


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of an index, between two times, both inclusive."""

    index: str
    attribute: str
    value: str
    first: str
    last: str

    def parameters(self) -> dict[str, Any]:
        """The parameters of its `Query`."""
        return {
            "IndexName": self.index,
            "KeyConditionExpression": f"{self.attribute} = :partition AND {cdr.OCCURRED_AT} BETWEEN :first AND :last",
            "ExpressionAttributeValues": {
                ":partition": {"S": self.value},
                ":first": {"S": self.first},
                ":last": {"S": self.last},
            },
        }

    def start_key(self, position: Position | None) -> Item | None:
        """The key after which to continue. Its partition is this one, whatever the cursor said."""
        if position is None:
            return None
        return {
            self.attribute: {"S": self.value},
            cdr.OCCURRED_AT: {"S": position.occurred_at},
            cdr.PK: {"S": cdr.partition_key(position.sponsorship_id)},
            cdr.SK: {"S": position.sk},
        }


class Shard:
    """A partition being read forward: items read and not yet answered, and the position of the last one answered."""

    def __init__(self, partition: Partition, position: Position | None) -> None:
        self.position = position
        self.items: deque[Item] = deque()
        self.exhausted = False
        self._parameters = partition.parameters()
        self._next_key = partition.start_key(position)

    @property
    def dry(self) -> bool:
        """Whether its next item is not known and may exist."""
        return not self.items and not self.exhausted

    def read(self, reader: Reader, limit: int) -> None:
        """Read one page of at most `limit` items."""
        page = reader.page(self._next_key, Limit=limit, **self._parameters)
        self.items.extend(page.items)
        self._next_key = page.next_key
        self.exhausted = page.next_key is None

    def answered(self) -> None:
        """Move past the next item."""
        item = self.items.popleft()
        self.position = Position(item[cdr.SPONSORSHIP_ID]["S"], item[cdr.SK]["S"], item[cdr.OCCURRED_AT]["S"])


@dataclass(slots=True)
class Answer:
    """The records of one page, within its count and size."""

    limit: int
    records: list[dict[str, Any]] = field(default_factory=list)
    size: int = 0

    @property
    def room(self) -> int:
        """How many more records it may hold."""
        return self.limit - len(self.records)

    def take(self, item: Item) -> bool:
        """Add an item's record; False where it would make the answer too large. The first record always fits."""
        record = record_of(item)
        size = size_of(record)
        if self.records and self.size + size > MAX_ANSWER_BYTES:
            return False
        self.records.append(record)
        self.size += size
        return True


def merge(shards: Sequence[Shard], answer: Answer, *, reader: Reader, pool: ThreadPoolExecutor) -> bool:
    """Move items into the answer by time, then shard, then position in the shard; lazily, a small page at a time.

    True where the shards are exhausted; False where the answer is full or time is short.
    """
    share = -(-answer.limit // len(shards)) + 1
    while True:
        if not answer.room:
            return all(shard.exhausted and not shard.items for shard in shards)
        while dry := [shard for shard in shards if shard.dry]:
            if not reader.has_time():
                return False
            limit = min(share, answer.room + 1)
            list(pool.map(lambda shard, limit=limit: shard.read(reader, limit), dry))
        ready = [shard for shard in shards if shard.items]
        if not ready:
            return True
        earliest = min(ready, key=lambda shard: shard.items[0][cdr.OCCURRED_AT]["S"])
        if not answer.take(earliest.items[0]):
            return False
        earliest.answered()


def in_range(query: Range, reader: Reader) -> tuple[list[dict[str, Any]], Cursor | None]:
    """A page of a sponsor's records, or of all records, in time order, and where it stopped."""
    answer = Answer(query.limit)
    with ThreadPoolExecutor(cdr.SHARDS) as pool:
        for day, positions in _stretches(query):
            shards = [Shard(_partition(query, day, n), position) for n, position in enumerate(positions)]
            if not merge(shards, answer, reader=reader, pool=pool):
                return answer.records, Cursor(tuple(shard.position for shard in shards), day)
    return answer.records, None


def _stretches(query: Range) -> Iterator[tuple[str | None, tuple[Position | None, ...]]]:
    """What is merged at once: all of a sponsor's range, or one day of everybody's; with the positions to start at."""
    unread: tuple[Position | None, ...] = (None,) * cdr.SHARDS
    positions = query.cursor.positions if query.cursor else unread
    if query.sponsor_id is not None:
        yield None, positions
        return
    last = _day_of(query.last)
    day = query.cursor.day if query.cursor and query.cursor.day else _day_of(query.first)
    while day <= last:
        yield day, positions
        if day == last:
            return
        day, positions = str(date.fromisoformat(day) + timedelta(days=1)), unread


def _day_of(occurred_at: str) -> str:
    return occurred_at.partition("T")[0]


def _partition(query: Range, day: str | None, shard: int) -> Partition:
    if query.sponsor_id is not None:
        value = cdr.sponsor_shard(query.sponsor_id, shard)
        return Partition(cdr.BY_SPONSOR, cdr.SPONSOR_SHARD, value, query.first, query.last)
    value = cdr.day_shard(day or _day_of(query.first), shard)
    return Partition(cdr.BY_DAY, cdr.DAY_SHARD, value, query.first, query.last)
