"""How Lambda calls the writer."""

from __future__ import annotations

import importlib
import json
import logging
import subprocess
import sys
from datetime import timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from switchboard.cdr.intake import RecordsFailed
from switchboard.cdr.request import InvalidEnvelope
from switchboard.environment import InvalidSetting, MissingSetting
from switchboard.quarantine import QuarantineUnavailable
from switchboard.schema import cdr, deployment
from tests.unit.cdr.cdr_table import FakeTable, Fault, Time, raw
from tests.unit.cdr.test_intake import Kept, System, envelope

ENVIRON = {
    deployment.ENV_STAGE: "test",
    deployment.ENV_CDR_TABLE: "cdr-table",
    deployment.ENV_QUARANTINE_BUCKET: "bucket",
}
CONTEXT: Any = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 60_000)


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, imported as Lambda does: with its settings in the environment."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    module = importlib.import_module("lambdas.cdr_writer.handler")
    # Loggers live as long as the process: the next one is new and writes to this test's output.
    logging.Logger.manager.loggerDict.pop(deployment.CDR_WRITER, None)
    return module


def function(handler: ModuleType, system: System) -> Any:
    return handler.CdrWriterFunction(
        intake=system.intake,
        telemetry=handler.Telemetry(stage="test", function=deployment.CDR_WRITER),
        clock=system.time.now,
        sleep=system.time.sleep,
        jitter=lambda: 0.5,
    )


