"""Links lead somewhere, commands are ones that exist, and what nobody runs says so."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest
import typer.main
from typer.core import TyperGroup

from cli.main import app
from local_cloud.paths import ROOT
from tests.unit.docs.documents import DOCUMENTS, anchors, blocks, inline, links, named, prose
from tools.release import versions

if TYPE_CHECKING:
    from pathlib import Path

LANGUAGES = {"ini", "json", "mermaid", "python", "ruby", "sh", "text", "yaml"}
PLACEHOLDERS = {"<stage>": "local", "UNITS": "100", "$STAGE": "local", "N": "1"}
ON_THE_PATH = 'export PATH="$PWD/.venv/bin:$PATH"'
_BARE = re.compile(r"^(?:switchboard|cdk) ", re.MULTILINE)
_ROOT = typer.main.get_command(app)
_TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

EVERY_DOCUMENT = pytest.mark.parametrize("page", DOCUMENTS, ids=named)


def typed(page: Path) -> list[str]:
    """Every command line of a page: in blocks, continued lines joined, and between backticks with arguments."""
    lines = [
        line
        for block in blocks(page)
        if block.language == "sh"
        for line in block.text.replace("\\\n", " ").replace("|\n", "| ").splitlines()
    ]
    return [*lines, *(each for each in inline(page) if " " in each)]


def commands(page: Path, program: str) -> list[list[str]]:
    """The words of every call of a program, wherever in a line it stands; without comments and redirections."""
    found = re.findall(rf"(?:^|\$\(|\| |\.venv/bin/|; )({program} .*)", "\n".join(typed(page)), re.MULTILINE)
    calls = []
    for call in found:
        lexer = shlex.shlex(call, posix=True, punctuation_chars="|&;)>")
        lexer.whitespace_split = True
        words = list(lexer)
        ends = [index for index, word in enumerate(words) if set(word) <= set("|&;)>")]
        calls.append(words[: min(ends, default=len(words))])
    return calls


@EVERY_DOCUMENT
def test_links_lead_somewhere(page: Path) -> None:
    for target in links(page):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        aim = (page.parent / path).resolve() if path else page
        assert aim.exists(), f"{named(page)} links to {target}"
        assert aim.is_relative_to(ROOT), f"{named(page)} links out of the repository: {target}"
        if anchor:
            assert anchor in anchors(aim), f"{named(page)} links to {target}, which has {sorted(anchors(aim))}"


@EVERY_DOCUMENT
def test_commands_stand_in_blocks_that_say_what_they_are(page: Path) -> None:
    for block in blocks(page):
        assert block.language in LANGUAGES or (not block.language and "$" not in block.text), (named(page), block.line)
    indented = re.findall(r"^(?: {4}|\t)(?:switchboard|aws|cdk|make|\.venv/bin/\S+) .*$", prose(page), re.MULTILINE)
    assert not indented, f"{named(page)}: give these a fence, so that they are run or marked"


@EVERY_DOCUMENT
def test_what_switchboard_is_asked_it_understands(page: Path) -> None:
    for words in commands(page, "switchboard"):
        rest = [PLACEHOLDERS.get(word, word) for word in words[1:] if word != "…"]
        command = _ROOT
        while isinstance(command, TyperGroup) and rest:
            assert rest[0] in command.commands, f"{named(page)}: {shlex.join(words)}"
            command, rest = command.commands[rest[0]], rest[1:]
        if rest and not isinstance(command, TyperGroup):
            command.make_context(shlex.join(words), rest)


@EVERY_DOCUMENT
def test_what_is_typed_for_a_stage_of_aws_is_on_the_path(page: Path) -> None:
    """The local cloud's `.local/env` puts the commands there; who works on another stage does not read it."""
    lines = [line for block in blocks(page) if block.language == "sh" for line in block.text.splitlines()]
    elsewhere = any(
        block.needs_aws and _BARE.search(block.text) for block in blocks(page) if block.language == "sh"
    ) or any("$STAGE" in line and _BARE.match(line) for line in lines)
    if elsewhere:
        first = next(number for number, line in enumerate(lines) if _BARE.match(line))
        assert any(line.startswith(ON_THE_PATH) for line in lines[:first]), f"{named(page)}: {lines[first]}"


@EVERY_DOCUMENT
def test_what_make_is_asked_it_has(page: Path) -> None:
    for words in commands(page, "make"):
        targets = [word for word in words[1:] if "=" not in word]
        assert set(targets) <= _TARGETS, f"{named(page)}: {shlex.join(words)}"


def test_every_kept_release_has_its_heading_in_the_changelog_and_newer_changes_another() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings == ["Unreleased", *reversed(versions())]


def test_decisions_quote_measurements_in_the_tables_that_say_what_made_them_only() -> None:
    quoted = re.compile(r"\d+ times (?:faster|fewer)")
    for page in (ROOT / "docs" / "adr").glob("*.md"):
        lines = [line for line in prose(page).splitlines() if not line.startswith("|")]
        assert not [line for line in lines if quoted.search(line)], named(page)


def test_no_document_shows_a_run_of_tests_that_runs_none() -> None:
    assert not [page for page in DOCUMENTS if any("--collect-only" in block.text for block in blocks(page))]


def test_there_is_something_to_check() -> None:
    assert sum(len(commands(page, "switchboard")) for page in DOCUMENTS) > 60
    assert sum(len(links(page)) for page in DOCUMENTS) > 60
    assert sum(block.needs_aws for page in DOCUMENTS for block in blocks(page)) > 4
