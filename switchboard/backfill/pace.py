"""How many items a worker takes at once, and until when it may: a page is settled before its invocation ends."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from switchboard.backfill.source import PAGE

if TYPE_CHECKING:
    from collections.abc import Callable

    from switchboard.backfill.waiting import Waiting

PAGE_SECONDS: Final = 20.0
"""How long a page should take: whoever pauses a run or changes its rate waits for one."""
_FIRST_SECONDS: Final = 1.0
_GROWTH: Final = 4.0


class OutOfTime(Exception):  # noqa: N818 - it names the worker's state
    """The invocation would end before what is being waited for."""


class PageSize:
    """The number of items of the next page, from how long the last one took.

    The first page is a second's worth, so that workers which begin together soon know of each other. One that was begun
    `attempts` times before without an end is made smaller each time.
    """

    def __init__(self, units_per_second: float, *, attempts: int, clock: Callable[[], float]) -> None:
        self._size = _bounded(units_per_second * _FIRST_SECONDS / 2**attempts)
        self._clock = clock
        self._began: float | None = None

    def __call__(self) -> int:
        """The size of the page that begins now."""
        now = self._clock()
        if self._began is not None:
            took = now - self._began
            factor = _GROWTH if took * _GROWTH < PAGE_SECONDS else PAGE_SECONDS / took
            self._size = _bounded(self._size * factor)
        self._began = now
        return self._size


def _bounded(size: float) -> int:
    return int(max(1, min(PAGE, size)))


def until(deadline: float, waiting: Waiting) -> Waiting:
    """The same waiting, which raises `OutOfTime` rather than to sleep beyond `deadline` of its clock."""

    def sleep(seconds: float) -> None:
        if waiting.clock() + seconds > deadline:
            raise OutOfTime
        waiting.sleep(seconds)

    return replace(waiting, sleep=sleep)
