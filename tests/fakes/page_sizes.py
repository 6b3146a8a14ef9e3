"""Pages of one size."""

from __future__ import annotations

from switchboard.backfill.pace import PageSize
from switchboard.backfill.units import Units
from tests.fakes.backfill_table import Clock


class PagesOf(PageSize):
    """Pages of so many items, whatever is among them and however long they take."""

    def __init__(self, items: int) -> None:
        clock = Clock()
        super().__init__(Units(1e9, clock=clock, sleep=clock.sleep), attempts=0, clock=clock)
        self._items = items

    def __call__(self) -> int:
        return self._items

    def of_work(self) -> int:
        return self._items
