from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.messages.preview_text import preview
from switchboard.schema.messages import MAX_PREVIEW_BYTES

FAMILY = "👨\u200d👩\u200d👧"
FLAG = "🇨🇭"
WAVE = "👋🏽"
ACCENTED = "e\u0301"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
SYLLABLE = "\u1112\u1161\u11ab"
LINE_END = "\r\n"


def test_a_text_that_fits_is_its_own_preview() -> None:
    text = "ü" * (MAX_PREVIEW_BYTES // 2)

    assert preview(text) == text


@pytest.mark.parametrize("character", ["a", "ü", "€", "😀", FAMILY, FLAG, WAVE, ACCENTED, ENGLAND, SYLLABLE, LINE_END])
@pytest.mark.parametrize("offset", range(4))
def test_a_cut_never_splits_what_a_reader_sees_as_one_character(character: str, offset: int) -> None:
    shown = preview("a" * offset + character * MAX_PREVIEW_BYTES)

    size = len(character.encode())
    assert shown == "a" * offset + character * ((MAX_PREVIEW_BYTES - offset) // size)


def test_right_to_left_text_loses_its_end_and_keeps_its_order() -> None:
    text = "שלום עולם " * 40

    assert text.startswith(preview(text))


def test_one_endless_character_is_cut_between_code_points() -> None:
    shown = preview("a" + "\u0301" * MAX_PREVIEW_BYTES)

    assert shown == "a" + "\u0301" * ((MAX_PREVIEW_BYTES - 1) // 2)


@given(st.text(min_size=1, max_size=300), st.integers(min_value=4, max_value=MAX_PREVIEW_BYTES))
def test_a_preview_is_a_beginning_that_fits_and_is_never_empty(text: str, size: int) -> None:
    shown = preview(text, size)

    assert shown
    assert text.startswith(shown)
    assert len(shown.encode()) <= size
