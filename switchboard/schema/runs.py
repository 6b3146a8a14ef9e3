"""The runs table of the backfill: keys."""

from __future__ import annotations

from typing import Final

PK: Final = "pk"
SK: Final = "sk"
