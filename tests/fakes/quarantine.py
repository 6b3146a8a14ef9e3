"""The quarantine in memory: one object per payload, as the bucket keeps one per digest of the payload."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from switchboard.dynamo.budget import Budget
    from switchboard.quarantine import Unprocessable


class KeptInMemory:
    """Keeps entries under the text of their payload. `fails` says of each attempt whether it fails."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[Unprocessable, datetime]] = {}
        self.fails: Callable[[], bool] = lambda: False

    def keep(self, entries: Sequence[Unprocessable], *, now: datetime, budget: Budget) -> list[bool]:
        return [not budget.spent() and self._keep(entry, now) for entry in entries]

    def _keep(self, entry: Unprocessable, now: datetime) -> bool:
        if self.fails():
            return False
        self.objects[json.dumps(entry.payload, sort_keys=True)] = entry, now
        return True
