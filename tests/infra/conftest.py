"""One synthesis for all tests of the infrastructure, whatever number of test processes asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_cloud.locks import locked
from tests.infra.templates import Templates, synthesize

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def synthesized(run_folder: Path) -> Path:
    """Where everything is synthesized, with the placeholders of prod and of the organisation."""
    out = run_folder / "templates"
    with locked(run_folder / "templates.lock"):
        if not (out / "manifest.json").is_file():
            synthesize(out)
    return out


@pytest.fixture(scope="session")
def templates(synthesized: Path) -> Templates:
    """The templates of every stage, with prod's placeholders."""
    return Templates.read(synthesized)


@pytest.fixture(scope="session")
def organisation(synthesized: Path) -> Templates:
    """The template of the management account, which is synthesized with the others."""
    return Templates.read(synthesized, stages=("organisation",))
