"""`switchboard backfill` through the state machine, in memory: what is asked, what is shown, and what it ends with."""

from __future__ import annotations

import io
import itertools
import json
from typing import Any

import pytest
from rich.console import Console

from cli import output
from switchboard.schema import runs
from tests.fakes.backfill_table import TABLE
from tests.unit.backfill.runs_of import OTHER, VALUE, holds, thing
from tests.unit.cli.backfill_shell import JOB, Shell, between_pages


def test_start_names_the_execution_after_the_run_and_leaves_the_rest_to_the_plan() -> None:
    shell = Shell()
    run_id = shell.start("--max-write-units", "250")
    assert shell.executions.inputs == {
        run_id: {
            "job": "set_attribute",
            "table": TABLE,
            "attribute": "test",
            "value": VALUE,
            "max_write_units": 250.0,
        }
    }
    shown = shell.run("start", *JOB, json_=False)
    assert shown.stdout.strip() == list(shell.executions.inputs)[-1]


def test_waiting_ends_with_the_report_as_it_is() -> None:
    shell = Shell(described=3)
    done = shell.run("start", *JOB, "--wait")
    assert done.exit_code == 0, done.stderr
    (run_id,) = shell.executions.inputs
    assert json.loads(done.stdout) == shell.executions.ended[run_id].output
    assert None not in holds(shell.machine.cloud.things).values()


