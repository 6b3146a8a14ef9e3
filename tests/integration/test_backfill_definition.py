"""The state machine's definition by itself: what it asks of its function, in which order, and how each answer goes on.

The function is a stand-in that answers from a script. How the real one does it is in `test_backfill_machine`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from infra.constructs.backfill_definition import FUNCTION, definition
from infra.constructs.backfill_retries import TOO_MANY_REQUESTS
from local_cloud.cloud import LocalCloud
from switchboard.schema import runs
from tests.conformance.machines import executed, function_arn, machine
from tests.conformance.scenarios import allow, fresh, function, table

if TYPE_CHECKING:
    from collections.abc import Iterator

SOURCE: Final = """
import botocore.session, json, os, time
PARTS = ("run_id", "fence", "phase", "pass", "segment")
client = botocore.session.get_session().create_client("dynamodb")
def handle(event, context):
    asked = ":".join(str(event[part]) for part in ("step", "phase", "pass", "segment") if part in event)
    kept = {"TableName": os.environ["TABLE"]}
    def key(sort_key):
        return {"pk": {"S": event["run_id"]}, "sk": {"S": sort_key}}
    request = {**key(f"REQUEST#{time.time_ns():020}"), "request": {"S": json.dumps(event)}}
    client.put_item(**kept, Item=request)
    one = {":one": {"N": "1"}}
    counted = client.update_item(
        **kept, Key=key(asked), UpdateExpression="ADD calls :one", ExpressionAttributeValues=one, ReturnValues="ALL_NEW"
    )
    script = json.loads(client.get_item(**kept, Key=key("SCRIPT"))["Item"]["script"]["S"])
    answers = script.get(asked) or script[event["step"]]
    answer = answers[min(int(counted["Attributes"]["calls"]["N"]), len(answers)) - 1]
    if isinstance(answer, str):
        raise type(answer, (Exception,), {})("as the script says")
    return {**{part: event[part] for part in PARTS if part in event}, **answer}
"""
"""Keeps what it is asked, and answers with what the run's script has for the step, the last answer again and again."""

STARTED: Final = {
    "fence": 7,
    "segments": [0, 1, 2],
    "concurrency": 2,
    "distributed": False,
    "phase": runs.WORK,
    "pass": 1,
    "planned": None,
}
OF_A_RUN: Final = {name: STARTED[name] for name in ("segments", "concurrency", "distributed")}
SCRIPT: Final[dict[str, list[Any]]] = {
    runs.PLAN: [STARTED],
    runs.SEGMENT: [{"more": False}],
    f"{runs.VERIFY}:{runs.WORK}:1": [{**OF_A_RUN, "next": runs.COUNT, "phase": runs.COUNT}],
    f"{runs.VERIFY}:{runs.COUNT}:1": [{**OF_A_RUN, "next": runs.REPORT}],
    runs.REPORT: [{"status": runs.SUCCEEDED}],
    runs.EXPLAIN: [{"error": "NotATarget", "cause": '{"message": "explained"}'}],
}
INPUT: Final = {"job": runs.SET_ATTRIBUTE}


@dataclass(frozen=True)
class StandIn:
    """A machine whose function answers from scripts, and the table of the scripts."""

    cloud: LocalCloud
    table: str
    machine: str


class Scripted:
    """One run of the machine, and what its function was asked."""

    def __init__(self, stand_in: StandIn, script: dict[str, Any], *, resumes: str | None = None) -> None:
        self.cloud = stand_in.cloud
        self._stand_in = stand_in
        self.name = fresh("run")
        self._names = [self.name, *([resumes] if resumes else [])]
        for name in self._names:
            text = json.dumps({**SCRIPT, **script})
            item = {"pk": {"S": name}, "sk": {"S": "SCRIPT"}, "script": {"S": text}}
            self.cloud.client("dynamodb").put_item(TableName=stand_in.table, Item=item)

    def run(self, payload: Any = INPUT) -> dict[str, Any]:
        """The description of an execution that has ended; its name is that of the run."""
        self.ended = executed(self.cloud, self._stand_in.machine, payload, self.name)
        return self.ended

    def requests(self, step: str | None = None) -> list[dict[str, Any]]:
        """What the function was asked, in its order."""
        paginator = self.cloud.client("dynamodb").get_paginator("query")
        items = [
            item
            for name in self._names
            for page in paginator.paginate(
                TableName=self._stand_in.table,
                KeyConditionExpression="pk = :pk AND begins_with(sk, :request)",
                ExpressionAttributeValues={":pk": {"S": name}, ":request": {"S": "REQUEST#"}},
            )
            for item in page["Items"]
        ]
        found = [json.loads(item["request"]["S"]) for item in sorted(items, key=lambda item: str(item["sk"]["S"]))]
        return [request for request in found if step in (None, request["step"])]


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    """The machine on a cloud where nobody waits between retries."""
    with LocalCloud.start(settings={"SFN_WAIT_SCALE": "0.001"}) as cloud:
        scripts = table(cloud)
        actions = ["dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:PutItem"]
        environment = {"Variables": {"TABLE": scripts}}
        name = function(cloud, SOURCE, allow(actions, "*"), Timeout=30, Environment=environment)
        text = json.dumps(definition(960)).replace(FUNCTION, function_arn(cloud, name))
        yield StandIn(cloud, scripts, machine(cloud, json.loads(text)))


