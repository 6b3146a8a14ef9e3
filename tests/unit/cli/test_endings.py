"""How commands end: exit codes are told and kept, a refusal says what to do, and escape sequences need a terminal."""

from __future__ import annotations

import ast
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli import cdr, output
from cli.errors import MEANINGS, Code, Failure
from cli.main import app
from switchboard.schema import deployment
from tests.fakes.stage import FakeStage, aws_error
from tests.unit.cli.test_help import commands

if TYPE_CHECKING:
    from collections.abc import Iterator

CLI = Path(cdr.__file__).parent
HISTORY = ("cdr", "history", "--sponsorship", "sp-1")


def failures() -> Iterator[tuple[str, ast.Call]]:
    """Every `Failure(…)` of the command, with its place."""
    for path in sorted(CLI.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == Failure.__name__:
                yield f"{path.relative_to(CLI)}:{node.lineno}", node


def test_every_refusal_says_what_to_do_next() -> None:
    found = dict(failures())
    assert len(found) > 50
    without = [place for place, call in found.items() if "remedy" not in {word.arg for word in call.keywords}]
    assert not without


def test_the_help_tells_every_exit_code() -> None:
    told = CliRunner().invoke(app, ["--help"]).stdout
    assert set(MEANINGS) == set(Code)
    for code, meaning in MEANINGS.items():
        assert f"  {code}  {meaning}\n" in told


def page(_: Any) -> Any:
    return {"records": [], "consumed_read_units": 0.5}


def broken(_: Any) -> Any:
    return {"errorType": "KeyError", "errorMessage": "'pk'"}


def invalid(_: Any) -> Any:
    return {"errorType": "InvalidQuery", "errorMessage": '{"errors": []}'}


def busy(_: Any) -> Any:
    raise aws_error("ThrottlingException", "Invoke")


def nothing(_: Any) -> Any:
    return {"record": None, "consumed_read_units": 0.5}


def rejected(_: Any) -> Any:
    return {"results": [{"index": 0, "id": None, "status": "rejected", "errors": []}]}


FIRST = ("cdr", "first", "--sponsorship", "sp-1", "--type", "expire")


@pytest.mark.parametrize(
    ("code", "words", "answer"),
    [
        (Code.DONE, HISTORY, page),
        (Code.FAULT, HISTORY, broken),
        (Code.USAGE, ("cdr", "history"), page),
        (Code.REFUSED, HISTORY, invalid),
        (Code.NOT_FOUND, FIRST, nothing),
        (Code.PARTLY, ("cdr", "put", "-"), rejected),
        (Code.UNAVAILABLE, HISTORY, busy),
    ],
    ids=[code.name.lower() for code in Code],
)
def test_a_command_ends_with_each_code(stage: FakeStage, code: Code, words: tuple[str, ...], answer: Any) -> None:
    stage.published[deployment.CDR_QUERY_PATH] = stage.arn(deployment.CDR_QUERY)
    stage.functions |= {deployment.CDR_QUERY: answer, deployment.CDR_WRITER: answer}
    result = stage.run(*words, typed='{"id": "1"}')
    assert result.exit_code == code, result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("words", [words for words, _ in commands()], ids=" ".join)
def test_every_command_can_print_json(words: tuple[str, ...]) -> None:
    assert "--json" in CliRunner().invoke(app, [*words, "--help"]).stdout


PROGRAM = """
from cli.errors import Code, Failure
from cli.output import results, tell_failure, waiting
from cli.tables import of_record
with waiting("Reading the table"):
    pass
results().print(of_record({"status": "stored"}))
tell_failure(Failure(Code.REFUSED, "No.", remedy="Do."))
"""


def printed(*, terminal: bool, **settings: str) -> bytes:
    """What a command's output looks like, on a terminal of its own or in a pipe."""
    plain = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment = {**plain, "TERM": "xterm-256color", **settings}
    command = [sys.executable, "-c", PROGRAM]
    if not terminal:
        done = subprocess.run(command, env=environment, cwd=CLI.parent, capture_output=True, check=True)
        return done.stdout + done.stderr
    ours, its = pty.openpty()
    try:
        with subprocess.Popen(command, env=environment, cwd=CLI.parent, stdout=its, stderr=its) as process:
            assert process.wait() == 0
            os.close(its)
            return os.read(ours, 65_536)
    finally:
        os.close(ours)


COLOUR = b"\x1b[1;31m"


def test_a_terminal_shows_colours_and_what_is_waited_for() -> None:
    shown = printed(terminal=True)
    assert COLOUR in shown
    assert b"Reading the table" in shown


def test_no_color_switches_colours_off() -> None:
    shown = printed(terminal=True, NO_COLOR="1")
    assert b"stored" in shown
    assert b"31m" not in shown


def test_a_pipe_gets_text_alone() -> None:
    shown = printed(terminal=False)
    assert b"stored" in shown
    assert b"\x1b" not in shown
    assert b"Reading" not in shown


def test_stored_escape_sequences_mean_nothing() -> None:
    assert output.printable("\x1b[31mred\x07") == "\N{REPLACEMENT CHARACTER}[31mred\N{REPLACEMENT CHARACTER}"
