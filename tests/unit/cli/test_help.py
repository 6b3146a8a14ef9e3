"""Every command says what it does and what each of its options means, and takes the common options."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from cli.main import ORDER, app
from local_cloud.paths import ROOT as ROOT_FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMON = {"--stage", "--endpoint-url", "--json", "--profile", "--region"}
ROOT: Any = typer.main.get_command(app)


def commands(group: Any = ROOT, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that name it."""
    if not isinstance(group, TyperGroup):
        yield words, group
        return
    for name, command in group.commands.items():
        yield from commands(command, (*words, name))


def test_commands_stand_in_the_order_in_which_a_person_meets_them() -> None:
    printed = CliRunner().invoke(app, ["--help"]).stdout
    assert sorted(ORDER) == sorted(ROOT.commands)
    assert [line.split()[0] for line in printed.splitlines() if line.split() and line.split()[0] in ORDER] == [*ORDER]
    assert "..." not in printed.partition("Commands:")[2]


def test_the_version_is_that_of_the_project() -> None:
    project = tomllib.loads((ROOT_FOLDER / "pyproject.toml").read_text())["project"]
    assert CliRunner().invoke(app, ["--version"]).stdout == f"{project['version']}\n"


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
