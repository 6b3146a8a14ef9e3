"""Backfill runs: keys of their table, and what a report calls things."""

from __future__ import annotations

from typing import Final

PK: Final = "pk"
SK: Final = "sk"

# --- status of a run -------------------------------------------------------------------------------------------------
SUCCEEDED: Final = "succeeded"
"""No item is missing the attribute, by a strongly consistent count."""
INCOMPLETE: Final = "incomplete"
"""Every item that was found was settled, but writers keep adding items without the attribute."""
FAILED: Final = "failed"
"""An item could not be settled, or the counters do not add up."""

# --- why a run is refused or stops -----------------------------------------------------------------------------------
INVALID_INPUT: Final = "InvalidInput"
NOT_A_TARGET: Final = "NotATarget"
RECOVERY_OFF: Final = "RecoveryOff"
