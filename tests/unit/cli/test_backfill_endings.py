"""What a command of the backfill says where its run did not come to a good end: nothing that is not so."""

from __future__ import annotations

import itertools
import json
from typing import Any

from switchboard.backfill.records import LEASE_SECONDS
from switchboard.schema import runs
from tests.fakes.backfill_table import TABLE
from tests.unit.backfill.runs_of import VALUE, thing
from tests.unit.cli.backfill_shell import JOB, Shell, between_pages


def refusing(shell: Shell) -> None:
    shell.machine.cloud.things.refuse = lambda key: "ValidationError" if key[1] == "0000001" else None


def test_a_run_that_lost_its_table_on_its_way_does_not_say_that_nothing_was_changed() -> None:
    shell = Shell(90)

    def steal(name: str, _request: dict[str, Any]) -> None:
        if name == "scan" and shell.machine.cloud.things.calls["scan"] == 4:
            shell.machine.cloud.after = lambda *_: None
            shell.machine.clock.now += LEASE_SECONDS + 1
            fields = {"job": "set_attribute", "table": TABLE, "attribute": "test", "value": VALUE}
            shell.machine.call({"step": "plan", "run_id": "other", "execution": "arn:other", "input": fields})

    shell.machine.cloud.after = steal
    done = shell.run("start", *JOB, "--wait")
    assert shell.machine.cloud.things.updated
    assert (done.exit_code, done.stdout) == (3, "")
    assert "Nothing was changed" not in done.stderr
    assert "What was done stays done" in done.stderr
    assert "backfill resume" in done.stderr


def test_a_refused_start_says_that_nothing_was_changed() -> None:
    shell = Shell(90)
    first = shell.start()
    fields = shell.executions.inputs[first]
    shell.machine.call({"step": "plan", "run_id": first, "execution": f"arn:{first}", "input": fields})
    done = shell.run("start", *JOB, "--wait")
    assert done.exit_code == 3
    assert "Nothing was changed" in done.stderr


def test_the_report_of_a_run_that_is_not_verified_is_printed() -> None:
    shell = Shell()
    refusing(shell)
    done = shell.run("start", *JOB, "--wait")
    assert done.exit_code == 5
    (run_id,) = shell.executions.inputs
    assert json.loads(done.stdout) == shell.executions.ended[run_id].cause
    shown = shell.run("start", *JOB, "--wait", json_=False)
    assert "failed" in shown.stdout
    assert "{" not in shown.stderr


def test_an_undo_that_is_not_verified_is_not_to_be_replayed() -> None:
    shell = Shell()
    run_id = shell.start()
    shell.executions.run(run_id)
    refusing(shell)
    done = shell.run("undo", run_id, "--confirm", TABLE, "--wait")
    assert (done.exit_code, json.loads(done.stdout)["status"]) == (5, runs.FAILED)
    assert "replay" not in done.stderr
    assert "Undo the run again" in done.stderr


def test_a_paused_run_that_is_verified_is_not_said_to_have_writers_that_add_items() -> None:
    shell = Shell(90)
    run_id = shell.start()
    between_pages(shell, lambda: shell.run("pause", run_id))
    shell.executions.run(run_id)
    done = shell.run("verify", run_id)
    assert done.exit_code == 5
    assert "Writers keep" not in done.stderr
    assert "resume it" in done.stderr
    report = json.loads(done.stdout)
    assert report["missing_after"] > 0
    assert "rate" not in report


def test_what_is_left_of_an_undo_is_no_item_without_the_attribute() -> None:
    shell = Shell()
    run_id = shell.start()
    shell.executions.run(run_id)
    numbers = itertools.count()

    def give_again(name: str, _request: dict[str, Any]) -> None:
        if name == "batch_get_item":
            item = thing(next(numbers) % 30)
            shell.machine.cloud.things.items[item["pk"]["S"], item["sk"]["S"]] = {**item, "test": VALUE}

    shell.machine.cloud.before = give_again
    done = shell.run("undo", run_id, "--confirm", TABLE, "--wait")
    assert (done.exit_code, json.loads(done.stdout)["status"]) == (5, runs.INCOMPLETE)
    assert "without the attribute" not in done.stderr
