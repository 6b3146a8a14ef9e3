"""Values as DynamoDB stores them."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.dynamo.values import (
    UnstorableValue,
    from_attribute,
    from_item,
    item_size,
    number_text,
    to_attribute,
    unstorable,
)

NUMBERS = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.floats(1e-130, 9e125),
    st.floats(-9e125, -1e-130),
    st.decimals(Decimal("-1E20"), Decimal("1E20"), places=10),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, st.text(st.characters(codec="utf-8"))),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.text(st.characters(codec="utf-8"), min_size=1), inner, max_size=4),
    ),
    max_leaves=20,
)


@given(JSON)
def test_every_json_value_comes_back_as_it_was(value: Any) -> None:
    stored = to_attribute(value)
    assert to_attribute(from_attribute(stored)) == stored
    assert list(unstorable(value)) == []


@given(
    st.one_of(st.floats(-1e15, 1e15).filter(lambda x: abs(x) > 1e-130), st.integers(-(10**30), 10**30), st.text("aü😀"))
)
def test_a_value_comes_back_equal(value: float | str) -> None:
    assert from_attribute(to_attribute(value)) == value


@given(NUMBERS)
def test_a_number_has_one_text_and_it_is_exact(value: float | Decimal) -> None:
    text = number_text(value)
    assert Decimal(text) == Decimal(repr(value) if isinstance(value, float) else value)
    assert "E" not in text.upper()
    assert number_text(Decimal(text)) == text
    if Decimal(text) == int(Decimal(text)):
        assert number_text(int(Decimal(text))) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (0, "0"),
        (1e22, "1" + "0" * 22),
        (10**22, "1" + "0" * 22),
        (0.1, "0.1"),
        (1e-7, "0.0000001"),
        (-2.50, "-2.5"),
        (Decimal("1.10"), "1.1"),
        (Decimal("100"), "100"),
        (123456789012345678, "123456789012345678"),
    ],
)
def test_numbers_are_written_plainly(value: float | Decimal, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, Decimal("NaN"), 10**38 + 1, 1e126, 1e-131, Decimal("1E126")]
)
def test_a_number_out_of_range_is_refused_by_code(value: float | Decimal) -> None:
    with pytest.raises(UnstorableValue) as refused:
        number_text(value)
    assert refused.value.code == "number"


def test_every_type_of_attribute_is_read() -> None:
    item: dict[str, Any] = {
        "s": {"S": "x"},
        "n": {"N": "1.5"},
        "exact": {"N": "1.2345678901234567890123"},
        "whole": {"N": "12345678901234567890"},
        "yes": {"BOOL": True},
        "null": {"NULL": True},
        "b": {"B": b"x"},
        "ss": {"SS": ["a", "b"]},
        "ns": {"NS": ["1", "2.5"]},
        "bs": {"BS": [b"a"]},
        "m": {"M": {"l": {"L": [{"N": "1"}]}}},
    }
    assert from_item(item) == {
        "s": "x",
        "n": 1.5,
        "exact": Decimal("1.2345678901234567890123"),
        "whole": 12345678901234567890,
        "yes": True,
        "null": None,
        "b": b"x",
        "ss": {"a", "b"},
        "ns": {1, 2.5},
        "bs": {b"a"},
        "m": {"l": [1]},
    }
    with pytest.raises(KeyError):
        from_attribute({"X": 1})


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({}, 0),
        ({"pk": {"S": "aü"}}, 2 + 3),
        ({"n": {"N": "123"}}, 1 + 3),
        ({"n": {"N": "-123"}}, 1 + 4),
        ({"n": {"N": "1200"}}, 1 + 2),
        ({"n": {"N": "0.001"}}, 1 + 2),
        ({"a": {"NULL": True}, "b": {"BOOL": False}}, 4),
        ({"m": {"M": {"k": {"S": "v"}}}}, 1 + 3 + 1 + 2),
        ({"l": {"L": [{"S": "v"}, {"NULL": True}]}}, 1 + 3 + 2 + 2),
        ({"s": {"SS": ["ab", "c"]}}, 1 + 3),
        ({"b": {"B": b"123"}}, 1 + 3),
        ({"n": {"NS": ["12", "5"]}, "b": {"BS": [b"1", b"22"]}}, 1 + 4 + 1 + 3),
    ],
)
def test_an_items_size_is_counted_as_documented(item: dict[str, Any], size: int) -> None:
    assert item_size(item) == size


def test_every_part_that_cannot_be_stored_is_found_with_its_path() -> None:
    value = {"a": [1, math.nan, {"": "\ud800"}], "b": object(), 7: 1}
    assert [(path, refused.code) for path, refused in unstorable(value)] == [
        (("a", 1), "number"),
        (("a", 2, ""), "text"),
        (("a", 2, ""), "text"),
        (("b",), "type"),
        ((7,), "type"),
    ]
    with pytest.raises(UnstorableValue):
        to_attribute(value)


@given(st.integers(1, 40))
def test_to_attribute_and_unstorable_count_the_same_levels(levels: int) -> None:
    value: Any = 1
    for _ in range(levels - 1):
        value = [value]
    assert bool(list(unstorable(value))) == (levels > 32)
    if levels > 32:
        with pytest.raises(UnstorableValue) as refused:
            to_attribute(value)
        assert refused.value.code == "too_large"
    else:
        assert to_attribute(value)