def lines(capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    """The one document of metrics, and everything that was written."""
    output = capsys.readouterr().out
    (metrics,) = [json.loads(line) for line in output.splitlines() if '"_aws"' in line]
    return metrics, output


def queued(*bodies: str) -> dict[str, Any]:
    return {
        "Records": [
            {"messageId": f"m-{index}", "body": body, "eventSource": "aws:sqs"} for index, body in enumerate(bodies)
        ]
    }


def test_an_invocation_answers_results_and_counts_every_status(
    handler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System()
    answer = function(handler, system).handle(envelope(raw(), raw(), raw(id="b#")), CONTEXT)
    assert [result["status"] for result in answer["results"]] == ["stored", "duplicate", "rejected"]
    metrics, _ = lines(capsys)
    assert (metrics["stage"], metrics["service"]) == ("test", "cdr-writer")
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"] == deployment.METRICS_NAMESPACE
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stage", "service"]]
    told = {name: metrics[name] for name in metrics if name.startswith(("Cdr", "Quarantined"))}
    assert told == {
        "CdrReceived": [3],
        "CdrStored": [1],
        "CdrDuplicate": [1],
        "CdrNotFirst": [0],
        "CdrEarlier": [0],
        "CdrConflict": [0],
        "CdrRejected": [1],
        "CdrFailed": [0],
        "Quarantined": [0],
    }


def test_logs_carry_counts_and_codes_and_nothing_of_a_record(
    handler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System(FakeTable(fault=lambda _: Fault(members={0: "AccessDenied"})))
    names = ("id", "source", "sponsor_id", "sponsorship_id", "subscriber_id")
    marked = raw(**dict.fromkeys(names, "zebra"), data={"zebra": "zebra"})
    function(handler, system).handle(envelope(marked, {**marked, "zebra": 1}), CONTEXT)
    _, output = lines(capsys)
    assert "zebra" not in output
    log = next(json.loads(line) for line in output.splitlines() if "records written" in line)
    assert (log["request_id"], log["stage"], log["service"]) == ("request-1", "test", "cdr-writer")
    assert log["failure_codes"] == {"AccessDenied": 1}
    assert (log["received"], log["failed"], log["rejected"]) == (2, 1, 1)


def test_a_function_error_is_counted_before_it_is_raised(
    handler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System(FakeTable(fault=lambda _: Fault(members={0: "AccessDenied"})))
    with pytest.raises(RecordsFailed):
        function(handler, system).handle(raw(), CONTEXT)
    assert lines(capsys)[0]["CdrFailed"] == [1]


def test_an_unreadable_request_is_a_function_error_of_that_name(handler: ModuleType) -> None:
    with pytest.raises(InvalidEnvelope):
        function(handler, System()).handle({"records": []}, CONTEXT)


def test_the_queue_is_told_which_messages_to_deliver_again(
    handler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    system = System(FakeTable(fault=lambda _: Fault(members={1: "AccessDenied"})), Kept())
    event = queued(json.dumps(raw(id="a")), json.dumps(raw(id="b")), "no json")
    answer = function(handler, system).handle(event, CONTEXT)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    metrics, output = lines(capsys)
    assert (metrics["CdrStored"], metrics["CdrFailed"], metrics["Quarantined"]) == ([1], [1], [1])
    assert "m-1" not in output


def test_what_was_done_is_reported_where_the_quarantine_had_no_time(
    handler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    left = [60_000]
    context: Any = SimpleNamespace(aws_request_id="r", get_remaining_time_in_millis=lambda: left[-1])
    # The table takes all the time there is for its one answer.
    system = System(FakeTable(fault=lambda _: left.append(3_000)))
    answer = function(handler, system).handle(queued(json.dumps(raw()), json.dumps(raw(time="x"))), context)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
    metrics, _ = lines(capsys)
    assert (metrics["CdrStored"], metrics["CdrRejected"], metrics["Quarantined"]) == ([1], [1], [0])
    with pytest.raises(QuarantineUnavailable):
        function(handler, System()).handle(raw(time="x"), context)
    assert lines(capsys)[0]["CdrRejected"] == [1]


def test_a_settled_batch_has_no_failures(handler: ModuleType) -> None:
    assert function(handler, System()).handle(queued(json.dumps(raw())), CONTEXT) == {"batchItemFailures": []}


@pytest.mark.parametrize(
    "event",
    [
        {"Records": []},
        {"Records": [{"body": "x"}]},
        {"Records": "x"},
        {"Records": [{"eventSource": "aws:s3", "messageId": "m", "body": "{}"}]},
        {"Records": [{"eventSource": "aws:sqs"}]},
        {"Records": [{"eventSource": "aws:sqs", "messageId": "m"}]},
        {"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": 5}]},
        {"Records": [{"eventSource": "aws:sqs", "messageId": None, "body": "{}"}]},
        {"Records": [{"eventSource": "aws:sqs", "messageId": "m", "body": "{}"}, {"eventSource": "aws:sqs"}]},
    ],
    ids=repr,
)
def test_only_the_queues_own_event_is_read_as_a_delivery(handler: ModuleType, event: dict[str, Any]) -> None:
    answer = function(handler, System()).handle(event, CONTEXT)
    assert [result["status"] for result in answer["results"]] == ["rejected"]


def test_the_time_left_is_the_invocations_own(handler: ModuleType) -> None:
    context: Any = SimpleNamespace(aws_request_id="r", get_remaining_time_in_millis=lambda: 2_000)
    answer = function(handler, System(time=Time())).handle(envelope(raw()), context)
    assert answer["results"][0]["code"] == "OutOfTime"


def test_settings_are_read_once_and_strictly(handler: ModuleType) -> None:
    environ = {**ENVIRON, deployment.ENV_CDR_RETENTION_DAYS: "400"}
    settings = handler.Settings.from_env(environ)
    assert settings == handler.Settings("test", "cdr-table", "bucket", timedelta(days=400))
    assert handler.Settings.from_env(ENVIRON).retention is None
    for name in ENVIRON:
        with pytest.raises(MissingSetting, match=name):
            handler.Settings.from_env({key: value for key, value in ENVIRON.items() if key != name})
    with pytest.raises(InvalidSetting, match=deployment.ENV_CDR_RETENTION_DAYS):
        handler.Settings.from_env({**ENVIRON, deployment.ENV_CDR_RETENTION_DAYS: "0"})


def test_the_entry_point_is_the_function_built_from_the_environment(
    handler: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "_FUNCTION", function(handler, System()))
    assert handler.handle(raw(), CONTEXT)["schema"] == cdr.RESULT_SCHEMA


def test_an_import_brings_no_module_that_slows_a_cold_start() -> None:
    banned = ["boto3", "pydantic", "jsonschema", "s3transfer", "aws_cdk", "requests"]
    program = (
        "import json, sys, lambdas.cdr_writer.handler\n"
        f"print(json.dumps([name for name in {banned!r} if name in sys.modules]))"
    )
    environ = {**ENVIRON, "AWS_DEFAULT_REGION": "eu-west-1", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
