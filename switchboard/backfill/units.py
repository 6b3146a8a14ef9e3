"""Capacity units per second, shared by everything that spends them."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_BURST_SECONDS: Final = 1.0
_CALM_SECONDS: Final = 1.0
_CUT: Final = 0.5
_RAISE: Final = 0.05
_LEAST: Final = 1.0


class Units:
    """A token bucket of capacity units; safe to share by threads.

    The rate is halved where DynamoDB throttles, at most once a second, and grows again by a twentieth of `per_second`,
    its upper bound, with every second without throttling. `clock` tells monotonic seconds.
    """

    def __init__(self, per_second: float, *, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._most = per_second
        self._rate = per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = Lock()
        self._balance = per_second * _BURST_SECONDS
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

    def take(self, units: float) -> None:
        """Wait until these units may be spent. More than a second's worth is lent, and everybody after that waits."""
        with self._lock:
            self._refill()
            self._balance -= units
            wait = -self._balance / self._rate
        if wait > 0:
            self._sleep(wait)

    def spent(self, cost: float, *, taken: float, refused: float = 0.0) -> None:
        """Say what a request cost for which so many units were taken; `refused` ones cost nothing and stay taken.

        So a throttled table is not asked faster than one that serves everything.
        """
        with self._lock:
            self._balance -= cost + refused - taken
            self._used += cost

    def throttled(self) -> None:
        """Go slower: DynamoDB refused something for its rate."""
        with self._lock:
            self._calm_since = self._clock()
            if self._calm_since - self._cut_at >= _CALM_SECONDS:
                self._cut_at = self._calm_since
                self._rate = max(min(_LEAST, self._most), self._rate * _CUT)

    def _refill(self) -> None:
        now = self._clock()
        self._balance = min(self._rate * _BURST_SECONDS, self._balance + (now - self._refilled) * self._rate)
        self._refilled = now
        calm = (now - self._calm_since) // _CALM_SECONDS
        if calm:
            self._rate = min(self._most, self._rate + calm * self._most * _RAISE)
            self._calm_since += calm * _CALM_SECONDS
