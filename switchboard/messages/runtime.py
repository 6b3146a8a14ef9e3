"""What every operation works with: the table, the time and the source of ids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from switchboard.messages.sort_keys import milliseconds

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from switchboard.messages.table import MessagesTable


@dataclass(frozen=True, slots=True)
class Runtime:
    """`clock` answers the present, with its zone; `new_uuid7` makes a UUIDv7 of a time in milliseconds since 1970."""

    table: MessagesTable
    clock: Callable[[], datetime]
    new_uuid7: Callable[[int], str]

    def now(self) -> int:
        """Milliseconds since 1970."""
        return milliseconds(self.clock())
