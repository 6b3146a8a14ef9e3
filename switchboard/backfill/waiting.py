"""How a run waits: its clock, its sleep and its patience."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from switchboard.dynamo.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Callable

PATIENCE_SECONDS: Final = 300.0
"""How long items are tried while none of them gets through: a partition that throttles longer needs a person, and a
worker that waited longer would outlive its invocation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """`clock` tells monotonic seconds, `sleep` takes seconds, `jitter` draws from [0, 1)."""

    clock: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]

    def patience(self) -> Budget:
        """The time of one request's items, from now."""
        now = self.clock()
        return self.patience_since(lambda: now)

    def patience_since(self, progress: Callable[[], float]) -> Budget:
        """The time of items of which some got through last at `progress`, as `clock` tells it."""
        return Budget(
            remaining_seconds=lambda: progress() + PATIENCE_SECONDS - self.clock(),
            sleep=self.sleep,
            jitter=self.jitter,
            reserve_seconds=0.0,
        )
