"""How much a stage is used, for an estimate of what it costs: one number is given, the rest is said here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

EVENTS: Final = 1_000_000
"""CDRs per month, and as many messages, unless a person gives another number."""


@dataclass(frozen=True, slots=True)
class Load:
    """What happens in a month: `events` CDRs and as many messages. Everything else follows from it."""

    events: int = EVENTS
    cdrs_per_call: int = 10
    cdrs_per_query: int = 100
    """Stored for each one that is read later."""
    queued_share: float = 0.1
    """CDRs that arrive through the queue."""
    cdr_kb: float = 0.7
    message_kb: float = 0.5
    members: int = 2
    """Of a group; each has a row that follows its newest message."""
    reads_per_message: int = 1
    """How often each message is read: its reader asks for the list of groups and for the newest page."""
    call_seconds: float = 0.1
    log_kb_per_call: float = 1.0
    traced_share: float = 0.05
    """What X-Ray records beyond the first request of a second."""
    months_kept: int = 12

    @property
    def assumptions(self) -> tuple[str, ...]:
        """What the estimate takes for granted, in sentences."""
        return (
            f"{self.events:,} CDRs and {self.events:,} messages arrive in a month, spread evenly.",
            f"A call brings {self.cdrs_per_call} CDRs, and {self.queued_share:.0%} of them take the queue. "
            f"One question is asked for every {self.cdrs_per_query} CDRs.",
            f"A CDR takes {self.cdr_kb} KB and a message {self.message_kb} KB; a group has {self.members} members, "
            "and no two messages are followed at once. Each message is read "
            f"{'once' if self.reads_per_message == 1 else f'{self.reads_per_message} times'}: "
            "its reader asks for the list of groups and for the newest page.",
            f"A call takes {self.call_seconds * 1_000:.0f} ms, logs {self.log_kb_per_call:.0f} KB, and X-Ray records "
            f"{self.traced_share:.0%} of the calls.",
            f"Storage is that of {self.months_kept} months of this load.",
            "No free tier, no discount, no backfill, and nothing goes wrong.",
        )
