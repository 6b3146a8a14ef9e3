"""How long a call may go on trying, and how it waits in between."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_SHORTEST_SECONDS: Final = 0.05
_LONGEST_SECONDS: Final = 2.0
_MAX_DOUBLINGS: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The time of one invocation.

    `remaining_seconds` counts down to its end, `sleep` takes seconds, and `jitter` draws from [0, 1).
    `reserve_seconds` are kept for what follows: more than one attempt of a client may take, so that a request begun in
    time also ends in time.
    """

    remaining_seconds: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]
    reserve_seconds: float = 3.0

    def spent(self) -> bool:
        """Whether no further request may be sent."""
        return self.remaining_seconds() <= self.reserve_seconds

    def leaving(self, seconds: float) -> Budget:
        """The same time, of which at least `seconds` are kept for what follows."""
        return replace(self, reserve_seconds=max(self.reserve_seconds, seconds))

    def pause(self, attempt: int) -> None:
        """Wait before trying again for the `attempt`-th time (from 0), with full jitter and never beyond the budget.

        Source of the formula: AWS Architecture Blog, "Exponential backoff and jitter".
        """
        longest = min(_LONGEST_SECONDS, _SHORTEST_SECONDS * 2 ** min(attempt, _MAX_DOUBLINGS))
        left = self.remaining_seconds() - self.reserve_seconds
        self.sleep(max(0.0, min(longest * self.jitter(), left)))
