"""What the steps answer, and how an execution ends."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.backfill.errors import InvalidInput, NotATarget, RecoveryOff, RunInProgress, Systemic
from switchboard.backfill.ledger import QUIET_SECONDS
from switchboard.backfill.pace import PAGE_SECONDS
from switchboard.backfill.records import LEASE_SECONDS
from tests.fakes.backfill_cloud import BackfillCloud
from tests.fakes.backfill_machine import Machine, place
from tests.fakes.backfill_table import TABLE, BackfillTable
from tests.fakes.messages_table import client_error
from tests.unit.backfill.runs_of import OTHER, VALUE, holds, thing
from tests.unit.backfill.steps_of import INPUT, lock_until, machine, plan, segment


def test_a_run_is_planned_settled_verified_and_reported() -> None:
    made = machine(3_000)
    before = holds(made.cloud.things)
    ended = made.start("run-1", {**INPUT, "segments": 3})
    assert ended.output == {
        "run_id": "run-1",
        "status": "succeeded",
        "counters": {"scanned": 3_000, "updated": 2_000, "already": 1_000, "deleted": 0, "failed": 0},
        "missing_after": 0,
        "write_units": 2_000.0,
        "read_units": 4_500.0,
        "seconds": ended.output["seconds"] if ended.output else None,
        "passes": 1,
    }
    assert holds(made.cloud.things) == {key: value or VALUE for key, value in before.items()}
    assert json.loads(made.cloud.bucket.objects["runs/run-1/report.json"]) == ended.output
    assert sum(after.counters.updated - before.counters.updated for before, after in made.counted) == 2_000
    status = made.ledger.status("run-1")
    assert (status.status, status.report, status.error) == ("succeeded", ended.output, None)
    assert lock_until(made) == 0


def test_a_second_run_writes_nothing() -> None:
    made = machine()
    made.start("run-1", INPUT)
    again = made.start("run-2", INPUT)
    assert again.output
    assert again.output["counters"] == {"scanned": 100, "updated": 0, "already": 100, "deleted": 0, "failed": 0}
    assert again.output["write_units"] == 0
    assert made.ledger.record("run-2").fence == 2


def test_the_plan_answers_ids_alone() -> None:
    made = machine(20_000)
    assert plan(made, {**INPUT, "max_write_units": 2_000}) == {
        "run_id": "run-1",
        "fence": 1,
        "phase": "work",
        "pass": 1,
        "segments": [0, 1, 2, 3],
        "concurrency": 4,
        "distributed": False,
        "planned": None,
    }


def test_a_dry_run_locks_and_changes_nothing() -> None:
    made = machine()
    made.cloud.things.description |= {"TableSizeBytes": 100_000}
    ended = made.start("run-1", {**INPUT, "dry_run": True})
    assert ended.output
    assert (ended.output["run_id"], ended.output["status"]) == ("run-1", "planned")
    assert not made.cloud.kept.items
    assert not made.cloud.things.updated


@pytest.mark.parametrize(
    ("fields", "error", "names"),
    [
        ({**INPUT, "table": "somebody-else's"}, NotATarget, "table"),
        ({**INPUT, "attribute": "pk"}, InvalidInput, "attribute"),
        ({**INPUT, "attribute": "seen"}, InvalidInput, "attribute"),
        ({**INPUT, "attribute": 'a"b'}, InvalidInput, "attribute"),
        ({**INPUT, "value": "secret"}, InvalidInput, "value"),
        ({**INPUT, "value": {"N": "secret"}}, InvalidInput, "value"),
        ({**INPUT, "secret": "secret"}, InvalidInput, "input"),
        ({**INPUT, "segments": 0}, InvalidInput, "segments"),
        ({**INPUT, "segments": True}, InvalidInput, "segments"),
        ({**INPUT, "max_write_units": "secret"}, InvalidInput, "max_write_units"),
        ({**INPUT, "max_write_units": 0}, InvalidInput, "max_write_units"),
        ({**INPUT, "max_read_units": True}, InvalidInput, "max_read_units"),
        ({**INPUT, "dry_run": "secret"}, InvalidInput, "dry_run"),
        ({**INPUT, "job": "secret"}, InvalidInput, "job"),
        ({"table": TABLE}, InvalidInput, "job"),
        ({"job": "set_attribute"}, InvalidInput, "table"),
        ({"job": "resume", "run": "secret"}, InvalidInput, "run"),
        ({"job": "resume", "run": 7}, InvalidInput, "run"),
        ("secret", InvalidInput, "input"),
    ],
)
def test_what_is_refused_is_named_and_never_repeated(fields: Any, error: type[Exception], names: str) -> None:
    made = machine()
    with pytest.raises(error, match=f"^{names}: expected ") as refused:
        plan(made, fields)
    assert "secret" not in str(refused.value)
    assert not made.cloud.kept.items
    ended = made.start("run-1", fields)
    assert (ended.output, ended.error) == (None, error.__name__)
    assert ended.cause == {"message": str(refused.value)}


@pytest.mark.parametrize("name", ["user.name", "select", "größe", "a b"])
def test_an_attribute_may_have_any_printable_name(name: str) -> None:
    made = machine()
    ended = made.start("run-1", {**INPUT, "attribute": name})
    assert ended.output
    assert ended.output["counters"]["updated"] == 100
    assert holds(made.cloud.things, name) == dict.fromkeys(made.cloud.things.items, VALUE)


def test_a_table_without_recovery_is_refused() -> None:
    made = machine()
    made.cloud.things.recovery = "DISABLED"
    with pytest.raises(RecoveryOff):
        plan(made, INPUT)
    assert made.start("run-1", INPUT).error == "RecoveryOff"


@pytest.mark.parametrize("request_", [None, [], {}, {"step": "begin"}, {"step": 7}])
def test_a_request_without_a_step_is_refused(request_: Any) -> None:
    with pytest.raises(InvalidInput):
        machine().call(request_)


# --- one run at a time ----------------------------------------------------------------------------------------------


def test_a_table_takes_one_run_at_a_time() -> None:
    made = machine()
    state = plan(made, INPUT)
    with pytest.raises(RunInProgress, match=r"^table: another run holds this table"):
        plan(made, INPUT, name="run-2")
    assert made.start("run-2", INPUT).error == "RunInProgress"
    assert segment(made, state)["more"] is False, "the refused execution left the run as it was"


def test_a_plan_that_is_asked_again_answers_the_same() -> None:
    made = machine()
    assert plan(made, INPUT) == plan(made, INPUT)
    with pytest.raises(InvalidInput, match=r"^run_id: "):
        made.call({"step": "plan", "run_id": "run-1", "execution": "arn:another", "input": INPUT})


def test_a_lock_outlives_its_holder_by_its_lease() -> None:
    made = machine()
    state = plan(made, INPUT)
    made.clock.now = LEASE_SECONDS - 1
    with pytest.raises(RunInProgress):
        plan(made, INPUT, name="run-2")
    made.clock.now = LEASE_SECONDS
    assert plan(made, INPUT, name="run-2")["fence"] == 2
    with pytest.raises(RunInProgress, match=r"^fence: "):
        segment(made, state)
    assert made.ledger.status("run-1").status == "stopped", "nobody works on it"


def test_a_worker_gives_signs_of_life() -> None:
    made = machine(2_000, page=2_000)
    state = plan(made, {**INPUT, "max_write_units": 10})
    before = lock_until(made)
    made.invocation_seconds = 120
    assert segment(made, state)["more"] is True
    assert lock_until(made) > before + 30


def test_a_run_goes_on_until_its_execution_is_quiet() -> None:
    made = machine()
    state = plan(made, INPUT)
    with pytest.raises(RunInProgress, match=r"^run: this run goes on"):
        plan(made, {"job": "resume", "run": "run-1"}, name="resumed")
    made.clock.now = QUIET_SECONDS + 1
    resumed = plan(made, {"job": "resume", "run": "run-1"}, name="resumed")
    assert (resumed["run_id"], resumed["fence"]) == ("run-1", 2)
    assert plan(made, {"job": "resume", "run": "run-1"}, name="resumed") == resumed
    for request in (
        {"step": "segment", **place(state), "segment": 0},
        {"step": "verify", **place(state)},
        {"step": "report", "run_id": "run-1", "fence": 1},
    ):
        with pytest.raises(RunInProgress, match=r"^fence: "):
            made.call(request)


def test_the_fence_of_an_execution_that_lost_its_run_explains_and_keeps_nothing() -> None:
    made = machine()
    plan(made, INPUT)
    made.clock.now = QUIET_SECONDS + 1
    plan(made, {"job": "resume", "run": "run-1"}, name="resumed")
    failure = {"Error": "RunInProgress", "Cause": json.dumps({"errorMessage": "fence: …"})}
    told = made.call({"step": "explain", "run_id": "run-1", "execution": "arn:run-1", "failure": failure})
    assert told["error"] == "RunInProgress"
    assert made.ledger.status("run-1").status == "running"


def test_a_worker_that_lost_its_run_settles_no_further_page() -> None:
    made = machine(page=10)
    state = plan(made, INPUT)

    def resume(name: str, _request: dict[str, Any]) -> None:
        if name == "scan" and made.cloud.things.calls["scan"] == 3:
            made.clock.now += QUIET_SECONDS + 1
            plan(made, {"job": "resume", "run": "run-1"}, name="resumed")

    made.cloud.after = resume
    with pytest.raises(RunInProgress, match=r"^fence: "):
        segment(made, state)
    assert made.cloud.things.calls["scan"] == 3


def test_a_run_that_is_paused_in_its_count_has_no_verdict() -> None:
    made = machine(page=10)

    def pause(name: str, _request: dict[str, Any]) -> None:
        if name == "scan" and made.cloud.things.calls["scan"] == 15:
            made.ledger.pause("run-1")

    made.cloud.after = pause
    paused = made.start("run-1", INPUT)
    assert paused.output
    assert (paused.output["status"], paused.output["missing_after"]) == ("paused", None)
    assert paused.output["counters"]["scanned"] == 100


# --- segments -------------------------------------------------------------------------------------------------------


def test_a_segment_is_handed_back_before_the_invocation_ends() -> None:
    made = machine(3_000, page=4_000, invocation_seconds=100)
    state = plan(made, {**INPUT, "max_write_units": 10})
    calls = 0
    while segment(made, state)["more"]:
        calls += 1
        assert calls < 20
    assert calls >= 2
    assert made.ledger.status("run-1").counters.updated == 2_000
    assert set(made.cloud.things.updated.values()) == {1}, "no page was cut off"


def test_a_page_holds_as_much_as_its_budget_pays_for_however_little_the_pages_before_it_had_to_do() -> None:
    later = [thing(number, **({"test": OTHER} if number % 5 < 4 else {})) for number in range(2_000)]
    made = Machine(BackfillCloud(BackfillTable(later, page=4_000)))
    ended = made.start("run-1", {**INPUT, "max_write_units": 5})
    assert ended.output
    assert ended.output["counters"]["updated"] == 400
    pages = [(after.counters, before.counters) for before, after in made.counted]
    assert max(after.updated - before.updated for after, before in pages) <= 2 * 5 * PAGE_SECONDS
    assert max(after.scanned - before.scanned for after, before in pages) > 1_000, "what needs nothing is no burden"


def test_a_segment_that_is_done_is_done() -> None:
    made = machine()
    state = plan(made, INPUT)
    assert segment(made, state) == {**place(state), "segment": 0, "more": False}
    scans = made.cloud.things.calls["scan"]
    assert segment(made, state)["more"] is False
    following = made.call({"step": "verify", **place(state)})
    assert (following["next"], following["phase"], following["pass"]) == ("count", "count", 1)
    assert made.call({"step": "verify", **place(state)}) == following
    assert segment(made, state)["more"] is False, "the phase is over"
    assert made.cloud.things.calls["scan"] == scans


@pytest.mark.parametrize("number", [-1, 1, "0", None, True])
def test_a_segment_that_the_run_does_not_have_is_refused(number: Any) -> None:
    made = machine()
    state = plan(made, INPUT)
    with pytest.raises(InvalidInput, match=r"^segment: "):
        segment(made, state, number)


def test_verify_sends_back_what_is_not_done() -> None:
    made = machine()
    state = plan(made, {**INPUT, "segments": 2})
    segment(made, state, 1)
    assert made.call({"step": "verify", **place(state)})["next"] == "work"


def test_a_budget_is_shared_by_those_who_work() -> None:
    made = machine(400, page=400)
    state = plan(made, {**INPUT, "segments": 2, "max_write_units": 10})
    seconds: list[float] = []
    of_second: list[int] = []

    def both(name: str, _request: dict[str, Any]) -> None:
        if name == "scan" and not seconds:
            seconds.append(0.0)
            made.invocation_seconds = 900
            segment(made, state, 1)
            seconds.append(made.clock.now)
            of_second.append(len(made.cloud.things.updated))

    made.cloud.before = both
    segment(made, state, 0)
    status = made.ledger.status("run-1")
    assert status.counters.updated == 266
    assert made.ledger.record("run-1").unfinished == 0
    assert of_second[0] > 50
    assert seconds[1] > 0.8 * of_second[0] / 5, "a second worker has half of the ten units per second"


def test_a_deleted_table_stops_the_run_and_lets_go_of_it() -> None:
    made = machine(page=10)

    def gone(name: str, _request: dict[str, Any]) -> None:
        if name == "scan" and made.cloud.things.calls["scan"] == 3:
            raise client_error("ResourceNotFoundException")

    made.cloud.before = gone
    ended = made.start("run-1", INPUT)
    assert ended.error == Systemic.__name__
    assert "ResourceNotFoundException" in ended.cause["message"]
    status = made.ledger.status("run-1")
    assert (status.status, status.error) == ("stopped", "Systemic")
    assert status.counters.scanned == 30
    made.cloud.before = lambda _name, _request: None
    resumed = made.start("again", {"job": "resume", "run": "run-1"})
    assert resumed.output
    assert resumed.output["counters"]["scanned"] == 100
    assert made.ledger.status("run-1").error is None


def test_a_table_that_lets_nothing_through_stops_the_run_in_the_end() -> None:
    made = machine(invocation_seconds=60)

    def busy(name: str, _request: dict[str, Any]) -> None:
        if name == "scan":
            made.clock.now += 50
            raise client_error("ThrottlingException", ResponseMetadata={"HTTPStatusCode": 400})

    made.cloud.before = busy
    ended = made.start("run-1", INPUT)
    assert ended.error == "Systemic"
    assert ended.cause["message"].startswith("12 workers ended one after another before they settled a page")
    assert made.cloud.things.calls["scan"] <= 12 * 2


# --- operators ------------------------------------------------------------------------------------------------------
