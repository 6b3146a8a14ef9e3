from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.ids import Uuid7Source, compose_uuid7, derived_uuid, milliseconds_of

if TYPE_CHECKING:
    import random

LAST_MILLISECOND_OF_THE_PATTERN = (0xE << 44) - 1


@given(st.integers(0, LAST_MILLISECOND_OF_THE_PATTERN), st.integers(0, 2**74 - 1))
def test_a_composed_id_is_a_uuid7_that_gives_its_time_back(milliseconds: int, tail: int) -> None:
    composed = compose_uuid7(milliseconds, tail)

    assert (UUID(composed).version, UUID(composed).variant) == (7, "specified in RFC 4122")
    assert milliseconds_of(composed) == milliseconds


@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(0, 2**74 - 1)), min_size=2, max_size=20))
def test_ids_sort_as_their_times_and_tails_do(parts: list[tuple[int, int]]) -> None:
    assert sorted(compose_uuid7(*part) for part in parts) == [compose_uuid7(*part) for part in sorted(parts)]


def test_ids_of_one_millisecond_rise(rng: random.Random) -> None:
    source = Uuid7Source(rng.getrandbits)

    made = [source(1_795_219_200_000) for _ in range(1_000)]

    assert made == sorted(set(made))
    assert {milliseconds_of(uuid) for uuid in made} == {1_795_219_200_000}


def test_a_full_millisecond_runs_over_into_the_next() -> None:
    source = Uuid7Source(lambda bits: (1 << bits) - 1)

    assert [milliseconds_of(source(5)) for _ in range(2)] == [5, 6]
    assert milliseconds_of(source(5)) >= 6


def test_a_clock_set_back_a_little_does_not_reorder_and_set_back_far_is_believed(rng: random.Random) -> None:
    source = Uuid7Source(rng.getrandbits)

    made = [source(now) for now in (10_000, 9_500, 9_000)]

    assert made == sorted(made)
    assert milliseconds_of(source(8_999)) == 8_999


@pytest.mark.parametrize(
    "text",
    [
        "0193a5c0-7e1b-4c3a-9f20-5b1d6e2a4c88",
        "0193A5C0-7E1B-7C3A-9F20-5B1D6E2A4C88",
        "e193a5c0-7e1b-7c3a-9f20-5b1d6e2a4c88",
        "0193a5c0-7e1b-7c3a-cf20-5b1d6e2a4c88",
        "0193a5c07e1b7c3a9f205b1d6e2a4c88",
        "0193a5c0-7e1b-7c3a-9f20-5b1d6e2a4c88\n",
        "",
    ],
)
def test_anything_but_a_lower_case_uuid7_of_a_four_digit_year_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a UUIDv7"):
        milliseconds_of(text)


def test_a_derived_id_depends_on_every_part_and_on_their_bounds() -> None:
    assert derived_uuid("a", "b") == derived_uuid("a", "b")
    assert len({derived_uuid(*parts) for parts in [("a", "b"), ("b", "a"), ("ab", ""), ("a", "b", ""), ("a",)]}) == 5
    assert UUID(derived_uuid("a", "b")).version == 8
