"""What becomes of a run that broke off: who may have its table, and how it goes on."""

from __future__ import annotations

from typing import Any

from tests.fakes.messages_table import client_error
from tests.unit.backfill.runs_of import holds
from tests.unit.backfill.steps_of import INPUT, machine

RESUME = {"job": "resume", "run": "run-1"}


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
