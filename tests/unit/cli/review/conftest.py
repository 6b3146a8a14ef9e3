from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.cli.review.system import System

if TYPE_CHECKING:
    from pathlib import Path

    from cli.review.assembly import StageTemplates


@pytest.fixture
def prod(tmp_path: Path) -> StageTemplates:
    """The small system's stage `prod`."""
    return {stage.name: stage for stage in System().read(tmp_path)}["prod"]
