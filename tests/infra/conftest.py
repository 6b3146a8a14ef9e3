"""One synthesis for all tests of the infrastructure."""

from __future__ import annotations

import pytest

from tests.infra.templates import Templates, synthesize


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Templates:
    """The templates of every stage, with prod's placeholders."""
    return synthesize(tmp_path_factory.mktemp("assembly"))
