"""Which changes of the CDR table are lawful: none, except a removal by TTL once the record's time is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from switchboard.schema import cdr
from switchboard.times import from_fixed

if TYPE_CHECKING:
    from collections.abc import Mapping

INSERT: Final = "INSERT"
MODIFY: Final = "MODIFY"
REMOVE: Final = "REMOVE"


@dataclass(frozen=True, slots=True)
class Change:
    """One change of an item: `by_ttl` where DynamoDB itself made it, `at` in epoch seconds, None where unknown."""

    kind: str
    by_ttl: bool
    at: float | None
    old_image: Mapping[str, Any]


def lawful(change: Change, *, retention: timedelta | None) -> bool:
    """Whether the table may change like this; `retention` is how long the stage keeps records, None for ever.

    A change that cannot be judged, such as the removal of an item without a readable `recorded_at`, is not lawful.
    """
    if change.kind == INSERT:
        return True
    if change.kind != REMOVE or not change.by_ttl or change.at is None or retention is None:
        return False
    try:
        recorded_at = from_fixed(change.old_image[cdr.RECORDED_AT]["S"])
        return datetime.fromtimestamp(change.at, UTC) >= recorded_at + retention
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        return False
