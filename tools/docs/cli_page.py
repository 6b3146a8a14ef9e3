"""docs/cli.md: what `--help` prints, command by command, and the exit codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import typer.main
from typer.core import TyperGroup

from cli.errors import MEANINGS, Code
from cli.main import app
from tools.docs.regions import table

if TYPE_CHECKING:
    from collections.abc import Iterator

WIDTH: Final = 100
"""Columns of the help texts; a terminal has them wrapped at its own width."""


def contents() -> dict[str, str]:
    """The regions of the page."""
    found = list(commands())
    return {"exit-codes": _exit_codes(), "index": _index(found), "commands": _helps(found)}


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that name it, groups left out."""
    yield from _below(typer.main.get_command(app), ())


def _below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if not isinstance(command, TyperGroup):
        yield words, command
        return
    for name, each in command.commands.items():
        yield from _below(each, (*words, name))


def _exit_codes() -> str:
    return table(("Code", "Means"), [(str(int(code)), MEANINGS[code]) for code in Code])


def _index(found: list[tuple[tuple[str, ...], Any]]) -> str:
    return table(
        ("Command", "Does"),
        [
            (f"[`{' '.join(words)}`](#switchboard-{'-'.join(words)})", command.help.strip().partition("\n\n")[0])
            for words, command in found
        ],
    ).replace("\n    ", " ")


def _helps(found: list[tuple[tuple[str, ...], Any]]) -> str:
    return "\n\n".join(
        f"## switchboard {' '.join(words)}\n\n```text\n{_help(command, words)}\n```" for words, command in found
    )


def _help(command: Any, words: tuple[str, ...]) -> str:
    context = command.context_class(
        command, info_name=" ".join(("switchboard", *words)), terminal_width=WIDTH, max_content_width=WIDTH
    )
    lines: list[str] = command.get_help(context).splitlines()
    return "\n".join(line.rstrip() for line in lines)
