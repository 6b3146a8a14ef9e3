"""Instants as text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.times import from_fixed, parse_rfc3339, to_fixed

INSTANTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001 - zone beside
ZONES = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(INSTANTS, ZONES)
def test_every_zone_leads_to_the_same_text(instant: datetime, zone: timezone) -> None:
    text = to_fixed(instant.astimezone(zone))
    assert len(text) == 27
    assert from_fixed(text) == instant
    assert parse_rfc3339(instant.astimezone(zone).isoformat()) == instant
    assert parse_rfc3339(text.lower()) == instant


@given(INSTANTS, INSTANTS)
def test_text_order_is_time_order(one: datetime, other: datetime) -> None:
    assert (to_fixed(one) < to_fixed(other)) == (one < other)


def test_digits_beyond_microseconds_are_cut_off() -> None:
    assert to_fixed(parse_rfc3339("2026-11-21T00:00:00.123456999Z")) == "2026-11-21T00:00:00.123456Z"
    assert to_fixed(parse_rfc3339("2026-11-21T00:00:00.5Z")) == "2026-11-21T00:00:00.500000Z"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T00:00:00",
        "2026-11-21T00:00:60Z",
        "2026-13-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "",
        "20261121T000000Z",
    ],
)
def test_anything_else_is_no_instant(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|month"):
        parse_rfc3339(text)


def test_a_naive_datetime_has_no_fixed_text() -> None:
    with pytest.raises(ValueError, match="zone"):
        to_fixed(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test


@pytest.mark.parametrize("text", ["2026-11-21T00:00:00Z", "2026-11-21T00:00:00.000000+00:00", "x"])
def test_only_the_fixed_width_is_read_back(text: str) -> None:
    with pytest.raises(ValueError, match="does not match"):
        from_fixed(text)
