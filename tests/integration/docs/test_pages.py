"""What the documents tell people to type, typed: page by page, block by block, on a deployed stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.docs.desk import OPERATIONS, PAGES, check_page
from tests.unit.docs.documents import named

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.docs.desk import Desk


@pytest.mark.parametrize("page", [page for page in PAGES if page != OPERATIONS], ids=named)
def test_the_commands_of_a_page_work_one_after_another(desk: Desk, page: Path) -> None:
    check_page(desk, page)


@pytest.mark.parametrize("command", ["switchboard cdr hystory", "make no-such-target", "cdk deploy 'dev/*'", "false"])
def test_a_command_that_fails_fails_its_page(desk: Desk, command: str) -> None:
    assert desk.typed(f"set -eu\n{command}\necho done\n").returncode != 0