def test_a_plan_changes_nothing() -> None:
    shell = Shell()
    before = holds(shell.machine.cloud.things)
    done = shell.run("plan", *JOB)
    assert (done.exit_code, json.loads(done.stdout)["status"]) == (0, runs.PLANNED)
    assert shell.asked()["dry_run"] is True
    assert holds(shell.machine.cloud.things) == before


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--job", "drop_table"), 2, "There is no such job."),
        (("--table", TABLE, "--attribute", "test"), 2, "--value"),
        (("--job", "import_legacy_cdr", "--table", "old"), 2, "--before"),
        (("--job", "rename_user"), 2, "--user"),
        ((*JOB, "--before", "2026-11-01T00:00:00Z"), 2, "--before means nothing to set_attribute"),
        (("--job", "rename_user", "--user", "u", "--table", TABLE), 2, "--table means nothing to rename_user"),
        ((*JOB, "--checkpoint", "at.json"), 2, "--inline"),
        ((*JOB, "--read-from", "memory"), 2, "Give scan or export."),
        ((*JOB, "--read-from", "export", "--inline"), 2, "in the stage only"),
        (("--job", "rename_user", "--user", "u", "--read-from", "scan"), 2, "--read-from means nothing to rename_user"),
        (("--job", "rename_user", "--user", "u", "--inline"), 2, "in the stage only"),
    ],
)
def test_what_a_job_lacks_or_does_not_know_is_said_before_anything_starts(
    words: tuple[str, ...], code: int, says: str
) -> None:
    shell = Shell()
    done = shell.run("start", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert says in done.stderr
    assert not shell.executions.inputs


@pytest.mark.parametrize("command", ["start", "plan"])
def test_a_first_pass_may_read_an_export(command: str) -> None:
    shell = Shell()
    shell.run(command, *JOB, "--read-from", "export")
    assert shell.asked()["read_from"] == "export"
    shell.run(command, *JOB, "--read-from", "scan")
    assert shell.asked()["read_from"] == "scan"


def test_every_job_is_asked_for_in_its_own_fields() -> None:
    shell = Shell()
    at = "2026-11-01T00:00:00Z"
    shell.run("start", "--job", "import_legacy_cdr", "--table", "old", "--before", at, "--mapping", "mappings/m.json")
    assert shell.asked() == {"job": "import_legacy_cdr", "source": "old", "before": at, "mapping": "mappings/m.json"}
    shell.run("start", "--job", "rename_user", "--user", "u-1")
    assert shell.asked() == {"job": "rename_user", "user_uuid": "u-1"}


def test_a_refusal_names_its_error_and_ends_with_3() -> None:
    shell = Shell()
    shell.machine.cloud.things.recovery = "DISABLED"
    done = shell.run("start", *JOB, "--wait")
    assert (done.exit_code, done.stdout) == (3, "")
    assert runs.RECOVERY_OFF in done.stderr
    assert "point-in-time recovery" in done.stderr
    assert "{" not in done.stderr


def test_a_refusal_is_told_without_waiting_for_the_end() -> None:
    shell = Shell()
    shell.machine.cloud.things.recovery = "DISABLED"
    done = shell.run("start", *JOB)
    assert (done.exit_code, done.stdout) == (3, "")
    assert runs.RECOVERY_OFF in done.stderr


def test_a_run_that_was_started_is_found_at_once() -> None:
    shell = Shell(described=5)
    plan: list[Any] = []

    def planned() -> None:
        if not plan and shell.executions.inputs:
            (run_id,) = shell.executions.inputs
            fields = shell.executions.inputs[run_id]
            request = {"step": "plan", "run_id": run_id, "execution": f"arn:{run_id}", "input": fields}
            plan.append(shell.machine.call(request))

    shell.sleeping = planned
    done = shell.run("start", *JOB)
    assert (done.exit_code, json.loads(done.stdout)["status"]) == (0, runs.RUNNING)
    assert plan
    assert not shell.executions.ended


def test_a_table_that_goes_away_stops_the_run_and_says_how_it_goes_on() -> None:
    shell = Shell()
    shell.machine.cloud.things.refuse = lambda _key: "ResourceNotFound"
    done = shell.run("start", *JOB, "--wait")
    assert done.exit_code == 3
    assert "ResourceNotFound" in done.stderr
    assert "resume" in done.stderr
    (run_id,) = shell.executions.inputs
    stopped = shell.run("status", run_id)
    assert (stopped.exit_code, json.loads(stopped.stdout)["status"]) == (5, runs.STOPPED)


def test_what_is_not_verified_ends_with_5_and_replay_tries_it_again() -> None:
    shell = Shell()
    shell.machine.cloud.things.refuse = lambda key: "ValidationError" if key[1] == "0000001" else None
    done = shell.run("start", *JOB, "--wait")
    assert done.exit_code == 5
    assert "replay" in done.stderr
    (run_id,) = shell.executions.inputs
    shell.machine.cloud.things.refuse = lambda _key: None
    again = shell.run("replay", run_id, "--wait")
    assert again.exit_code == 0, again.stderr
    assert json.loads(again.stdout)["counters"]["updated"] == 1
    assert shell.asked() == {"job": "replay", "run": run_id}


def test_an_execution_that_somebody_stops_ends_with_5() -> None:
    shell = Shell(described=5)
    shell.sleeping = lambda: shell.executions.aborted.update(shell.executions.inputs)
    done = shell.run("start", *JOB, "--wait")
    assert done.exit_code == 5
    assert "ABORTED" in done.stderr


def test_status_tells_how_a_run_ended() -> None:
    shell = Shell()
    run_id = shell.start()
    shell.executions.run(run_id)
    done = shell.run("status", run_id)
    assert done.exit_code == 0
    shown = json.loads(done.stdout)
    assert shown["counters"] == {"scanned": 30, "updated": 20, "already": 10, "deleted": 0, "failed": 0}
    assert (shown["status"], shown["missing"], shown["remaining_seconds"]) == (runs.SUCCEEDED, 0, None)
    assert shown["report"] == shell.executions.ended[run_id].output
    table = shell.run("status", run_id, json_=False).stdout
    assert "items per second" in table
    assert "report" not in table


def test_a_run_of_another_id_is_not_found() -> None:
    shell = Shell()
    for command in ("status", "pause", "resume", "undo"):
        done = shell.run(command, "no-such-run")
        assert done.exit_code == 4, command
        assert "There is no run of that id." in done.stderr
        assert "no-such-run" not in done.stderr


def test_a_run_is_paused_and_resumed() -> None:
    shell = Shell(90)
    run_id = shell.start()
    paused: list[Any] = []
    between_pages(shell, lambda: paused.append(shell.run("pause", run_id, json_=False)))
    ended = shell.executions.run(run_id)
    assert paused[0].exit_code == 0, paused[0].stderr
    assert ended.output is not None
    assert ended.output["status"] == runs.PAUSED
    assert None in holds(shell.machine.cloud.things).values()
    shown = shell.run("status", run_id)
    assert (shown.exit_code, json.loads(shown.stdout)["pausing"]) == (5, False)
    again = shell.run("pause", run_id, json_=False)
    assert again.exit_code == 3

    resumed = shell.run("resume", run_id, "--wait")
    assert resumed.exit_code == 0, resumed.stderr
    assert json.loads(resumed.stdout)["run_id"] == run_id
    assert shell.asked() == {"job": "resume", "run": run_id}
    assert None not in holds(shell.machine.cloud.things).values()
    over = shell.run("resume", run_id)
    assert (over.exit_code, over.stdout) == (3, "")


def test_a_pause_that_has_not_taken_effect_is_taken_back_without_another_execution() -> None:
    shell = Shell(90)
    run_id = shell.start()
    codes: list[int] = []

    def hesitate() -> None:
        codes.append(shell.run("resume", run_id).exit_code)
        codes.append(shell.run("pause", run_id, json_=False).exit_code)
        codes.append(shell.run("resume", run_id).exit_code)

    between_pages(shell, hesitate)
    ended = shell.executions.run(run_id)
    assert codes == [3, 0, 0]
    assert ended.output is not None
    assert ended.output["status"] == runs.SUCCEEDED
    assert list(shell.executions.inputs) == [run_id]


def test_a_rate_changes_while_a_run_works_and_not_afterwards() -> None:
    shell = Shell(90)
    run_id = shell.start("--max-write-units", "40")
    said: list[Any] = []
    between_pages(shell, lambda: said.append(shell.run("rate", run_id, "80", json_=False)))
    shell.executions.run(run_id)
    assert said[0].exit_code == 0, said[0].stderr
    assert "From 40 to 80" in said[0].stderr
    assert not said[0].stdout
    assert json.loads(shell.run("status", run_id).stdout)["max_write_units"] == 80
    assert shell.run("rate", run_id, "90", json_=False).exit_code == 3
    assert shell.run("rate", run_id, "0", json_=False).exit_code == 2


def test_pause_and_rate_answer_how_the_run_stands() -> None:
    shell = Shell(90)
    run_id = shell.start("--max-write-units", "40")
    told: list[dict[str, Any]] = []

    def change() -> None:
        for words in (("rate", run_id, "80"), ("pause", run_id), ("resume", run_id)):
            done = shell.run(*words)
            assert done.exit_code == 0, done.stderr
            told.append(json.loads(done.stdout))

    between_pages(shell, change)
    shell.executions.run(run_id)
    assert [(each["run_id"], each["status"]) for each in told] == [(run_id, runs.RUNNING)] * 3
    assert [each["max_write_units"] for each in told] == [80] * 3
    assert [each["pausing"] for each in told] == [False, True, False]


@pytest.mark.parametrize(
    "words", [("plan", *JOB), ("plan", *JOB, "--inline"), ("start", *JOB), ("start", *JOB, "--wait")]
)
def test_a_terminal_tells_that_it_is_planned_from_the_beginning(
    monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    shell = Shell()
    terminal = Console(file=io.StringIO(), force_terminal=True, width=120)
    monkeypatch.setattr(output, "progress", lambda: terminal)
    assert shell.run(*words).exit_code == 0
    assert isinstance(terminal.file, io.StringIO)
    assert "Planning" in terminal.file.getvalue()


def test_writers_that_never_stop_end_it_with_5_and_say_why() -> None:
    shell = Shell()
    numbers = itertools.count(1_000)

    def add(name: str, _request: dict[str, Any]) -> None:
        if name == "scan":
            item = thing(next(numbers))
            shell.machine.cloud.things.items[item["pk"]["S"], item["sk"]["S"]] = item

    shell.machine.cloud.before = add
    done = shell.run("start", *JOB, "--wait")
    assert done.exit_code == 5
    assert json.loads(done.stdout)["status"] == runs.INCOMPLETE
    assert "Writers keep adding items" in done.stderr
    assert OTHER in holds(shell.machine.cloud.things).values()


def test_verify_counts_what_a_run_should_have_left() -> None:
    shell = Shell()
    run_id = shell.start()
    shell.executions.run(run_id)
    done = shell.run("verify", run_id, "--max-read-units", "50")
    assert (done.exit_code, json.loads(done.stdout)["missing_after"]) == (0, 0)
    assert shell.asked() == {"job": "verify", "run": run_id, "max_read_units": 50.0}
    late = thing(1_000)
    shell.machine.cloud.things.items[late["pk"]["S"], late["sk"]["S"]] = late
    again = shell.run("verify", run_id)
    assert (again.exit_code, json.loads(again.stdout)["missing_after"]) == (5, 1)


@pytest.mark.parametrize("words", [(), ("run-1", "--table", TABLE), ("--table", TABLE)])
def test_verify_wants_a_run_or_a_table_and_an_attribute(words: tuple[str, ...]) -> None:
    done = Shell().run("verify", *words)
    assert (done.exit_code, done.stdout) == (2, "")
