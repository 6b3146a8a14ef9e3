"""The values of a JSON array, or one after the other, read block by block: a text of any length needs little memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterator

BLOCK_CHARACTERS: Final = 65_536
MAX_VALUE_CHARACTERS: Final = 1_048_576
"""A value that is longer is not waited for: the text is broken."""

_BLANK: Final = " \t\r\n"


class Unreadable(ValueError):  # noqa: N818 - it names the text's state
    """The text is not what it should be; the message says where, and never repeats it."""


def values(text: TextIO) -> Iterator[Any]:
    """Each value, as soon as it is read whole. Raises `Unreadable`, perhaps after some values."""
    reader = _Reader(text)
    if reader.next_character() == "[":
        yield from _items(reader)
        if reader.next_character():
            raise reader.unreadable("something follows the array")
        return
    while reader.next_character():
        yield reader.value()


def _items(reader: _Reader) -> Iterator[Any]:
    reader.skip()
    if reader.next_character() == "]":
        reader.skip()
        return
    while True:
        yield reader.value()
        separator = reader.next_character()
        if separator not in (",", "]"):
            raise reader.unreadable("a comma or the end of the array is missing")
        reader.skip()
        if separator == "]":
            return


class _Reader:
    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._decoder = json.JSONDecoder()
        self._read = 0
        self._buffer = ""
        self._at = 0

    def next_character(self) -> str:
        """The next that is not blank, not taken yet; nothing at the end."""
        while True:
            while self._at < len(self._buffer):
                if self._buffer[self._at] not in _BLANK:
                    return self._buffer[self._at]
                self._at += 1
            if not self._fill():
                return ""

    def skip(self) -> None:
        """Take one character."""
        self._at += 1

    def value(self) -> Any:
        """Take a value, reading on until it is whole."""
        self.next_character()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except (ValueError, RecursionError):
                too_long = len(self._buffer) - self._at > MAX_VALUE_CHARACTERS
                if too_long or not self._fill():
                    raise self.unreadable("there is no whole value") from None
            else:
                self._at = end
                self._read += 1
                return value

    def unreadable(self, why: str) -> Unreadable:
        """The error, and after how many values."""
        return Unreadable(f"{why} after row {self._read}" if self._read else f"{why} at its beginning")

    def _fill(self) -> bool:
        more = self._text.read(BLOCK_CHARACTERS)
        self._buffer, self._at = self._buffer[self._at :] + more, 0
        return bool(more)
