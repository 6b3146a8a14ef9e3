"""UUIDv7: ids that carry their time and sort by it (RFC 9562, section 5.7), and ids derived from others."""

from __future__ import annotations

import hashlib
import re
from threading import Lock
from typing import TYPE_CHECKING, Final
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable

UUID_PATTERN: Final = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
UUID7_PATTERN: Final = r"^[0-9a-d][0-9a-f]{7}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
"""A UUIDv7 in lower case. A first digit above `d` names a time after the year 9774, beyond what a date can hold."""

_UUID: Final = re.compile(UUID_PATTERN)
_UUID7: Final = re.compile(UUID7_PATTERN)
_TIME_SHIFT: Final = 80
_RANDOM_BITS: Final = 74
_LOW_BITS: Final = 62
_MAX_STEP_BITS: Final = 32
_MAX_CLOCK_SETBACK_MS: Final = 1_000


def is_uuid(text: str) -> bool:
    """Whether this is a UUID in lower case, of any version."""
    return _UUID.fullmatch(text) is not None


def compose_uuid7(milliseconds: int, tail: int) -> str:
    """The UUIDv7 of a time (since 1970, in milliseconds) and its 74 other bits."""
    high, low = tail >> _LOW_BITS, tail & ((1 << _LOW_BITS) - 1)
    return str(UUID(int=milliseconds << _TIME_SHIFT | 7 << 76 | high << 64 | 2 << _LOW_BITS | low))


def milliseconds_of(uuid7: str) -> int:
    """The time in a UUIDv7, in milliseconds since 1970. Raises `ValueError` for anything but `UUID7_PATTERN`."""
    if not _UUID7.fullmatch(uuid7):
        raise ValueError("expected a UUIDv7 in lower case, such as 0193a5c0-7e1b-7c3a-9f20-5b1d6e2a4c88")
    return UUID(uuid7).int >> _TIME_SHIFT


def derived_uuid(*parts: str) -> str:
    """A UUID (version 8, from SHA-256) that the same parts always give, and others never."""
    hashed = hashlib.sha256("\0".join(parts).encode()).digest()
    value = int.from_bytes(hashed[:16]) & ~(0xF << 76) & ~(0x3 << _LOW_BITS)
    return str(UUID(int=value | 8 << 76 | 2 << _LOW_BITS))


class Uuid7Source:
    """UUIDv7s that rise within one process, several in a millisecond included (RFC 9562, section 6.2, method 2).

    `random_bits(n)` answers an integer of n random bits, such as `secrets.randbits`. Safe to share between threads.
    """

    def __init__(self, random_bits: Callable[[int], int]) -> None:
        self._random_bits = random_bits
        self._lock = Lock()
        self._milliseconds = -1
        self._tail = 0

    def __call__(self, milliseconds: int) -> str:
        """The next id at this time. A clock set back by up to a second is waited out at the last time given."""
        with self._lock:
            if 0 <= self._milliseconds - milliseconds <= _MAX_CLOCK_SETBACK_MS:
                self._tail += 1 + self._random_bits(_MAX_STEP_BITS)
                if self._tail >> _RANDOM_BITS:
                    self._milliseconds, self._tail = self._milliseconds + 1, self._random_bits(_RANDOM_BITS)
            else:
                self._milliseconds, self._tail = milliseconds, self._random_bits(_RANDOM_BITS)
            return compose_uuid7(self._milliseconds, self._tail)
