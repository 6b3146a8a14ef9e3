"""Capacity units per second, shared by everything that spends them."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_BURST_SECONDS: Final = 1.0
_CALM_SECONDS: Final = 1.0
_NAP_SECONDS: Final = 1.0
"""Who waits looks again so often: the rate may have changed."""
_GRAIN_SECONDS: Final = 1e-6
"""Less is not waited for: it stays owed, and clocks need not tell it."""
_CUT: Final = 0.5
_RAISE: Final = 0.05
_LEAST: Final = 1.0


class Units:
    """A token bucket of capacity units; safe to share by threads.

    It begins empty, so that workers which come and go do not bring a second's worth of units with them each time. The
    rate is cut where DynamoDB throttles, at most once a second, and grows again by a twentieth of its upper bound with
    every second without throttling. `clock` tells monotonic seconds.
    """

    def __init__(self, per_second: float, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._most = per_second
        self._rate = per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._balance = 0.0
        self._earned = 0.0
        self._refilled = self._calm_since = clock()
        self._cut_at = float("-inf")
        self._used = 0.0

    @property
    def rate(self) -> float:
        """Units per second at present."""
        return self._rate

    @property
    def used(self) -> float:
        """Units that requests cost so far."""
        return self._used

    def limit(self, per_second: float) -> None:
        """Change the upper bound of the rate, which stays above 0; it holds for those that wait, too.

        A rate that throttling cut is lowered in proportion, so that workers which share a throttled table and are
        joined by another do not ask for more than before; it is not raised, but grows towards the new bound.
        """
        with self._lock:
            self._refill()
            if per_second < self._most or self._rate >= self._most:
                self._rate *= per_second / self._most
            self._most = per_second
            self._balance = min(self._balance, self._rate * _BURST_SECONDS)

    def take(self, units: float) -> None:
        """Wait until these units may be spent. More than a second's worth is lent, and everybody after that waits."""
        with self._lock:
            self._refill()
            self._balance -= units
            due = self._earned - self._balance
        while (wait := self._until(due)) > _GRAIN_SECONDS:
            self._sleep(min(wait, _NAP_SECONDS))

    def spent(self, cost: float, *, taken: float, refused: float = 0.0) -> None:
        """Say what a request cost for which so many units were taken; `refused` ones cost nothing and stay taken.

        So a throttled table is not asked faster than one that serves everything.
        """
        with self._lock:
            self._balance -= cost + refused - taken
            self._used += cost

    def throttled(self, share: float = 1.0) -> None:
        """Go slower: DynamoDB refused this share of a request for its rate.

        The rate is halved where all of it was refused. Where it was a small part, the table serves nearly this rate, or
        a single partition does not: the other partitions need not wait for that one.
        """
        with self._lock:
            self._calm_since = self._clock()
            if self._calm_since - self._cut_at >= _CALM_SECONDS:
                self._refill()
                self._cut_at = self._calm_since
                self._rate = max(min(_LEAST, self._most), self._rate * (1 - _CUT * share))

    def _until(self, due: float) -> float:
        with self._lock:
            self._refill()
            return (due - self._earned) / self._rate

    def _refill(self) -> None:
        now = self._clock()
        earned = (now - self._refilled) * self._rate
        self._earned += earned
        self._balance = min(self._rate * _BURST_SECONDS, self._balance + earned)
        self._refilled = now
        calm = (now - self._calm_since) // _CALM_SECONDS
        if calm:
            self._rate = min(self._most, self._rate + calm * self._most * _RAISE)
            self._calm_since += calm * _CALM_SECONDS
