"""Alarms, their topic and the dashboard: what can fail is read from the templates, not from the alarms."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from infra.build import build_stage, new_app
from infra.config import LOCAL
from switchboard.schema import deployment
from tests.infra.failure_paths import ALARM, COUNTED, alarms, failure_paths, metrics, told, watched
from tests.infra.templates import ROOT, STAGES, Templates, cdk_context

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("stage", STAGES)
def test_every_failure_path_tells_somebody(templates: Templates, stage: str) -> None:
    paths = failure_paths(templates, stage)
    assert len(paths) > 40
    assert paths <= told(templates, stage)


@pytest.mark.parametrize("stage", STAGES)
def test_what_functions_count_as_failures_tells_somebody_and_nothing_else_is_watched(
    templates: Templates, stage: str
) -> None:
    counted = {watched(metric, stage=stage, service=function) for metric, function in COUNTED}
    dimensions = {each: dict(each[1]) for each in told(templates, stage)}
    assert {each for each, named in dimensions.items() if deployment.DIMENSION_FUNCTION in named} == counted


def test_the_counts_are_named_as_the_functions_name_them() -> None:
    assert {metric for metric, _ in COUNTED} == {
        deployment.METRIC_CDR_CHANGED,
        deployment.METRIC_CDR_QUERY_REFUSED,
        deployment.METRIC_QUARANTINED,
        deployment.METRIC_STREAM_STOPPED,
        deployment.cdr_status_metric("failed"),
        deployment.messages_outcome_metric("internal"),
        deployment.messages_outcome_metric("throttled"),
    }


PLANTED: dict[str, dict[str, Any]] = {
    "function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {"Environment": {"Variables": {deployment.ENV_FUNCTION: "new"}}},
    },
    "asynchronous calls": {
        "Type": "AWS::Lambda::EventInvokeConfig",
        "Properties": {"FunctionName": {"Ref": "CdrQueryFunction01234567"}},
    },
    "stream mapping": {
        "Type": "AWS::Lambda::EventSourceMapping",
        "Properties": {
            "FunctionName": {"Ref": "CdrQueryFunction01234567"},
            "StartingPosition": "LATEST",
            "MetricsConfig": {"Metrics": ["EventCount"]},
        },
    },
    "dead-letter queue": {"Type": "AWS::SQS::Queue", "Properties": {}},
    "queue": {"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": {}}},
    "table": {"Type": "AWS::DynamoDB::Table", "Properties": {}},
    "state machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {}},
    "vault": {"Type": "AWS::Backup::BackupVault", "Properties": {}},
}


@pytest.mark.parametrize("kind", PLANTED)
def test_something_new_without_alarms_is_noticed(templates: Templates, kind: str) -> None:
    by_stack = {key: copy.deepcopy(dict(template)) for key, template in templates.by_stack.items()}
    by_stack["prod", "functions"]["Resources"]["PlantedABCDEF01"] = PLANTED[kind]
    planted = replace(templates, by_stack=by_stack)
    assert failure_paths(planted, "prod") - told(planted, "prod")


def test_an_alarm_that_tells_nobody_does_not_count(templates: Templates) -> None:
    ways: tuple[dict[str, Any], ...] = ({"AlarmActions": []}, {"ActionsEnabled": False})
    for muted in ways:
        by_stack = {key: copy.deepcopy(dict(template)) for key, template in templates.by_stack.items()}
        for found in by_stack["prod", "observability"]["Resources"].values():
            if found["Type"] == ALARM:
                found["Properties"] |= muted
        silent = replace(templates, by_stack=by_stack)
        assert failure_paths(silent, "prod").isdisjoint(told(silent, "prod"))


@pytest.mark.parametrize("stage", STAGES)
def test_every_alarm_tells_the_topic_and_only_the_topic(templates: Templates, stage: str) -> None:
    assert len(alarms(templates, stage)) > 50
    for name, alarm in alarms(templates, stage).items():
        assert [templates.text(stage, action) for action in alarm["AlarmActions"]] == ["${AlarmsTopic}"], name
        assert name.startswith(f"switchboard-{stage}-")
        assert alarm["TreatMissingData"] == "notBreaching"
        assert alarm["Threshold"] > 0
        assert list(metrics(templates, stage, alarm)), name


@pytest.mark.parametrize("stage", STAGES)
def test_thresholds_follow_what_they_measure(templates: Templates, stage: str) -> None:
    found = alarms(templates, stage)
    for logical in ("cdr-writer", "cdr-query", "cdr-guard", "messages", "stream-handler"):
        (timeout,) = (
            properties["Properties"]["Timeout"]
            for properties in templates.resources(stage, "AWS::Lambda::Function").values()
            if properties["Properties"]["FunctionName"] == f"switchboard-{stage}-{logical}"
        )
        alarm = found[f"switchboard-{stage}-{logical}-duration"]
        assert alarm["Threshold"] == timeout * 800
        assert alarm["Statistic"] == "Maximum"
    queue = templates.one(stage, "AWS::SQS::Queue", "CdrIngestQueue")
    age = found[f"switchboard-{stage}-cdr-ingest-age"]["Threshold"]
    assert 2 * queue["VisibilityTimeout"] < age < 5 * queue["VisibilityTimeout"]
    for mapping in templates.resources(stage, "AWS::Lambda::EventSourceMapping", "functions").values():
        if "StartingPosition" in mapping["Properties"]:
            late = found[f"switchboard-{stage}-stream-handler-iterator-age"]["Threshold"]
            assert late / 1_000 < mapping["Properties"]["MaximumRecordAgeInSeconds"] / 100


@pytest.mark.parametrize("stage", STAGES)
def test_refused_questions_are_no_errors(templates: Templates, stage: str) -> None:
    alarm = alarms(templates, stage)[f"switchboard-{stage}-cdr-query-errors"]
    (expression,) = (part["Expression"] for part in alarm["Metrics"] if "Expression" in part)
    assert expression == "errors - FILL(refused, 0)"
    assert watched("CdrQueryRefused", stage=stage, service="cdr-query") in set(metrics(templates, stage, alarm))


@pytest.mark.parametrize("stage", STAGES)
def test_only_alarms_of_this_account_publish_and_only_encrypted(templates: Templates, stage: str) -> None:
    (policy,) = templates.resources(stage, "AWS::SNS::TopicPolicy").values()
    publish, plain = templates.statements(stage, policy["Properties"]["PolicyDocument"])
    assert (publish.effect, publish.actions) == ("Allow", ("sns:Publish",))
    assert publish.principals == {"Service": "cloudwatch.amazonaws.com"}
    assert set(publish.condition) == {"StringEquals", "ArnLike"}
    assert list(publish.condition["StringEquals"]) == ["aws:SourceAccount"]
    source = templates.text(stage, publish.condition["ArnLike"]["aws:SourceArn"])
    assert source.endswith(f":alarm:switchboard-{stage}-*")
    assert (plain.effect, plain.condition) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_the_topic_is_encrypted_where_the_stage_has_keys(templates: Templates) -> None:
    for stage, key in (("local", "${AlarmsKey}"), ("prod", "${AlarmsKey}"), ("dev", None)):
        topic = templates.one(stage, "AWS::SNS::Topic", "AlarmsTopic")
        found = topic.get("KmsMasterKeyId")
        assert (found and templates.text(stage, found).replace(".Arn", "")) == key
    key_policy = templates.one("prod", "AWS::KMS::Key", "AlarmsKey")["KeyPolicy"]
    (publishers,) = (
        each
        for each in templates.statements("prod", key_policy)
        if each.principals == {"Service": "cloudwatch.amazonaws.com"}
    )
    assert publishers.actions == ("kms:Decrypt", "kms:GenerateDataKey")
    assert "aws:SourceAccount" in publishers.condition["StringEquals"]


def test_nobody_is_subscribed_unless_the_stage_names_somebody(templates: Templates, tmp_path: Path) -> None:
    for stage in STAGES:
        assert not templates.resources(stage, "AWS::SNS::Subscription")
    app = new_app(context={**cdk_context(), "aws:cdk:bundling-stacks": []}, outdir=str(tmp_path))
    build_stage(app, replace(LOCAL, alarm_email="team@example.com", runbook_url="https://example.com/runbook"))
    app.synth()
    named = Templates.read(tmp_path, stages=("local",))
    (subscription,) = named.resources("local", "AWS::SNS::Subscription").values()
    assert subscription["Properties"]["Endpoint"] == "team@example.com"
    for alarm in alarms(named, "local").values():
        assert " Runbook: https://example.com/runbook/" in alarm["AlarmDescription"]


@pytest.mark.parametrize("stage", STAGES)
def test_the_dashboard_asks_what_a_person_asks(templates: Templates, stage: str) -> None:
    (found,) = templates.resources(stage, "AWS::CloudWatch::Dashboard").values()
    assert found["Properties"]["DashboardName"] == f"switchboard-{stage}"
    widgets = json.loads(templates.text(stage, found["Properties"]["DashboardBody"]))["widgets"]
    assert [widget["properties"]["markdown"] for widget in widgets if widget["type"] == "text"] == [
        "## Are CDRs coming in?",
        "## Is anything stuck?",
        "## Do lists of groups follow the messages?",
        "## Is a backfill running?",
        "## Do functions and tables keep up?",
    ]
    (status,) = (widget for widget in widgets if widget["type"] == "alarm")
    assert len(status["properties"]["alarms"]) == len(templates.resources(stage, ALARM, "observability"))
    graphs = [widget for widget in widgets if widget["type"] == "metric"]
    assert all(widget["properties"]["title"] and widget["properties"]["metrics"] for widget in graphs)
    rows: dict[int, int] = {}
    for widget in widgets:
        rows[widget["y"]] = rows.get(widget["y"], 0) + widget["width"]
    assert set(rows.values()) == {24}


def test_no_alarm_is_named_twice_in_an_account(templates: Templates) -> None:
    names = [
        found["Properties"]["AlarmName"] for stage in STAGES for found in templates.resources(stage, ALARM).values()
    ]
    assert len(names) == len(set(names))


def test_every_page_of_the_runbook_is_linked_from_an_alarm_and_reads_alike(templates: Templates) -> None:
    pages = {path.stem: path.read_text() for path in (ROOT / "docs" / "runbook").glob("*.md") if path.stem != "README"}
    linked = set()
    for stage in STAGES:
        for alarm in alarms(templates, stage).values():
            sentence, link = alarm["AlarmDescription"].split(" Runbook: ")
            assert sentence.endswith(".")
            assert (ROOT / link).is_file(), link
            linked.add((ROOT / link).stem)
    assert linked == set(pages)
    for name, text in pages.items():
        headings = [line for line in text.splitlines() if line.startswith("#")]
        assert headings[0].startswith("# "), name
        assert headings[1:] == ["## What it means", "## What to look at", "## What to do"], name
        assert "\n1. " in text, name


def test_the_runbooks_index_names_every_page_and_no_link_is_dead() -> None:
    folder = ROOT / "docs" / "runbook"
    index = (folder / "README.md").read_text()
    for page in folder.glob("*.md"):
        text = page.read_text()
        if page.stem != "README":
            assert f"[{text.splitlines()[0].removeprefix('# ')}]({page.name})" in index
        for link in [part.split(")")[0] for part in text.split("](")[1:]]:
            assert (folder / link).is_file(), f"{page.name}: {link}"
