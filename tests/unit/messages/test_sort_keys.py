from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.ids import compose_uuid7
from switchboard.messages.sort_keys import KeyRange, is_sort_key, milliseconds, sort_key, time_of, uuid_of, year_range

TAILS = st.integers(0, 2**74 - 1)
MOMENTS = st.integers(0, 2**44)
KEYS = st.builds(lambda at, tail: sort_key(compose_uuid7(at, tail)), MOMENTS, TAILS)
NEAR_KEYS = st.builds(lambda at, tail: sort_key(compose_uuid7(at, tail)), st.integers(5, 7), st.integers(0, 3))


def inside(span: KeyRange, key: str) -> bool:
    return span.low <= key <= span.high


def test_a_sort_key_is_the_time_and_the_id() -> None:
    message_uuid = compose_uuid7(1_795_219_200_007, 5)

    key = sort_key(message_uuid)

    assert key == f"2026-11-21T00:00:00.007Z#{message_uuid}"
    assert (time_of(key), uuid_of(key)) == ("2026-11-21T00:00:00.007Z", message_uuid)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-21T00:00:00.007Z",
        "2026-11-21T00:00:00.008Z#" + compose_uuid7(1_795_219_200_007, 5),
        "2026-11-21T00:00:00.007Z#" + compose_uuid7(1_795_219_200_007, 5).upper(),
        "2026-11-21T00:00:00.007Z#" + compose_uuid7(1_795_219_200_007, 5) + "\n",
    ],
)
def test_what_is_no_message_s_sort_key_is_told(text: str) -> None:
    assert not is_sort_key(text)
    assert is_sort_key("2026-11-21T00:00:00.007Z#" + compose_uuid7(1_795_219_200_007, 5))


@given(st.one_of(st.tuples(KEYS, KEYS), st.tuples(NEAR_KEYS, NEAR_KEYS)))
def test_older_and_newer_split_all_keys_at_one(pair: tuple[str, str]) -> None:
    key, other = pair

    assert inside(KeyRange(), other)
    assert inside(KeyRange().older_than(key), other) is (other < key)
    assert inside(KeyRange().newer_than(key), other) is (other > key)


@given(MOMENTS, TAILS, st.integers(-3, 3), st.integers(0, 999))
def test_since_is_inclusive_and_until_exclusive(at: int, tail: int, distance_ms: int, microseconds: int) -> None:
    sent = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)
    bound = sent + timedelta(milliseconds=distance_ms, microseconds=microseconds)
    key = sort_key(compose_uuid7(at, tail))

    if bound.year >= 1970:
        assert inside(KeyRange().since(bound), key) is (sent >= bound)
        assert inside(KeyRange().until(bound), key) is (sent < bound)


def test_a_year_ends_with_its_last_millisecond() -> None:
    midnight = milliseconds(datetime(2027, 1, 1, tzinfo=UTC))

    last, first = sort_key(compose_uuid7(midnight - 1, 2**74 - 1)), sort_key(compose_uuid7(midnight, 0))

    assert (inside(year_range(2026), last), inside(year_range(2026), first)) == (True, False)
    assert (inside(year_range(2027), last), inside(year_range(2027), first)) == (False, True)


def test_narrowing_never_widens() -> None:
    year = year_range(2026)
    earlier, later = sort_key(compose_uuid7(5, 5)), sort_key(compose_uuid7(2**44, 5))

    assert year.newer_than(earlier) == year.older_than(later) == year
    assert year.newer_than(later).empty
    assert year.older_than(earlier).empty
    assert not year.empty


def test_the_end_of_the_calendar_is_a_bound_like_any_other() -> None:
    assert KeyRange().until(datetime.max.replace(tzinfo=UTC)) == KeyRange()
