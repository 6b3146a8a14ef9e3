"""What the runbook tells people to type is what the command takes."""

from __future__ import annotations

import re

import pytest
import typer.main
from typer.core import TyperGroup

from cli.main import app
from tests.infra.templates import ROOT

PAGES = sorted((ROOT / "docs" / "runbook").glob("*.md"))
TYPED = sorted({typed for page in PAGES for typed in re.findall(r"`switchboard ([^`]*)`", page.read_text())})
EXAMPLES = {"<stage>": "local", "UNITS": "100"}


def test_the_runbook_tells_people_to_type_something() -> None:
    assert len(TYPED) > 8


@pytest.mark.parametrize("typed", TYPED)
def test_what_the_runbook_tells_people_to_type_is_understood(typed: str) -> None:
    words = [EXAMPLES.get(word, word) for word in typed.split()]
    command = typer.main.get_command(app)
    while isinstance(command, TyperGroup):
        assert words[0] in command.commands, words[0]
        command, words = command.commands[words[0]], words[1:]
    command.make_context(typed, words)
