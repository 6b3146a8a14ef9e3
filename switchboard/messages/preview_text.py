"""The preview of a message: as much of its beginning as fits, cut where a reader sees the end of a character."""

from __future__ import annotations

from typing import Final
from unicodedata import category

from switchboard.schema.messages import MAX_PREVIEW_BYTES

ZERO_WIDTH_JOINER: Final = "\u200d"
ZERO_WIDTH_NON_JOINER: Final = "\u200c"
_MARKS: Final = frozenset({"Mn", "Me", "Mc"})
_FIRST_SKIN_TONE, _LAST_SKIN_TONE = "\U0001f3fb", "\U0001f3ff"
_FIRST_TAG, _LAST_TAG = "\U000e0020", "\U000e007f"
_FIRST_REGIONAL, _LAST_REGIONAL = "\U0001f1e6", "\U0001f1ff"
_FIRST_VOWEL_JAMO, _LAST_TRAILING_JAMO = "\u1160", "\u11ff"
_UTF8_CONTINUATION: Final = 0b1000_0000
_UTF8_CONTINUATION_MASK: Final = 0b1100_0000


def preview(text: str, max_bytes: int = MAX_PREVIEW_BYTES) -> str:
    """The longest beginning of `text` of at most `max_bytes` in UTF-8 that splits no character a reader sees.

    A letter keeps its combining marks, a joined emoji its parts, a flag its two letters (the rules of Unicode's annex
    29 that concern them). Where the very first such character is too long, the cut falls between code points.
    """
    encoded = text.encode()
    if len(encoded) <= max_bytes:
        return text
    end = max_bytes
    while encoded[end] & _UTF8_CONTINUATION_MASK == _UTF8_CONTINUATION:
        end -= 1
    fits = len(encoded[:end].decode())
    cut = fits
    while cut and _joined(text, cut):
        cut -= 1
    return text[: cut or fits]


def _joined(text: str, position: int) -> bool:
    """Whether the code point at `position` belongs to the visible character before it."""
    before, here = text[position - 1], text[position]
    if category(here) in _MARKS or here in {ZERO_WIDTH_JOINER, ZERO_WIDTH_NON_JOINER} or before == ZERO_WIDTH_JOINER:
        return True
    if _FIRST_SKIN_TONE <= here <= _LAST_SKIN_TONE or _FIRST_TAG <= here <= _LAST_TAG:
        return True
    if _FIRST_VOWEL_JAMO <= here <= _LAST_TRAILING_JAMO or (before, here) == ("\r", "\n"):
        return True
    return _regional(here) and _regionals_before(text, position) % 2 == 1


def _regional(character: str) -> bool:
    return _FIRST_REGIONAL <= character <= _LAST_REGIONAL


def _regionals_before(text: str, position: int) -> int:
    start = position
    while start and _regional(text[start - 1]):
        start -= 1
    return position - start
