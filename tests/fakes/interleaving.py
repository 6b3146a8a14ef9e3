"""Programs over one table, in every order that their calls can take."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, TypeVar

from tests.fakes.turns import take_turns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.fakes.messages_table import MessagesTable

T = TypeVar("T")


class _Course(Random):
    """Chooses as told as far as that goes, then always the first; remembers what it chose and out of how many."""

    def __init__(self, told: Sequence[int]) -> None:
        super().__init__(0)
        self._told = list(told)
        self.chosen: list[int] = []
        self.offered: list[int] = []

    def choice(self, seq: Sequence[T]) -> T:  # type: ignore[override]  # only sequences are drawn from here
        """The next choice of the course."""
        position = len(self.chosen)
        self.chosen.append(self._told[position] if position < len(self._told) else 0)
        self.offered.append(len(seq))
        return seq[self.chosen[-1]]


def every_interleaving(
    scene: Callable[[], tuple[MessagesTable, Sequence[Callable[[], object]]]],
) -> Iterator[tuple[int, ...]]:
    """Run the programs of a fresh `scene` once in each order, and yield that order: of those still running, which.

    Depth first: each run follows the one before up to its last choice that had another alternative left.
    """
    told: list[int] | None = []
    while told is not None:
        table, programs = scene()
        course = _Course(told)
        take_turns(table, programs, course)
        yield tuple(course.chosen)
        told = _next(course)


def _next(course: _Course) -> list[int] | None:
    for position in reversed(range(len(course.chosen))):
        if course.chosen[position] + 1 < course.offered[position]:
            return [*course.chosen[:position], course.chosen[position] + 1]
    return None