def test_a_run_is_planned_worked_on_counted_and_reported(stand_in: StandIn) -> None:
    scripted = Scripted(stand_in, {})
    ended = scripted.run()
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"]) == {"run_id": scripted.name, "fence": 7, "status": runs.SUCCEEDED}
    requests = scripted.requests()
    run = {"run_id": scripted.name, "fence": 7}
    began = {"step": "plan", "run_id": scripted.name, "execution": ended["executionArn"], "input": INPUT}
    assert requests[0] == began
    for phase, asked in ((runs.WORK, requests[1:5]), (runs.COUNT, requests[5:9])):
        of_phase = {**run, "phase": phase, "pass": 1}
        assert sorted(asked[:3], key=lambda request: int(request["segment"])) == [
            {"step": "segment", **of_phase, "segment": segment} for segment in range(3)
        ]
        assert asked[3] == {"step": "verify", **of_phase}
    assert requests[9:] == [{"step": "report", **run}]


def test_a_dry_run_answers_with_its_plan_and_asks_nothing_more(stand_in: StandIn) -> None:
    scripted = Scripted(stand_in, {runs.PLAN: [{**STARTED, "planned": {"status": runs.PLANNED, "items": 5}}]})
    assert json.loads(scripted.run()["output"]) == {"status": runs.PLANNED, "items": 5}
    assert [request["step"] for request in scripted.requests()] == [runs.PLAN]


def test_a_segment_is_called_until_it_is_done(stand_in: StandIn) -> None:
    scripted = Scripted(stand_in, {"segment:work:1:1": [{"more": True}, {"more": True}, {"more": False}]})
    assert scripted.run()["status"] == "SUCCEEDED"
    worked = [request["segment"] for request in scripted.requests(runs.SEGMENT) if request["phase"] == runs.WORK]
    assert sorted(worked) == [0, 1, 1, 1, 2]


def test_what_is_missing_after_a_count_is_worked_on_again_with_the_segments_that_verify_names(
    stand_in: StandIn,
) -> None:
    again = {**OF_A_RUN, "segments": [1], "next": runs.WORK, "phase": runs.WORK, "pass": 2}
    scripted = Scripted(
        stand_in,
        {"verify:count:1": [again], "verify:work:2": [{**again, "next": runs.REPORT}]},
    )
    assert scripted.run()["status"] == "SUCCEEDED"
    second = [request for request in scripted.requests(runs.SEGMENT) if request["pass"] == 2]
    assert [(request["phase"], request["segment"]) for request in second] == [(runs.WORK, 1)]


def test_a_resumed_run_goes_on_under_its_own_name_from_where_it_stood(stand_in: StandIn) -> None:
    counting = {**STARTED, "run_id": "earlier", "fence": 9, "phase": runs.COUNT}
    scripted = Scripted(stand_in, {runs.PLAN: [counting]}, resumes="earlier")
    assert json.loads(scripted.run({"job": runs.RESUME, "run": "earlier"})["output"])["run_id"] == "earlier"
    asked = scripted.requests()[1:]
    assert {(request["run_id"], request["fence"]) for request in asked} == {("earlier", 9)}
    assert {request["phase"] for request in asked if "phase" in request} == {runs.COUNT}


@pytest.mark.parametrize("payload", [INPUT, ["no object"], "text", 1, None])
def test_a_refusal_is_explained_and_fails_without_an_output(stand_in: StandIn, payload: Any) -> None:
    scripted = Scripted(stand_in, {runs.PLAN: [runs.NOT_A_TARGET]})
    ended = scripted.run(payload)
    assert (ended["status"], ended["error"]) == ("FAILED", runs.NOT_A_TARGET)
    assert json.loads(ended["cause"]) == {"message": "explained"}
    assert ended.get("output") is None
    planned, explained = scripted.requests()
    assert planned["input"] == payload
    assert (explained["step"], explained["run_id"]) == (runs.EXPLAIN, scripted.name)
    assert explained["execution"] == ended["executionArn"]
    assert explained["failure"]["Error"] == runs.NOT_A_TARGET
    assert json.loads(explained["failure"]["Cause"])["errorMessage"] == "as the script says"


