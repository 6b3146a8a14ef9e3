from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.backfill.explain import MAX_CAUSE_BYTES, explained
from switchboard.backfill.records import INVOCATION_SECONDS
from switchboard.schema import runs
from tests.fakes.backfill_cloud import BackfillCloud
from tests.fakes.backfill_machine import Machine
from tests.fakes.backfill_table import TABLE, BackfillTable
from tests.unit.backfill.runs_of import VALUE, things

INPUT = {"job": "set_attribute", "table": TABLE, "attribute": "test", "value": VALUE}


def planned() -> Machine:
    made = Machine(BackfillCloud(BackfillTable(things(10))))
    made.call({"step": "plan", "run_id": "run-1", "execution": "arn:run-1", "input": INPUT})
    return made


def explain(made: Machine, error: str, cause: Any, *, execution: str = "arn:run-1") -> dict[str, str]:
    failure = {"Error": error, "Cause": cause}
    return explained(made.ledger, run_id="run-1", execution=execution, failure=failure)


def said(message: str) -> str:
    return json.dumps({"errorMessage": message, "errorType": "X", "stackTrace": ["secret"]})


@pytest.mark.parametrize("error", [each for each in runs.ERRORS if each != runs.VERIFICATION_FAILED])
def test_what_the_function_says_on_purpose_is_handed_on(error: str) -> None:
    made = planned()
    told = explain(made, error, said("field: expected another"))
    assert told == {"error": error, "cause": '{"message": "field: expected another"}'}
    status = made.ledger.status("run-1")
    assert (status.status, status.error, status.cause) == ("stopped", error, told["cause"])
    assert made.ledger.view("run-1", TABLE).lock.until == made.now().timestamp() + INVOCATION_SECONDS


@pytest.mark.parametrize(
    ("error", "cause", "kind"),
    [
        ("Sandbox.Timedout", said("secret"), "Sandbox.Timedout"),
        ("States.Timeout", None, "States.Timeout"),
        ("KeyError", said("secret"), "KeyError"),
        ("Systemic", "secret", "Systemic"),
        ("Systemic", "[1]", "Systemic"),
        ("é" * 10, said("secret"), "an unnamed error"),
        ("x" * 10_000, said("secret"), "an unnamed error"),
    ],
)
def test_anything_else_is_systemic_and_named_by_its_kind(error: str, cause: Any, kind: str) -> None:
    told = explain(planned(), error, cause)
    assert told["error"] == "Systemic"
    assert f"failed with {kind}:" in json.loads(told["cause"])["message"]
    assert "secret" not in told["cause"]


def test_a_verdict_is_handed_on_as_its_report() -> None:
    report = json.dumps({"status": "failed"})
    assert explain(planned(), "VerificationFailed", said(report)) == {"error": "VerificationFailed", "cause": report}


def test_a_cause_is_never_longer_than_a_failure_takes() -> None:
    told = explain(planned(), "VerificationFailed", said("ä" * MAX_CAUSE_BYTES))
    assert len(told["cause"].encode()) < MAX_CAUSE_BYTES


def test_a_run_of_another_execution_is_left_as_it_is() -> None:
    made = planned()
    assert explain(made, "RunInProgress", said("table: …"), execution="arn:another")["error"] == "RunInProgress"
    assert made.ledger.status("run-1").status == "running"


def test_a_run_that_never_began_is_explained_all_the_same() -> None:
    made = Machine(BackfillCloud(BackfillTable([])))
    assert explain(made, "InvalidInput", said("table: …"))["error"] == "InvalidInput"
    assert not made.cloud.kept.items


def test_what_a_segment_said_of_itself_stands_for_its_map() -> None:
    made = planned()
    first = explain(made, "Systemic", said("DynamoDB answers ResourceNotFoundException"))
    assert explain(made, "States.ExceedToleratedFailureThreshold", None) == first
    assert explain(made, "InvalidInput", said("other"))["error"] == "InvalidInput"
