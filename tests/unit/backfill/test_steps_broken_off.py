"""What becomes of a run that broke off: who may have its table, and how it goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.constructs.backfill_function import TIMEOUT
from switchboard.backfill.errors import RunInProgress
from switchboard.backfill.records import INVOCATION_SECONDS, LEASE_SECONDS
from tests.fakes.backfill_cloud import BackfillCloud
from tests.fakes.backfill_machine import Ended, Machine
from tests.fakes.messages_table import client_error
from tests.unit.backfill.runs_of import VALUE, holds, things
from tests.unit.backfill.steps_of import INPUT, machine, plan, segment
from tests.unit.backfill.undone import UndoableTable

RESUME = {"job": "resume", "run": "run-1"}
UNDO = {"job": "undo", "run": "run-1"}


def throttled(name: str, _request: dict[str, Any]) -> None:
    if name == "scan":
        raise client_error("ThrottlingException", ResponseMetadata={"HTTPStatusCode": 400})


def nothing(_name: str, _request: dict[str, Any]) -> None:
    """Nothing happens around a call."""


def test_a_run_whose_workers_all_ended_early_goes_on_once_that_is_mended() -> None:
    made = machine(invocation_seconds=60)
    made.cloud.before = throttled
    assert made.start("run-1", INPUT).cause["message"].startswith("12 workers ended")
    still = made.start("again", RESUME)
    assert still.cause["message"].startswith("12 workers ended"), "each execution is given up after as many"
    made.cloud.before = nothing
    resumed = made.start("mended", RESUME)
    assert resumed.output, resumed
    assert resumed.output["status"] == "succeeded"
    assert None not in holds(made.cloud.things).values()


def test_nobody_undoes_a_broken_run_while_a_page_of_it_may_still_be_written() -> None:
    made = Machine(BackfillCloud(UndoableTable(things(300), page=20)))
    before = holds(made.cloud.things)
    state = plan(made, {**INPUT, "segments": 2})
    refused: list[Ended] = []
    broke_off: list[float] = []

    def fail(name: str, _request: dict[str, Any]) -> None:
        """Another segment fails the run while this one's page is about to be written."""
        if name == "batch_execute_statement":
            made.cloud.before = nothing
            failure = {"Error": "Systemic", "Cause": json.dumps({"errorMessage": "mend it"})}
            made.call({"step": "explain", "run_id": "run-1", "execution": "arn:run-1", "failure": failure})
            refused.append(made.start("undo-1", UNDO))
            broke_off.append(made.clock.now)

    made.cloud.before = fail
    with pytest.raises(RunInProgress, match=r"^fence: "):
        segment(made, state)
    assert VALUE in holds(made.cloud.things).values(), "the page was written after the run had broken off"
    made.clock.now = broke_off[0] + INVOCATION_SECONDS - 1
    refused.append(made.start("run-2", INPUT))
    assert [each.error for each in refused] == ["RunInProgress"] * 2
    assert [each.cause["message"] for each in refused] == [
        "table: a run that broke off may be writing its last pages: resume that run, or wait 15 minutes",
        "table: a run that broke off may be writing its last pages: resume that run, or wait 1 minute",
    ]
    made.clock.now += 2
    undone = made.start("undo-2", UNDO)
    assert undone.output, undone
    assert holds(made.cloud.things) == before


def test_a_broken_run_goes_on_at_once_and_lets_go_of_its_table_at_its_end() -> None:
    made = machine()
    made.cloud.things.refuse = lambda _key: "ResourceNotFound"
    assert made.start("run-1", INPUT).error == "Systemic"
    made.cloud.things.refuse = lambda _key: None
    assert made.start("run-2", INPUT).error == "RunInProgress"
    assert made.start("again", RESUME).output
    assert made.start("run-2", INPUT).output


def test_the_table_of_a_broken_run_is_kept_as_long_as_a_worker_may_live() -> None:
    assert TIMEOUT.to_seconds() <= INVOCATION_SECONDS < LEASE_SECONDS


def test_a_worker_keeps_its_table_as_long_as_it_lives_however_long_those_before_it_settled_nothing() -> None:
    made = machine(page=10)
    state = plan(made, INPUT)

    def slow(name: str, request: dict[str, Any]) -> None:
        made.clock.now += 5
        throttled(name, request)

    made.cloud.before = slow
    while made.clock.now < 1.5 * LEASE_SECONDS:
        with pytest.raises(ClientError):
            segment(made, state)
    made.cloud.before = nothing

    def other(name: str, _request: dict[str, Any]) -> None:
        if name == "scan":
            made.cloud.after = nothing
            assert made.start("run-2", INPUT).error == "RunInProgress"

    made.cloud.after = other
    assert segment(made, state)["more"] is False
    assert made.ledger.status("run-1").counters.scanned == 100
