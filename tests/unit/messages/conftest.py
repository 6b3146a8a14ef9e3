from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.messages_table import MessagesTable
from tests.fakes.talks import Talk

if TYPE_CHECKING:
    import random


@pytest.fixture
def table() -> MessagesTable:
    return MessagesTable()


@pytest.fixture
def talk(table: MessagesTable, rng: random.Random) -> Talk:
    return Talk(table, rng=rng)
