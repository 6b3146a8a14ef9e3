from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.stage import FakeStage

if TYPE_CHECKING:
    import random


@pytest.fixture
def stage(rng: random.Random) -> FakeStage:
    return FakeStage(rng)
