"""`switchboard backfill resume` and `pause` where the runs table says that a run goes on: its execution decides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.backfill.ledger import QUIET_SECONDS
from switchboard.schema import runs
from tests.fakes.messages_table import client_error
from tests.unit.backfill.runs_of import holds
from tests.unit.cli.backfill_shell import Shell


def aborted() -> tuple[Shell, str]:
    """A run that somebody stopped as soon as it had its table."""
    shell = Shell(90)
    run_id = shell.start()
    fields = shell.executions.inputs[run_id]
    shell.machine.call({"step": "plan", "run_id": run_id, "execution": f"arn:{run_id}", "input": fields})
    shell.executions.aborted.add(run_id)
    return shell, run_id


def test_a_run_whose_execution_was_stopped_is_resumed_a_minute_later() -> None:
    shell, run_id = aborted()
    early = shell.run("resume", run_id, "--wait")
    assert (early.exit_code, early.stdout) == (3, "")
    assert "wait a minute" in early.stderr
    shell.machine.clock.now += QUIET_SECONDS + 1
    done = shell.run("resume", run_id, "--wait")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["status"] == runs.SUCCEEDED
    assert None not in holds(shell.machine.cloud.things).values()


@pytest.mark.parametrize("words", [("pause",), ("rate", "80")])
def test_a_run_whose_execution_was_stopped_is_neither_paused_nor_paced(words: tuple[str, ...]) -> None:
    shell, run_id = aborted()
    command, *rest = words
    done = shell.run(command, run_id, *rest)
    assert (done.exit_code, done.stdout) == (3, "")
    assert "resume RUN" in done.stderr


def test_a_pause_is_not_taken_back_where_nobody_is_there_to_go_on() -> None:
    shell, run_id = aborted()
    shell.machine.ledger.pause(run_id)
    shell.machine.clock.now += QUIET_SECONDS + 1
    done = shell.run("resume", run_id, "--wait")
    assert done.exit_code == 0, done.stderr
    assert "does not pause" not in done.stderr
    assert None not in holds(shell.machine.cloud.things).values()


def test_an_execution_that_aws_has_forgotten_does_not_go_on() -> None:
    shell, run_id = aborted()
    shell.executions.aborted.clear()
    del shell.executions.inputs[run_id]
    shell.machine.clock.now += QUIET_SECONDS + 1
    assert shell.run("resume", run_id, "--wait").exit_code == 0


def test_where_an_execution_may_not_be_seen_the_runs_table_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    shell, run_id = aborted()

    def denied(**_: Any) -> Any:
        raise client_error("AccessDeniedException", "DescribeExecution")

    monkeypatch.setattr(shell.executions, "describe_execution", denied)
    assert shell.run("pause", run_id).exit_code == 0
    assert shell.machine.ledger.status(run_id).pausing
