"""Every command says what it does and what each of its options means, and takes the common options."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from cli.main import app
from local_cloud.paths import ROOT as ROOT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMON = {"--stage", "--endpoint-url", "--json", "--profile", "--region"}
ROOT = typer.main.get_command(app)


def commands(group: Any = ROOT, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that name it."""
    if not isinstance(group, TyperGroup):
        yield words, group
        return
    for name, command in group.commands.items():
        yield from commands(command, (*words, name))


SLOW = ("boto3", "botocore.session", "jinja2", "s3transfer")
"""What takes long to import, and is needed by commands that reach a stage or write a page alone."""


def test_help_and_completion_wait_for_nothing_that_they_do_not_need() -> None:
    program = f"import sys, cli.main; print(*(name for name in {SLOW} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT_FOLDER, check=True, capture_output=True, text=True)
    assert done.stdout.split() == []


EVERY_COMMAND = pytest.mark.parametrize(
    ("words", "command"), [pytest.param(*each, id=" ".join(each[0])) for each in commands()]
)


@EVERY_COMMAND
def test_help_says_what_everything_means(words: tuple[str, ...], command: Any) -> None:
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    assert command.help
    for parameter in command.params:
        text = getattr(parameter, "help", None)
        assert text, parameter.name
        assert text[-1] in ".)", parameter.name


@EVERY_COMMAND
def test_the_common_options_come_after_every_command_that_reaches_a_stage(words: tuple[str, ...], command: Any) -> None:
    options = {option for parameter in command.params for option in parameter.opts}
    assert (options >= COMMON) is (words[0] not in {"local", "review"})
