"""A shell in which somebody types `switchboard backfill`, with the state machine in memory behind it."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from cli.main import app
from cli.session import Target
from cli.tools import Tools
from switchboard.schema import runs
from tests.fakes.backfill_cloud import BackfillCloud
from tests.fakes.backfill_machine import Machine
from tests.fakes.backfill_table import TABLE
from tests.fakes.executions import Executions
from tests.unit.backfill.runs_of import things
from tests.unit.backfill.undone import UndoableTable

if TYPE_CHECKING:
    from collections.abc import Callable

JOB = ("--table", TABLE, "--attribute", "test", "--value", "1")
HERE = ("--stage", "local")


class Shell:
    """Somebody at a terminal, and the stage that the commands reach."""

    def __init__(self, items: int = 30, **options: Any) -> None:
        self.machine = Machine(BackfillCloud(UndoableTable(things(items), page=10)))
        self.executions = Executions(self.machine, **options)
        self.sleeping: Callable[[], None] = lambda: None
        self._ids = itertools.count()

    def run(self, *words: str, json_: bool = True, typed: str | None = None) -> Any:
        def client(service: str) -> Any:
            return self.machine.cloud if service == "dynamodb" else self.executions

        def sleep(seconds: float) -> None:
            self.machine.clock.sleep(seconds)
            self.sleeping()

        tools = Tools(
            connect=lambda _: Target("local", client),
            sleep=sleep,
            clock=self.machine.now,
            random_bits=lambda _: next(self._ids),
        )
        asked = ["backfill", *words, *HERE, *(["--json"] if json_ else [])]
        return CliRunner().invoke(app, asked, input=typed, obj=tools)

    def start(self, *words: str) -> str:
        """Start a run, which does nothing by itself, and answer its id."""
        self.executions.held = True
        done = self.run("start", *JOB, *words)
        self.executions.held = False
        assert done.exit_code == 0, done.stderr
        answer = json.loads(done.stdout)
        assert answer["status"] == runs.RUNNING
        return str(answer["run_id"])

    def asked(self) -> dict[str, Any]:
        """The newest execution's input."""
        return list(self.executions.inputs.values())[-1]


def between_pages(shell: Shell, do: Callable[[], None]) -> None:
    """Do something once, while a run works."""
    done: list[bool] = []

    def told(name: str, _request: dict[str, Any]) -> None:
        if name == "batch_execute_statement" and not done:
            done.append(True)
            do()

    shell.machine.cloud.after = told
