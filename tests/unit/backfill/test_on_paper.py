"""The documentation's tables are those that the cost model makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import backfill_on_paper
from benchmarks.backfill_on_paper import DOCUMENT, main, of, tables, written

if TYPE_CHECKING:
    from pathlib import Path


def test_the_document_holds_the_tables_of_now() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert text == written(text), "run: python -m benchmarks.backfill_on_paper --write"


def test_it_prints_what_it_writes(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    assert capsys.readouterr().out.strip() == tables()


def test_writing_it_again_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "paper.md"
    before, after = DOCUMENT.read_text(encoding="utf-8").split(tables())
    copy.write_text(f"{before}outdated{after}", encoding="utf-8")
    monkeypatch.setattr(backfill_on_paper, "DOCUMENT", copy)
    main(["--write"])
    assert copy.read_text(encoding="utf-8") == DOCUMENT.read_text(encoding="utf-8")


def test_what_the_text_says_of_the_figures() -> None:
    export, _ = of(1_000_000_000, 4_000, from_export=True)
    scan, divided = of(1_000_000_000, 4_000)
    scanning = scan.dollars["read units"] - export.dollars["read units"]
    assert export.dollars["export"] / scanning == pytest.approx(6, abs=0.3)
    assert scan.dollars["write units"] / scan.usd > 0.85
    assert scan.events < 15_000 < divided.events
    five_million, parts = of(5_000_000, 40_000)
    assert parts.concurrency == 80
    assert parts.segments == 4 * parts.concurrency
    assert five_million.seconds < 180
