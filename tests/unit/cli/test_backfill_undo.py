"""`switchboard backfill undo`: whose name has to be typed, and what is taken back."""

from __future__ import annotations

import pytest

from tests.fakes.backfill_table import TABLE
from tests.unit.backfill.runs_of import holds
from tests.unit.cli.backfill_shell import Shell


@pytest.mark.parametrize("typed", ["", "another\n"])
def test_undo_changes_nothing_where_the_name_is_not_typed(typed: str) -> None:
    shell = Shell()
    run_id = shell.start()
    shell.executions.run(run_id)
    refused = shell.run("undo", run_id, "--wait", typed=typed)
    assert refused.exit_code == 3
    assert "--confirm" in refused.stderr
    assert None not in holds(shell.machine.cloud.things).values()
    assert shell.run("undo", run_id, "--wait", typed=TABLE + "\n").exit_code == 0


def test_undo_wants_the_tables_name_and_takes_back_what_the_run_changed() -> None:
    shell = Shell()
    before = holds(shell.machine.cloud.things)
    run_id = shell.start()
    shell.executions.run(run_id)
    refused = shell.run("undo", run_id, "--confirm", "another", "--wait")
    assert refused.exit_code == 3
    assert None not in holds(shell.machine.cloud.things).values()
    done = shell.run("undo", run_id, "--confirm", TABLE, "--wait")
    assert done.exit_code == 0, done.stderr
    assert shell.asked() == {"job": "undo", "run": run_id, "uncertain": False}
    assert holds(shell.machine.cloud.things) == before
    shell.run("undo", run_id, "--confirm", TABLE, "--uncertain")
    assert shell.asked()["uncertain"] is True
