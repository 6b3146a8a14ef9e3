"""One synthesis for all tests of the infrastructure, whatever number of test processes asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_cloud.locks import locked
from tests.infra.templates import Templates, synthesize

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def templates(run_folder: Path) -> Templates:
    """The templates of every stage, with prod's placeholders."""
    out = run_folder / "templates"
    with locked(run_folder / "templates.lock"):
        return Templates.read(out) if (out / "manifest.json").is_file() else synthesize(out)
