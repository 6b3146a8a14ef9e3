"""What a conversation in a text file means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from cli import conversations
from cli.errors import Code, Failure
from switchboard.ids import milliseconds_of

if TYPE_CHECKING:
    from switchboard.messages.history import PastMessage

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
STARTED = "@ 2026-01-01T00:00:00"
FILE = """# A file.
Mara: Hello: you!
Jon: Hello
Jon: Again

Mara:   Later

@ 2026-01-01T00:00:00+01:00
Jon: Much later
"""


def times(messages: list[PastMessage]) -> list[datetime]:
    return [datetime.fromtimestamp(milliseconds_of(message.message_uuid) / 1_000, UTC) for message in messages]


def test_lines_are_messages_of_two_speakers() -> None:
    talk = conversations.read(FILE, now=NOW)
    assert talk.speakers == ("Mara", "Jon")
    messages = talk.messages("m", "j")
    assert [(message.sender_uuid, message.text) for message in messages] == [
        ("m", "Hello: you!"),
        ("j", "Hello"),
        ("j", "Again"),
        ("m", "Later"),
        ("j", "Much later"),
    ]
    first, second, third, later, last = times(messages)
    assert first == conversations.START
    assert conversations.SHORTEST_PAUSE <= second - first < conversations.LONGEST_REPLY
    assert conversations.SHORTEST_PAUSE <= third - second < conversations.LONGEST_REPLY
    assert conversations.SHORTEST_BREAK <= later - third < conversations.LONGEST_BREAK
    assert last == datetime(2025, 12, 31, 23, tzinfo=UTC)


def test_the_same_file_always_means_the_same_messages() -> None:
    one, other = conversations.read(FILE, now=NOW), conversations.read(FILE.replace("\n", "\r\n"), now=NOW)
    assert one.messages("m", "j") == other.messages("m", "j")


def test_other_people_send_other_messages() -> None:
    talk = conversations.read(FILE, now=NOW)
    pairs = (("m", "j"), ("m", "x"), ("x", "j"), ("j", "m"))
    assert len({message.message_uuid for people in pairs for message in talk.messages(*people)}) == len(pairs) * 5


def test_the_conversation_that_comes_with_the_command_passes_the_turn_of_a_year() -> None:
    talk = conversations.read(conversations.EXAMPLE.read_text(), now=NOW)
    when = times(talk.messages("m", "j"))
    assert len(when) >= 100
    assert when == sorted(when)
    assert max(at for at in when if at.year == 2025) > datetime(2025, 12, 31, 23, 59, tzinfo=UTC)
    assert min(at for at in when if at.year == 2026) < datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=1)


def test_a_message_has_the_time_of_its_id() -> None:
    talk = conversations.read(f"{STARTED}.0019Z\nMara: a\n{STARTED}.0020Z\nJon: b", now=NOW)
    first, second = times(talk.messages("m", "j"))
    assert (first, second) == tuple(line.at for line in talk.lines)
    assert second - first == timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "it has not two speakers"),
        ("Mara: alone", "it has not two speakers"),
        ("Mara: a\nJon: b\nEve: secret", "line 3 has a third speaker"),
        ("Mara: a\nsecret", "line 2 does not say who speaks"),
        ("Mara: a\nJon:", "line 2: message must be text of 1 to 1,024 characters"),
        ("Mara: a\nJon: secret\0", "line 2: message must be"),
        ("Mara: a\nJon: " + "x" * 1_025, "line 2: message must be"),
        ("Mara: a\nJ\x07n: secret", "line 2: display_name must be"),
        ("@ yesterday\nMara: a", "line 1 holds no time"),
        ("@ 2026-01-01T00:00:00\nMara: a", "line 1 holds no time"),
        ("Mara: a\n@ 2020-01-01T00:00:00Z\nJon: secret", "line 3 is not a millisecond later than the one before it"),
        (f"{STARTED}.0001Z\nMara: a\n{STARTED}.0009Z\nJon: secret", "line 4 is not a millisecond later"),
        ("@ 1969-12-31T23:59:59.999Z\nMara: a\nJon: secret", "line 1 holds a time before 1970"),
        ("@ 0001-01-01T00:00:00Z\nMara: a\nJon: secret", "line 1 holds a time before 1970"),
        ("@ 2026-11-21T12:00:00.001Z\nMara: a\nJon: secret", "line 2 is later than now"),
        ("@ 2026-11-21T12:00:00Z\nMara: a\nJon: secret", "line 3 is later than now"),
        ("@ 9999-12-31T23:59:59Z\nMara: a\nJon: secret", "line 2 is later than now"),
    ],
)
def test_a_file_that_is_no_conversation_is_refused_by_line(text: str, why: str) -> None:
    with pytest.raises(Failure) as refused:
        conversations.read(text, now=NOW)
    assert refused.value.code is Code.REFUSED
    assert why in refused.value.message
    assert "secret" not in refused.value.message
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("given", "speaker", "made"),
    [(None, "Mara", "mara"), ("MO.1", "Mara", "mo.1"), (None, "José Luis", "josluis")],
)
def test_a_handle_is_given_or_made_from_the_name(given: str | None, speaker: str, made: str) -> None:
    assert conversations.handle(given, speaker) == made


@pytest.mark.parametrize(
    ("given", "speaker"), [(None, "Jo"), (None, "Ωμέγα"), ("no handle", "Mara"), ("x" * 31, "Mara")]
)
def test_what_cannot_be_a_handle_is_wrong_usage(given: str | None, speaker: str) -> None:
    with pytest.raises(Failure) as refused:
        conversations.handle(given, speaker)
    assert refused.value.code is Code.USAGE
