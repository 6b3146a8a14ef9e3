"""The sort keys of messages: made from a message's own UUIDv7, so in the order of time; and ranges of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from switchboard.ids import milliseconds_of
from switchboard.schema.messages import message_sort_key

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TIME_CHARACTERS: Final = len("2026-11-21T00:08:12.345Z")
MILLISECOND: Final = timedelta(milliseconds=1)
_BELOW_DIGITS, _ABOVE_DIGITS = "/", ":"


def milliseconds(instant: datetime) -> int:
    """Whole milliseconds from 1970 to an aware instant."""
    return (instant - EPOCH) // MILLISECOND


def time_text(at: int) -> str:
    """`YYYY-MM-DDTHH:MM:SS.mmmZ` of milliseconds since 1970."""
    return (EPOCH + timedelta(milliseconds=at)).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def sort_key(message_uuid: str) -> str:
    """`sk` of the message. Raises `ValueError` for anything but a UUIDv7 in lower case."""
    return message_sort_key(time_text(milliseconds_of(message_uuid)), message_uuid)


def time_of(key: str) -> str:
    """The time in a message's `sk`, as text."""
    return key[:TIME_CHARACTERS]


def uuid_of(key: str) -> str:
    """The message that has this `sk`."""
    return key[TIME_CHARACTERS + 1 :]


def is_sort_key(text: str) -> bool:
    """Whether some message could have this `sk`."""
    try:
        return sort_key(uuid_of(text)) == text
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The sort keys from `low` to `high`, both inclusive, as DynamoDB's BETWEEN takes them.

    Bounds need not be keys: all keys have one width, so the text with its last character one higher, or one lower, is
    the first above a key, or the last below it, that could be one.
    """

    low: str = _BELOW_DIGITS
    high: str = _ABOVE_DIGITS

    @property
    def empty(self) -> bool:
        """Whether nothing lies in it; BETWEEN refuses such bounds."""
        return self.low > self.high

    def newer_than(self, key: str) -> KeyRange:
        """What lies above a sort key."""
        return KeyRange(max(self.low, _beside(key, 1)), self.high)

    def older_than(self, key: str) -> KeyRange:
        """What lies below a sort key."""
        return KeyRange(self.low, min(self.high, _beside(key, -1)))

    def since(self, instant: datetime) -> KeyRange:
        """Messages at or after an instant."""
        return KeyRange(max(self.low, _first_at(instant)), self.high)

    def until(self, instant: datetime) -> KeyRange:
        """Messages before an instant: a bare time sorts below all keys of its millisecond."""
        return KeyRange(self.low, min(self.high, _first_at(instant)))


def year_range(year: int) -> KeyRange:
    """The messages of a year of UTC."""
    return KeyRange(f"{year:04}-", f"{year:04}-{_ABOVE_DIGITS}")


def _beside(key: str, step: int) -> str:
    return key[:-1] + chr(ord(key[-1]) + step)


def _first_at(instant: datetime) -> str:
    # A message's time is cut to milliseconds, so one in the instant's own millisecond counts as before it.
    try:
        return time_text(milliseconds(instant + MILLISECOND - timedelta(microseconds=1)))
    except OverflowError:
        return _ABOVE_DIGITS
