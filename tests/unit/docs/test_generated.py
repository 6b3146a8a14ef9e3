"""The generated parts of the documentation are those of now, and tell the truth of the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import stream_handler, timestamp_key
from local_cloud.paths import ROOT
from switchboard.backfill.runs_table import NAMES
from tests.unit.docs.documents import named
from tools.docs import __main__ as program
from tools.docs import contracts_page, pages, stream_failures_page
from tools.docs.entities import ENTITIES
from tools.docs.pages import PAGES, written
from tools.docs.regions import filled, table

if TYPE_CHECKING:
    from pathlib import Path

ADR = ROOT / "docs" / "adr"
CONTRACTS = ROOT / "docs" / "contracts.md"


def rows(page: Path, first: str) -> list[list[str]]:
    """The cells of the table whose heading line begins with `first`, that line first and the ruler left out."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first}"))
    end = next((number for number in range(start, len(lines)) if not lines[number].startswith("|")), len(lines))
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[start:end]]
    return [cells[0], *cells[2:]]


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_is_that_of_now(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == written(page), "run: python -m tools.docs"


def test_a_region_is_replaced_and_prose_is_left_alone() -> None:
    page = "Before.\n\n<!-- generated: here -->\n\nold\n\n<!-- end -->\n\nAfter.\n"
    new = page.replace("old", "new")
    assert filled(page, {"here": "new"}) == new
    assert filled(new, {"here": "new"}) == new


@pytest.mark.parametrize("contents", [{}, {"elsewhere": "x"}, {"here": "x", "elsewhere": "x"}])
def test_a_region_that_only_one_side_knows_is_an_error(contents: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="regions"):
        filled("<!-- generated: here -->\n<!-- end -->", contents)


def test_a_bar_in_a_cell_stays_in_its_cell() -> None:
    assert table(("a",), [("x|y",)]).splitlines()[-1] == "| x\\|y |"


def test_checking_writes_nothing_and_writing_mends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- generated: here -->\n<!-- end -->\n")
    monkeypatch.setattr(program, "PAGES", {page: None})
    monkeypatch.setattr(pages, "PAGES", {page: lambda: {"here": "now"}})
    monkeypatch.setattr(program, "DOCS", tmp_path / "docs")

    assert program.main(["--check"]) == 1
    assert "now" not in page.read_text()
    assert "page.md" in capsys.readouterr().out
    assert program.main([]) == 0
    assert "now" in page.read_text()
    assert program.main(["--check"]) == 0


def test_every_published_contract_is_on_the_page() -> None:
    files = {path.name.removesuffix(".schema.json") for path in (ROOT / "switchboard" / "contracts").glob("*.json")}
    assert files == set(contracts_page.NAMES)


def test_the_attributes_of_runs_are_all_listed() -> None:
    listed = {name for each in ENTITIES if each.table == "runs" for name in (*each.attributes, *each.optional)}
    assert set(NAMES) - listed == {"run_id"} - listed


def test_stopping_first_loses_repeats_and_reorders_nothing() -> None:
    *_, stopping = rows(ADR / "0008-stop-first.md", "Way")
    assert stopping[2:6] == ["0", str(len(stream_failures_page.POISON)), "0", "0"]


def test_the_table_of_lost_records_is_that_of_its_program() -> None:
    head, *measured = rows(ADR / "0001-cdr-key.md", "events per second")
    assert f"| {' | '.join(head)} |" in (ROOT / "benchmarks" / "timestamp_key.py").read_text()
    assert [float(row[0]) for row in measured] == list(timestamp_key.RATES)
    for rate, *cells in measured:
        expected = [timestamp_key.expected_share(float(rate), tick) for tick in timestamp_key.TICKS.values()]
        assert [cells[1], cells[3]] == [f"{share:.1%}" for share in expected]
        assert cells[4] == "0"


def test_the_table_of_the_stream_handler_is_that_of_its_program() -> None:
    head, *measured = rows(ADR / "0003-stable-rows.md", "Messages, groups")
    assert head[0] in (ROOT / "benchmarks" / "stream_handler.py").read_text()
    assert [row[0] for row in measured] == [f"{messages}, {groups}" for messages, groups in stream_handler.CASES]
