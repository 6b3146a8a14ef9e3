"""What the page of benchmarks is made of: the tables that they print, and the figures in them."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import PICTURED, TITLES, Section, number, tables

PRINTED = """Lost:

| events per second | keyed by second | theory | keyed by millisecond | theory | keyed by identity |
|---|---|---|---|---|---|
| 0.1 | 108 (5.4%) | 4.8% | 0 (0.0%) | 0.0% | 0 |
| 100 | 1,980 (99.0%) | 99.0% | 97 (4.9%) | 4.8% | 0 |

Some words.

| way | records/s |
|---|---:|
| one | 1,234.5 |
"""


def test_tables_are_read_without_their_rulers() -> None:
    lost, rates = tables(PRINTED)
    assert [row[0] for row in lost] == ["events per second", "0.1", "100"]
    assert rates == [["way", "records/s"], ["one", "1,234.5"]]


@pytest.mark.parametrize(("cell", "value"), [("1,980 (99.0%)", 1980), ("0.92", 0.92), ("-3 s", -3), ("7x", 7)])
def test_a_cell_means_its_first_number(cell: str, value: float) -> None:
    assert number(cell) == value


def test_a_cell_without_a_number_is_no_figure() -> None:
    with pytest.raises(ValueError, match="no number"):
        number("on demand")


def test_a_picture_shows_what_the_table_says() -> None:
    figure = PICTURED["timestamp_key"](Section("timestamp_key", PRINTED, met=True, seconds=1.0))
    assert figure["x"] == [0.1, 100]
    assert figure["lines"] == {
        "keyed by second": [108, 1980],
        "keyed by millisecond": [0, 97],
        "keyed by identity": [0, 0],
    }
    assert PICTURED.keys() <= TITLES.keys()
