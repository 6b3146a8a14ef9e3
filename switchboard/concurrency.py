"""A bounded number of calls at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Work = TypeVar("Work")
Done = TypeVar("Done")

IN_FLIGHT: Final = 8
"""Enough to hide the network behind the work of building requests; clients keep as many connections."""


def in_flight(call: Callable[[Work], Done], work: Sequence[Work]) -> list[Done]:
    """`call` of each piece of work, up to `IN_FLIGHT` at once, answers in the order of the work.

    The first exception is raised once all calls have ended, so that none outlives its invocation.
    """
    if len(work) <= 1:
        return [call(piece) for piece in work]
    with ThreadPoolExecutor(min(IN_FLIGHT, len(work))) as pool:
        return list(pool.map(call, work))
