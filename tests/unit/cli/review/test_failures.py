from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cli.review.failures import failure_paths
from cli.review.findings import Rule, findings
from tests.unit.cli.review.system import System, alarm

if TYPE_CHECKING:
    from pathlib import Path

    from cli.review.assembly import StageTemplates

WRITER = "functions/Writer/Function"


def watched(stage: StageTemplates) -> set[tuple[str, str]]:
    return {(path.place, path.metric) for path in failure_paths(stage) if path.alarms}


def test_an_alarm_covers_the_failure_whose_metric_and_resource_it_names(prod: StageTemplates) -> None:
    assert watched(prod) == {(WRITER, "Errors"), (WRITER, "Throttles")}
    (errors,) = (path for path in failure_paths(prod) if (path.place, path.metric) == (WRITER, "Errors"))
    assert errors.alarms == ("switchboard-prod-WriterErrors",)


def test_everything_that_can_fail_has_its_ways(prod: StageTemplates) -> None:
    ways: dict[str, list[str]] = {}
    for path in failure_paths(prod):
        ways.setdefault(path.place, []).append(path.metric)
    assert ways == {
        "data/CdrTable": ["SystemErrors", *["ReadThrottleEvents"] * 2, *["WriteThrottleEvents"] * 2],
        "functions/Ingest/Queue": ["ApproximateAgeOfOldestMessage"],
        "functions/Ingest/DeadLetters": ["ApproximateNumberOfMessagesVisible"],
        WRITER: ["Errors", "Throttles"],
        "functions/Guard/Function": ["Errors", "Throttles"],
        "functions/FromStream": [
            "IteratorAge",
            "DestinationDeliveryFailures",
            "OnFailureDestinationDeliveredEventCount",
            "DroppedEventCount",
        ],
        "functions/Machine": ["ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted", "ExecutionThrottled"],
    }


@pytest.mark.parametrize("muted", [{"AlarmActions": []}, {"ActionsEnabled": False}, {"MetricName": "Duration"}])
def test_an_alarm_that_tells_nobody_or_watches_something_else_leaves_a_gap(
    tmp_path: Path, muted: dict[str, Any]
) -> None:
    system = System("prod")
    system.resources("prod", "observability")["WriterErrors1"]["Properties"] |= muted
    (stage,) = system.read(tmp_path)
    assert watched(stage) == {(WRITER, "Throttles")}
    gaps = {(each.place, each.what) for each in findings(stage) if each.rule is Rule.UNWATCHED}
    assert (WRITER, "fails: no alarm watches Errors") in gaps


def test_expressions_and_queries_watch_what_they_compute_with(tmp_path: Path) -> None:
    system = System("prod")
    alarms = system.resources("prod", "observability")
    guard = {"Fn::ImportValue": "STAGE-functions:Guard"}
    part = {
        "MetricStat": {"Metric": {"MetricName": "Errors", "Dimensions": [{"Name": "FunctionName", "Value": guard}]}}
    }
    query = 'SELECT SUM(SystemErrors) FROM SCHEMA("AWS/DynamoDB", Operation, TableName) WHERE TableName = \''
    table = {"Fn::Join": ["", [query, {"Fn::ImportValue": "STAGE-data:CdrName"}, "'"]]}
    for name, metrics in {"Sum": [{"Expression": "a + 1"}, part], "Query": [{"Expression": table}]}.items():
        alarms[name] = alarm(name, "unused")
        alarms[name]["Properties"]["Metrics"] = metrics
        del alarms[name]["Properties"]["MetricName"]
    system.exports = {"functions": {"Guard": {"Ref": "Guard1"}}, "data": {"CdrName": {"Ref": "Cdr1"}}}
    (stage,) = system.read(tmp_path)
    assert watched(stage) >= {("functions/Guard/Function", "Errors"), ("data/CdrTable", "SystemErrors")}


def test_what_a_function_sets_aside_is_a_failure_too(tmp_path: Path) -> None:
    system = System("prod")
    writer = system.resources("prod", "functions")["Writer1"]["Properties"]
    writer["Environment"]["Variables"]["SWITCHBOARD_QUARANTINE_BUCKET"] = "b"
    writer["DeadLetterConfig"] = {"TargetArn": "q"}
    alarms = system.resources("prod", "observability")
    alarms["Kept1"] = alarm("Kept", "Quarantined", stage="prod", service="cdr-writer")
    (stage,) = system.read(tmp_path)
    assert (WRITER, "Quarantined") in watched(stage)
    assert (WRITER, "DeadLetterErrors") in {(path.place, path.metric) for path in failure_paths(stage)}