def named(request: dict[str, Any]) -> str:
    return ":".join(str(request[part]) for part in ("step", "phase", "pass", "segment") if part in request)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ("segment:work:1:1", runs.SYSTEMIC),
        ("segment:count:1:2", runs.SYSTEMIC),
        ("verify:work:1", runs.RUN_IN_PROGRESS),
        ("report", runs.VERIFICATION_FAILED),
    ],
)
def test_what_a_step_says_on_purpose_ends_the_run_at_once(stand_in: StandIn, asked: str, error: str) -> None:
    scripted = Scripted(stand_in, {asked: [error]})
    assert scripted.run()["status"] == "FAILED"
    *before, explained = scripted.requests()
    assert (explained["step"], explained["run_id"], explained["failure"]["Error"]) == ("explain", scripted.name, error)
    assert sum(named(request) == asked for request in before) == 1


@pytest.mark.parametrize("asked", [runs.PLAN, "segment:work:1:1", "segment:count:1:0", "verify:count:1", runs.REPORT])
def test_a_worker_that_dies_is_called_again(stand_in: StandIn, asked: str) -> None:
    answer = SCRIPT.get(asked) or SCRIPT[asked.split(":", maxsplit=1)[0]]
    scripted = Scripted(stand_in, {asked: ["RuntimeError", "MemoryError", *answer]})
    assert scripted.run()["status"] == "SUCCEEDED"
    assert scripted.requests(runs.EXPLAIN) == []


@pytest.mark.parametrize("asked", ["segment:work:1:1", runs.EXPLAIN])
def test_a_call_that_lambda_refuses_is_tried_for_long(stand_in: StandIn, asked: str) -> None:
    answer = SCRIPT.get(asked) or SCRIPT[asked.split(":", maxsplit=1)[0]]
    fails = {runs.REPORT: [runs.VERIFICATION_FAILED]} if asked == runs.EXPLAIN else {}
    scripted = Scripted(stand_in, {asked: [*[TOO_MANY_REQUESTS] * 20, *answer], **fails})
    ended = scripted.run()
    assert (ended["status"], ended.get("error")) == (("FAILED", "NotATarget") if fails else ("SUCCEEDED", None))


def test_a_worker_that_dies_every_time_is_given_up_and_explained(stand_in: StandIn) -> None:
    scripted = Scripted(stand_in, {"segment:work:1:1": ["RuntimeError"]})
    assert scripted.run()["status"] == "FAILED"
    assert len([request for request in scripted.requests(runs.SEGMENT) if request["segment"] == 1]) == 7
    (explained,) = scripted.requests(runs.EXPLAIN)
    assert explained["failure"]["Error"] == "RuntimeError"


def test_a_failure_that_cannot_be_explained_is_a_failure_all_the_same(stand_in: StandIn) -> None:
    scripted = Scripted(stand_in, {runs.REPORT: [runs.VERIFICATION_FAILED], runs.EXPLAIN: ["RuntimeError"]})
    ended = scripted.run()
    assert (ended["status"], ended["error"]) == ("FAILED", runs.SYSTEMIC)
    assert "resumed" in json.loads(ended["cause"])["message"]


def map_runs(scripted: Scripted) -> list[dict[str, Any]]:
    client = scripted.cloud.client("stepfunctions")
    listed = client.list_map_runs(executionArn=scripted.ended["executionArn"])["mapRuns"]
    return [client.describe_map_run(mapRunArn=found["mapRunArn"]) for found in listed]


def distributed(script: dict[str, Any]) -> dict[str, Any]:
    spread = {"distributed": True}
    return {
        runs.PLAN: [{**STARTED, **spread}],
        "verify:work:1": [{**SCRIPT["verify:work:1"][0], **spread}],
        "verify:count:1": [{**SCRIPT["verify:count:1"][0], **spread}],
        **script,
    }


def test_segments_run_in_executions_of_their_own_where_the_plan_says_so(stand_in: StandIn) -> None:
    scripted = Scripted(stand_in, distributed({"segment:work:1:0": [{"more": True}, "RuntimeError", {"more": False}]}))
    assert scripted.run()["status"] == "SUCCEEDED"
    assert [(found["itemCounts"]["succeeded"], found["maxConcurrency"]) for found in map_runs(scripted)] == [(3, 2)] * 2
    requests = scripted.requests(runs.SEGMENT)
    assert {(request["run_id"], request["fence"]) for request in requests} == {(scripted.name, 7)}
    assert len(requests) == 3 + 2 + 3


def test_the_reason_of_a_segment_in_an_execution_of_its_own_is_kept_with_the_run(stand_in: StandIn) -> None:
    scripted = Scripted(stand_in, distributed({"segment:work:1:1": [runs.SYSTEMIC]}))
    ended = scripted.run()
    assert ended["status"] == "FAILED"
    by_segment, by_run = scripted.requests(runs.EXPLAIN)
    of_run = {"step": "explain", "run_id": scripted.name, "execution": ended["executionArn"]}
    assert {**by_segment, "failure": {}} == {**by_run, "failure": {}} == {**of_run, "failure": {}}
    assert by_segment["failure"]["Error"] == runs.SYSTEMIC
    assert by_run["failure"]["Error"] == "States.ExceedToleratedFailureThreshold"
