"""The shell completes commands, options and the names of stages."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from cli.main import app
from switchboard.schema.deployment import STAGES

SHELLS = ("bash", "zsh", "fish")


def completed(line: str) -> list[str]:
    """What bash is offered after the line."""
    words = line.split(" ")
    told = {"_SWITCHBOARD_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    return CliRunner().invoke(app, env=told, prog_name="switchboard").stdout.split()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("switchboard back", ["backfill"]),
        ("switchboard cdr h", ["history"]),
        ("switchboard cdr first --ty", ["--type"]),
        ("switchboard cdr first --type first_r", ["first_retrieve"]),
        ("switchboard scan messages --stage ", list(STAGES)),
        ("switchboard users list --stage p", ["prod"]),
    ],
)
def test_a_word_is_completed(line: str, expected: list[str]) -> None:
    assert completed(line) == expected


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_of_a_shell_calls_the_command(shell: str) -> None:
    result = CliRunner().invoke(app, env={"_SWITCHBOARD_COMPLETE": f"source_{shell}"}, prog_name="switchboard")
    assert result.exit_code == 0
    assert "_SWITCHBOARD_COMPLETE=complete_" in result.stdout


def test_help_says_how_to_install_it() -> None:
    assert "--install-completion" in CliRunner().invoke(app, ["--help"]).stdout
