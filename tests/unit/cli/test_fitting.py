"""Tables of every width: what is shown can be read, and what is not is named."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from cli import fitting, output, tables
from cli.fitting import READABLE, Column

if TYPE_CHECKING:
    from collections.abc import Sequence

LONG = "0197aa00-0000-7000-8000-00000000000"
RECORDS = [
    {
        "time": f"2026-11-21T00:08:12.34567{n}Z",
        "type": "first_retrieve",
        "sponsor_id": f"sponsor-{LONG}{n}",
        "sponsorship_id": f"sponsorship-{LONG}{n}",
        "subscriber_id": f"subscriber-{LONG}{n}",
        "source": "qm/reporting-api",
        "id": f"report-{LONG}{n}:17",
        "recorded_at": f"2026-11-21T00:08:13.00000{n}Z",
        "data": {"bytes_down": 9_876_543, "plan": "news-free", "note": "x" * 200},
    }
    for n in range(3)
]
GROUPS = [
    {
        "unread": True,
        "other_display_name": "Jon the Second of Somewhere",
        "other_handle": "jon.of.somewhere",
        "last_message": "Something that climbs, and does not end where a terminal does.",
        "last_message_at": "2026-01-09T08:05:37.125Z",
        "group_uuid": f"{LONG}1",
    }
]
WIDTHS = (20, 40, 60, 80, 100, 120, 160, 240)


@pytest.fixture(params=WIDTHS)
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(output, "PIPE_COLUMNS", request.param)
    return int(request.param)


def header(shown: str) -> list[str]:
    return [title.strip() for title in shown.splitlines()[0].split("┃")]


def columns_of(shown: str) -> dict[str, list[str]]:
    """Each column's lines by its title."""
    lines = [[part.strip() for part in line.split("│")] for line in shown.splitlines()[2:]]
    return {title: [line[place] for line in lines] for place, title in enumerate(header(shown))}


def left_out(said: str) -> set[str]:
    if not said:
        return set()
    titles, _, rest = said.removeprefix("Too narrow here for: ").partition(". ")
    assert rest == "A wider terminal shows more, and --json shows all.\n"
    return set(titles.split(", "))


@pytest.mark.parametrize("without", ["sponsorship_id", "sponsor_id", ""])
def test_records_can_be_read_at_every_width(width: int, without: str, capsys: pytest.CaptureFixture[str]) -> None:
    tables.show_records(RECORDS, without=without)
    shown, said = capsys.readouterr()
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    if "┃" not in shown:  # a value per line
        assert width < 80
        assert not said
        if width >= 40:
            assert all(name in shown for name in ("subscriber", "recorded at", "data"))
        return
    found = columns_of(shown)
    assert {"time", "type"} < set(found)
    for record in RECORDS:
        assert record["time"] in found["time"]
        assert record["type"] in found["type"]
    for title in set(found) & {"sponsor", "sponsorship", "subscriber", "id"}:
        field = title if title == "id" else f"{title}_id"
        assert "".join(found[title]) == "".join(str(record[field]) for record in RECORDS)
        assert max(map(len, found[title])) >= READABLE
    titles = {title for title, (name, _) in tables._COLUMNS.items() if name != without}
    assert set(found) | left_out(said) - {"the end of data"} == titles


def test_what_matters_least_goes_first(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    gone: list[set[str]] = []
    for width in (120, 80, 70):
        monkeypatch.setattr(output, "PIPE_COLUMNS", width)
        tables.show_records(
            [{**RECORDS[0], "sponsor_id": "s-12", "subscriber_id": "p-77", "id": "rpt-1:1"}], without="sponsorship_id"
        )
        gone.append(left_out(capsys.readouterr().err) - {"the end of data"})
    assert gone == [
        {"source", "recorded at"},
        {"source", "recorded at", "data"},
        {"source", "recorded at", "data", "id"},
    ]


def test_groups_can_be_read_at_every_width(width: int, capsys: pytest.CaptureFixture[str]) -> None:
    tables.show_groups(GROUPS)
    shown, said = capsys.readouterr()
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    if width < 60:
        assert not said
        return
    found = columns_of(shown)
    assert f"{LONG}1" in found["group"]
    assert "".join(found["with"]).replace(" ", "") == "JontheSecondofSomewhere(jon.of.somewhere)"
    assert ("last message" in found) is (width >= 80)
    assert left_out(said) == {"last message", "at"} - set(found)


def test_a_terminal_decides_by_its_own_width(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Console(width=80, force_terminal=True, record=True, file=io.StringIO())
    monkeypatch.setattr(output, "results", lambda: terminal)
    tables.show_records(RECORDS, without="sponsorship_id")
    assert header(terminal.export_text())[:3] == ["time", "type", "sponsor"]


TEXTS = st.text(st.characters(codec="utf-8", categories=["L", "N", "Zs"]), max_size=40)


@given(
    rows=st.lists(st.tuples(TEXTS, TEXTS, TEXTS, TEXTS), min_size=1, max_size=5),
    ranks=st.tuples(*[st.integers(0, 4)] * 4),
    width=st.integers(1, 120),
)
def test_no_column_is_narrower_than_can_be_read(rows: Any, ranks: Sequence[int], width: int) -> None:
    columns = [
        Column(str(place), tuple(map(Text, cells)), rank=rank)
        for place, (cells, rank) in enumerate(zip(zip(*rows, strict=True), ranks, strict=True))
    ]
    shown, gone = fitting.fitting(columns, width)
    assert len(shown) + len(gone) == len(columns)
    if shown:
        assert all(column.rank for column in gone)
        widths = fitting._widths(shown, width)
        assert fitting._width(widths) <= width
        assert all(min(column.natural, READABLE) <= each for column, each in zip(shown, widths, strict=True))
        assert max((column.rank for column in shown), default=0) <= min((column.rank for column in gone), default=9)
