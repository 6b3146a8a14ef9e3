"""Work that an earlier run wrote down: items by their keys, list by list, and which of them still need something."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.engine import Page
from switchboard.backfill.errors import systemic
from switchboard.backfill.source import PAGE
from switchboard.dynamo.batch_get import batch_get

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.engine import Cursor
    from switchboard.backfill.job import Key, Table
    from switchboard.backfill.units import Units
    from switchboard.backfill.waiting import Waiting

_AFTER: Final = "after"
_OFFSET: Final = "offset"


@dataclass(frozen=True, slots=True)
class Listing:
    """One list of distinct keys; `last` is the name after which the next one stands."""

    last: str
    keys: tuple[Key, ...]


class Standing:
    """Strongly consistent reads of some items of a table, by their keys and one attribute."""

    def __init__(self, client: DynamoDBClient, table: Table, attribute: str, *, units: Units, waiting: Waiting) -> None:
        self._client = client
        self._table = table
        self._attribute = attribute
        self._units = units
        self._waiting = waiting

    def those(self, keys: Sequence[Key], wanted: Callable[[Mapping[str, Any]], bool]) -> tuple[Key, ...]:
        """The keys of the items that exist and are `wanted`, in order; each read is charged as one unit.

        Raises `Systemic`, `Unread` from a table that throttles, and what the client raises.
        """
        if not keys:
            return ()
        self._units.take(len(keys))
        self._units.spent(len(keys), taken=len(keys))
        with systemic():
            found = {
                self._table.key(item)
                for item in batch_get(
                    self._client,
                    self._table.name,
                    [self._table.attributes(key) for key in keys],
                    attributes=(*self._table.key_names, self._attribute),
                    budget=self._waiting.patience(),
                )
                if wanted(item)
            }
        return tuple(key for key in keys if key in found)


class ListedKeys:
    """`Pages` of the keys of lists: `lists` answers those after a name, in an order that stays the same.

    `left` says which of some keys still need something, and `size` before each page how many keys it has at most.
    """

    def __init__(
        self,
        lists: Callable[[str], Iterator[Listing]],
        *,
        left: Callable[[Sequence[Key]], tuple[Key, ...]],
        size: Callable[[], int] = lambda: PAGE,
    ) -> None:
        self._lists = lists
        self._left = left
        self._size = size

    def pages(self, cursor: Cursor | None, *, consistent: bool) -> Iterator[Page[Key]]:  # noqa: ARG002 - lists stand
        """The pages after `cursor`; the last one is empty. Raises what reading the lists raises."""
        return self._pages(cursor, self._size)

    def missing(self, cursor: Cursor | None) -> Iterator[Page[Key]]:
        """The same keys in pages as long as they may be, those alone as work that still need something."""
        for page in self._pages(cursor, lambda: PAGE):
            yield replace(page, work=self._left(page.work))

    def _pages(self, cursor: Cursor | None, size: Callable[[], int]) -> Iterator[Page[Key]]:
        after = cursor[_AFTER]["S"] if cursor else ""
        offset = int(cursor[_OFFSET]["N"]) if cursor else 0
        for listing in self._lists(after):
            while offset < len(listing.keys):
                work = listing.keys[offset : offset + size()]
                offset += len(work)
                ended = offset == len(listing.keys)
                yield Page(work, len(work), _cursor(listing.last, 0) if ended else _cursor(after, offset))
            after, offset = listing.last, 0
        yield Page((), 0, None)


def _cursor(after: str, offset: int) -> Cursor:
    return {_AFTER: {"S": after}, _OFFSET: {"N": str(offset)}}
