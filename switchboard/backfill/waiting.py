"""How a run waits: its clock, its sleep and its patience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from switchboard.dynamo.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS: Final = 900.0
"""How long one request's items are tried: a table that throttles longer than this needs a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """`clock` tells monotonic seconds, `sleep` takes seconds, `jitter` draws from [0, 1)."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]

    def patience(self) -> Budget:
        """The time of one request's items, from now."""
        end = self.clock() + PATIENCE_SECONDS
        return Budget(
            remaining_seconds=lambda: end - self.clock(), sleep=self.sleep, jitter=self.jitter, reserve_seconds=0.0
        )
