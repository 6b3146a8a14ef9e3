"""Reads of one sponsorship, strongly consistent: its history in time order, and what came first."""

from __future__ import annotations

from bisect import insort
from typing import TYPE_CHECKING, Any

from switchboard.cdr.reading.cursors import Cursor, Position
from switchboard.cdr.reading.errors import QueryUnavailable
from switchboard.cdr.reading.records import MAX_ANSWER_BYTES, Item, record_of, size_of
from switchboard.dynamo.rounds import OUT_OF_TIME
from switchboard.schema import cdr

if TYPE_CHECKING:
    from collections.abc import Iterator

    from switchboard.cdr.reading.reader import Reader
    from switchboard.cdr.reading.request import First, History


class Earliest:
    """The earliest records after a position, within a count and a size, of any number of items in any order.

    Holds one answer's worth at most. What it holds is always everything offered before `_left_out`, the earliest
    record that had to give way: so a page has no gap, whatever the sizes.
    """

    def __init__(self, *, limit: int, after: tuple[str, str] | None) -> None:
        self._limit = limit
        self._after = after
        self._kept: list[tuple[tuple[str, str], int, dict[str, Any]]] = []
        self._bytes = 0
        self._left_out: tuple[str, str] | None = None

    def offer(self, item: Item) -> None:
        """Consider one item."""
        key = (item[cdr.OCCURRED_AT]["S"], item[cdr.SK]["S"])
        if (self._after and key <= self._after) or (self._left_out and key >= self._left_out):
            return
        record = record_of(item)
        size = size_of(record)
        insort(self._kept, (key, size, record))
        self._bytes += size
        while len(self._kept) > self._limit or (self._bytes > MAX_ANSWER_BYTES and len(self._kept) > 1):
            self._left_out, size, _ = self._kept.pop()
            self._bytes -= size

    @property
    def records(self) -> list[dict[str, Any]]:
        """What was kept, in time order."""
        return [record for _, _, record in self._kept]

    @property
    def next_after(self) -> tuple[str, str] | None:
        """Where the next page continues; None where nothing was left out."""
        return self._kept[-1][0] if self._left_out else None


def history(query: History, reader: Reader) -> tuple[list[dict[str, Any]], Cursor | None]:
    """All records of a sponsorship by time, then sort key, and where the page stopped.

    The partition's own order is that of its sort keys, which hold no time: every page reads all of it.
    """
    start = query.cursor.positions[0] if query.cursor else None
    earliest = Earliest(limit=query.limit, after=(start.occurred_at, start.sk) if start else None)
    pages = _items(
        reader,
        KeyConditionExpression=f"{cdr.PK} = :pk",
        ExpressionAttributeValues={":pk": {"S": cdr.partition_key(query.sponsorship_id)}},
    )
    for item in pages:
        earliest.offer(item)
    if earliest.next_after is None:
        return earliest.records, None
    occurred_at, sk = earliest.next_after
    return earliest.records, Cursor((Position(query.sponsorship_id, sk, occurred_at),))


def first(query: First, reader: Reader) -> dict[str, Any] | None:
    """The earliest of the first event stored and those that arrived later; of equal times, the one stored first."""
    low, high = cdr.first_range(query.type, query.subscriber_id)
    items = _items(
        reader,
        KeyConditionExpression=f"{cdr.PK} = :pk AND {cdr.SK} BETWEEN :low AND :high",
        ExpressionAttributeValues={
            ":pk": {"S": cdr.partition_key(query.sponsorship_id)},
            ":low": {"S": low},
            ":high": {"S": high},
        },
    )
    winner = min(items, key=lambda item: (item[cdr.OCCURRED_AT]["S"], item[cdr.SK]["S"]), default=None)
    return None if winner is None else record_of(winner)


def _items(reader: Reader, **query: Any) -> Iterator[Item]:
    start_key: Item | None = None
    while True:
        if not reader.has_time():
            raise QueryUnavailable(
                OUT_OF_TIME,
                "The sponsorship holds more than could be read in time: ask again, or read its sponsor by time.",
                retryable=True,
            )
        page = reader.page(start_key, ConsistentRead=True, **query)
        yield from page.items
        if page.next_key is None:
            return
        start_key = page.next_key
