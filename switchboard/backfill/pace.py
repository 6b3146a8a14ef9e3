"""How many items a worker takes at once, and until when it may: a page is settled before its invocation ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from switchboard.backfill.source import PAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from switchboard.backfill.units import Units
    from switchboard.backfill.waiting import Waiting

PAGE_SECONDS: Final = 20.0
"""How long a page should take: whoever pauses a run or changes its rate waits for one."""
_FIRST_SECONDS: Final = 1.0
_GROWTH: Final = 4.0
_TOLERANCE: Final = 2.0
"""Pages of one size differ in what is to be done: one is read again only where it would take twice its time."""
_LEAST_UNITS: Final = 1.0
"""What an update costs at least, and so what one is taken for before any was made."""


class OutOfTime(Exception):  # noqa: N818 - it names the worker's state
    """The invocation would end before what is being waited for."""


class PageSize:
    """How many items a worker takes on at once, so that a page is settled in `PAGE_SECONDS` or about twice that.

    Two things bound a page: the items it examines, from how long the last page took, and the work among them, from
    what the worker's budget pays for at present and what an item cost on the last page. So pages in which nothing is to
    be done grow to what DynamoDB answers at once however small the budget is, and what they find is still not more than
    can be settled. The first page is a second's worth, so that workers which begin together soon know of each other.
    One that was begun `attempts` times before without an end is made smaller each time.
    """

    def __init__(self, writes: Units, *, attempts: int, clock: Callable[[], float]) -> None:
        self._writes = writes
        self._clock = clock
        self._size = _bounded(writes.rate * _FIRST_SECONDS / 2**attempts)
        self._began: float | None = None
        self._used = writes.used
        self._found = 0
        self._per_item = _LEAST_UNITS

    def __call__(self) -> int:
        """How many items the page that begins now examines at most."""
        now, used = self._clock(), self._writes.used
        if self._began is not None:
            took = now - self._began
            factor = _GROWTH if took * _GROWTH < PAGE_SECONDS else PAGE_SECONDS / took
            self._size = _bounded(self._size * factor)
        if self._found:
            self._per_item = max(_LEAST_UNITS, (used - self._used) / self._found)
        self._began, self._used, self._found = now, used, 0
        return self._size

    @property
    def work(self) -> int:
        """How many items a page may settle, as far as anybody knows."""
        return _bounded(self._writes.rate * PAGE_SECONDS / self._per_item)

    def of_work(self) -> int:
        """How many items the page that begins now has at most, where all of them are to be settled."""
        self._size = self._found = min(self(), self.work)
        return self._size

    def fits(self, *, examined: int, found: int) -> bool:
        """Whether a page of so many items, `found` of which are to be settled, is none too many.

        Where it is too many the page is not begun: the next answer is smaller, for the same place again.
        """
        if found <= _TOLERANCE * self.work:
            self._found = found
            return True
        self._size, self._began = _bounded(examined * self.work / found), None
        return False


def _bounded(size: float) -> int:
    return int(max(1, min(PAGE, size)))


def until(deadline: float, waiting: Waiting) -> Waiting:
    """The same waiting, which raises `OutOfTime` rather than to sleep beyond `deadline` of its clock."""

    def sleep(seconds: float) -> None:
        if waiting.clock() + seconds > deadline:
            raise OutOfTime
        waiting.sleep(seconds)

    return replace(waiting, sleep=sleep)
