"""The old CDR table that is imported: its keys, and what of it is kept in the CDR table without being a record."""

from __future__ import annotations

from typing import Final

TIMESTAMP: Final = "timestamp"
"""Partition key of the old table, a number: seconds, milliseconds, microseconds or nanoseconds since 1970."""
SPONSOR_ID: Final = "sponsor_id"
"""Sort key of the old table, a text."""

SOURCE: Final = "legacy"
"""The `source` of every imported record, unless the mapping names another."""
MAPPING_SCHEMA: Final = "switchboard.legacy-mapping/1"

KEPT_PREFIX: Final = "LEGACY#"
"""Partition of what one sponsor's old items could not become a record of: a partition that no query of CDRs reads."""
ITEM: Final = "item"
"""The whole old item as a map; as its canonical JSON text where it nests too deep to be put into a map."""
REASON: Final = "reason"
ERRORS: Final = "errors"

# --- why an item is kept as it is ------------------------------------------------------------------------------------
UNMAPPED: Final = "unmapped"
"""The mapping finds no type, no sponsorship or no time in it."""
TOO_OLD: Final = "too_old"
"""The stage keeps records for less long than this item's age."""
REASONS: Final = (UNMAPPED, "rejected", "conflict", "not_first", TOO_OLD)
"""Beside these two, the statuses of the CDR writer under which it stores nothing."""

LEFT_ALONE: Final = "left_alone"
"""The count of items at or after the cut-over, which stay in the old table only."""

# --- objects of the reports bucket, below those of the run ------------------------------------------------------------
PAGES_PREFIX: Final = "import/"
"""Where a run keeps what it counted on each page, below its own objects."""
DAYS_OBJECT: Final = f"{PAGES_PREFIX}days.json"
"""The items of both sides by sponsor and day."""


def record_id(timestamp: str, sponsor_id: str) -> str:
    """The `id` of the record of an old item, from its key alone."""
    return f"legacy:{timestamp}:{sponsor_id}"


def kept_key(sponsor_id: str) -> str:
    """`pk` of the old items of a sponsor that are kept as they are."""
    return f"{KEPT_PREFIX}{sponsor_id}"


def kept_beside_key(timestamp: str, item_hash: str) -> str:
    """`sk` of an old item whose timestamp is taken by another content: the old table's item was changed meanwhile."""
    return f"{timestamp}#{item_hash}"
