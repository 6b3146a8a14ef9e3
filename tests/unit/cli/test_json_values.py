from __future__ import annotations

import io
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli import json_values
from cli.json_values import Unreadable, values

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
OBJECTS = st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), max_size=6)


def read(text: str, *, block: int = 65_536) -> list[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_values, "BLOCK_CHARACTERS", block)
        return list(values(io.StringIO(text)))


@given(OBJECTS, st.integers(1, 9), st.sampled_from((None, 0, 2)), st.booleans())
def test_an_array_is_read_however_it_is_cut_and_indented(
    objects: list[Any], block: int, indent: int | None, escaped: bool
) -> None:
    text = json.dumps(objects, indent=indent, ensure_ascii=escaped)
    assert read(f" {text}\n", block=block) == objects


@given(OBJECTS, st.integers(1, 9), st.sampled_from(("\n", "\r\n\r\n", " ", "")))
def test_so_are_objects_one_after_the_other(objects: list[Any], block: int, between: str) -> None:
    assert read(between.join(map(json.dumps, objects)), block=block) == objects


@pytest.mark.parametrize(
    ("text", "whole", "where"),
    [
        ('[{"a": 1}, {"a": secret}]', 1, "no whole value after row 1"),
        ('[{"a": 1}', 1, "end of the array is missing after row 1"),
        ('[{"a": 1} {"b": 2}]', 1, "comma"),
        ('[{"a": 1},]', 1, "no whole value"),
        ("[", 0, "no whole value at its beginning"),
        ('[{"a": 1}] secret', 1, "something follows the array"),
        ('{"a": 1}\n{"a": secret', 1, "after row 1"),
        ("{" + '"a":{' * 100_000, 0, "at its beginning"),
        ('[{"a": ' + "9" * 5_000 + "}]", 0, "at its beginning"),
    ],
)
def test_what_is_broken_is_told_by_its_place_and_not_repeated(text: str, whole: int, where: str) -> None:
    found: list[Any] = []
    with pytest.raises(Unreadable) as error:
        found.extend(values(io.StringIO(text)))
    assert len(found) == whole
    assert where in str(error.value)
    assert "secret" not in str(error.value)


def test_a_value_without_an_end_is_not_waited_for() -> None:
    text = io.StringIO('[{"a": "' + "x" * 3_000_000)
    with pytest.raises(Unreadable):
        list(values(text))
    assert text.tell() < 1_200_000


def test_a_long_text_is_read_a_block_at_a_time() -> None:
    text = io.StringIO("[" + ",".join(json.dumps({"n": number, "pad": "x" * 50}) for number in range(20_000)) + "]")
    reader = values(text)
    assert next(reader)["n"] == 0
    assert text.tell() == json_values.BLOCK_CHARACTERS
    tracemalloc.start()
    try:
        assert sum(1 for _ in reader) == 19_999
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 6 * json_values.BLOCK_CHARACTERS
