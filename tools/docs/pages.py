"""Which pages have generated regions, and what fills them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.docs import cli_page, contracts_page, data_model_page, stream_failures_page
from tools.docs.regions import filled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"

PAGES: Final[Mapping[Path, Callable[[], dict[str, str]]]] = {
    DOCS / "cli.md": cli_page.contents,
    DOCS / "contracts.md": contracts_page.contents,
    DOCS / "data-model.md": data_model_page.contents,
    DOCS / "adr" / "0008-stop-first.md": stream_failures_page.contents,
}


def written(page: Path) -> str:
    """A page with the regions of now. Raises `ValueError` where its regions have other names."""
    return filled(page.read_text(encoding="utf-8"), PAGES[page]())
