"""A conversation in a text file: who says what, and when that was."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from cli.errors import Code, Failure
from local_cloud.paths import ROOT
from switchboard.ids import compose_uuid7
from switchboard.messages.errors import Refused
from switchboard.messages.history import PastMessage
from switchboard.messages.requests import checked
from switchboard.messages.sort_keys import EPOCH, MILLISECOND, milliseconds
from switchboard.schema import messages as schema
from switchboard.times import parse_rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLE: Final[Path] = ROOT / "docs" / "examples" / "conversation.txt"
START: Final = datetime(2025, 12, 29, 17, 4, tzinfo=UTC)
"""When a conversation begins that does not say so: fixed, so that a file always means the same messages."""
SHORTEST_PAUSE: Final = timedelta(seconds=20)
LONGEST_REPLY: Final = timedelta(minutes=3)
SHORTEST_BREAK: Final = timedelta(hours=3)
LONGEST_BREAK: Final = timedelta(hours=11)

_LINE: Final = re.compile(r"([^:]{1,64}):[ \t]*(.*)")
_TAIL_MASK: Final = (1 << 74) - 1
"""The bits of a UUIDv7 beside its time."""
_SPEAKERS: Final = 2
_TIME: Final = "@"
_FORM: Final = (
    "Write lines like `Mara: Good morning`, of two speakers; a line like `@ 2026-01-01T08:00:00Z` sets the time."
)


@dataclass(frozen=True, slots=True)
class Line:
    """One message: who speaks (0 or 1), what, and when."""

    speaker: int
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation: its two speakers, the first one first, and its lines, oldest first."""

    speakers: tuple[str, str]
    lines: tuple[Line, ...]

    def messages(self, first: str, other: str) -> list[PastMessage]:
        """The messages of two people, with ids that follow from them and the content alone."""
        people = (first, other)
        return [
            PastMessage(
                compose_uuid7(milliseconds(line.at), _drawn(*people, number, line.text) & _TAIL_MASK),
                people[line.speaker],
                line.text,
            )
            for number, line in enumerate(self.lines)
        ]


def read(text: str, *, now: datetime) -> Talk:
    """Read a file. Raises `Failure` (refused), naming the line and not repeating it.

    Times are whole milliseconds, as the ids of messages are, from 1970 to `now`: a message from the future would stand
    above everything that is written until then.
    """
    speakers: list[str] = []
    lines: list[Line] = []
    at, after_break = None, False
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            after_break = True
        elif line.startswith(_TIME):
            at = _time(line.removeprefix(_TIME).strip(), number)
        elif not line.startswith("#"):
            speaker, words = _said(line.strip(), number)
            if speaker not in speakers:
                speakers.append(speaker)
            if len(speakers) > _SPEAKERS:
                raise unreadable(f"line {number} has a third speaker")
            at = at or (lines[-1].at + _pause(number, words, after_break=after_break) if lines else START)
            if lines and at <= lines[-1].at:
                raise unreadable(f"line {number} is not a millisecond later than the one before it")
            if at > now:
                raise unreadable(f"line {number} is later than now")
            lines.append(Line(speakers.index(speaker), words, at))
            at, after_break = None, False
    if len(speakers) < _SPEAKERS:
        raise unreadable("it has not two speakers")
    return Talk((speakers[0], speakers[1]), tuple(lines))


def handle(given: str | None, speaker: str) -> str:
    """The handle given, or one from a speaker's name. Raises `Failure` where neither can be one."""
    made = (given or re.sub(r"[^a-z0-9_.-]", "", speaker.lower())).lower()
    if not re.fullmatch(schema.HANDLE_PATTERN, made):
        raise Failure(
            Code.USAGE,
            "That cannot be a handle: 3 to 30 characters of a-z, 0-9 and _ . -",
            remedy="Give the handles of both speakers: --as and --other.",
        )
    return made


def unreadable(why: str) -> Failure:
    """The end of a command whose file is no conversation."""
    return Failure(Code.REFUSED, f"The file cannot be read as a conversation: {why}.", remedy=_FORM)


def _time(text: str, number: int) -> datetime:
    try:
        at = parse_rfc3339(text)
    except ValueError:
        raise unreadable(f"line {number} holds no time like 2026-01-01T08:00:00Z") from None
    if at < EPOCH:
        raise unreadable(f"line {number} holds a time before 1970")
    return EPOCH + milliseconds(at) * MILLISECOND


def _said(line: str, number: int) -> tuple[str, str]:
    said = _LINE.fullmatch(line)
    if said is None:
        raise unreadable(f"line {number} does not say who speaks")
    speaker, words = said[1].strip(), said[2]
    for error in _errors(speaker, words):
        raise unreadable(f"line {number}: {error}")
    return speaker, words


def _errors(speaker: str, words: str) -> Iterator[str]:
    """What the contract of the messages function finds wrong with a name and a message."""
    nobody = "00000000-0000-4000-8000-000000000000"
    for request in (
        {"operation": "create_message", "user_uuid": nobody, "group_uuid": nobody, "message": words},
        {"operation": "put_user", "user_uuid": nobody, "handle": "speaker", "display_name": speaker},
    ):
        try:
            checked(request)
        except Refused as refused:
            yield from (f"{field.path.lstrip('/')} {field.message}" for field in refused.fields)


def _drawn(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode()).digest())


def _pause(number: int, text: str, *, after_break: bool) -> timedelta:
    shortest, longest = (SHORTEST_BREAK, LONGEST_BREAK) if after_break else (SHORTEST_PAUSE, LONGEST_REPLY)
    return shortest + _drawn(number, text) % ((longest - shortest) // MILLISECOND) * MILLISECOND
