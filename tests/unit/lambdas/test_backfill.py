from __future__ import annotations

import importlib
import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from switchboard.backfill.errors import InvalidInput, Systemic, VerificationFailed
from switchboard.backfill.kinds import Names
from switchboard.environment import InvalidSetting, MissingSetting
from switchboard.schema import deployment, runs
from switchboard.telemetry import Telemetry
from tests.fakes.backfill_cloud import BUCKET, RUNS, BackfillCloud
from tests.fakes.backfill_machine import START, place
from tests.fakes.backfill_table import TABLE, BackfillTable, Clock
from tests.fakes.messages_table import client_error
from tests.unit.backfill.runs_of import VALUE, things, waiting

CONTEXT: Any = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 900_000)
ENVIRONMENT = {
    deployment.ENV_STAGE: "local",
    deployment.ENV_RUNS_TABLE: RUNS,
    deployment.ENV_REPORTS_BUCKET: BUCKET,
    deployment.ENV_BACKFILL_TARGETS: json.dumps({"messages": "switchboard-local-messages"}),
    deployment.ENV_LEGACY_TABLES: json.dumps(["old"]),
    deployment.ENV_MESSAGES_TABLE: "switchboard-local-messages",
    deployment.ENV_CDR_TABLE: "switchboard-local-cdr",
    deployment.ENV_CDR_RETENTION_DAYS: "400",
}
PLAN = {
    "step": "plan",
    "run_id": "run-secret",
    "execution": "arn:run-secret",
    "input": {"job": "set_attribute", "table": TABLE, "attribute": "secret-name", "value": VALUE},
}


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return importlib.import_module("lambdas.backfill.handler")


@pytest.fixture
def cloud() -> BackfillCloud:
    return BackfillCloud(BackfillTable(things(90), page=40))


def function(handler: Any, cloud: BackfillCloud) -> Any:
    return handler.BackfillFunction(
        dynamodb=cloud,
        s3=cloud.bucket,
        names=Names(runs_table=RUNS, reports_bucket=BUCKET, targets={TABLE: TABLE}),
        telemetry=Telemetry(stage="local", function=deployment.BACKFILL),
        waiting=waiting(Clock()),
        now=lambda: START,
    )


def metrics_of(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines() if '"_aws"' in line]


def test_steps_are_answered_with_plain_json(handler: Any, cloud: BackfillCloud) -> None:
    made = function(handler, cloud)
    state = made.handle(PLAN, CONTEXT)
    answer = made.handle({"step": "segment", **place(state), "segment": 0}, CONTEXT)
    assert answer == {**place(state), "segment": 0, "more": False}
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer


def test_metrics_count_outcomes_and_units_page_by_page(
    handler: Any, cloud: BackfillCloud, capsys: pytest.CaptureFixture[str]
) -> None:
    made = function(handler, cloud)
    state = made.handle(PLAN, CONTEXT)
    cloud.things.refuse = lambda key: "ValidationError" if key[1] == "0000007" else None
    made.handle({"step": "segment", **place(state), "segment": 0}, CONTEXT)
    pages = metrics_of(capsys.readouterr().out)
    assert len(pages) == 3

    def total(name: str) -> float:
        return float(sum(page[name][0] for page in pages))

    assert total(deployment.METRIC_BACKFILL_UPDATED) == 89
    assert total(deployment.METRIC_BACKFILL_ALREADY) == 0
    assert total(deployment.METRIC_BACKFILL_DELETED) == 0
    assert total(deployment.METRIC_BACKFILL_ITEMS_FAILED) == 1
    assert total(deployment.METRIC_BACKFILL_WRITE_UNITS) == 89
    assert total(deployment.METRIC_BACKFILL_READ_UNITS) == 45
    assert {page["service"] for page in pages} == {deployment.BACKFILL}


@pytest.mark.parametrize("change", [{"input": {"job": "secret"}}, {"step": "secret"}])
def test_refusals_are_errors_by_their_names(
    handler: Any,
    cloud: BackfillCloud,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    change: dict[str, Any],
) -> None:
    with pytest.raises(InvalidInput):
        function(handler, cloud).handle({**PLAN, **change}, CONTEXT)
    (line,) = [vars(record) for record in caplog.records]
    assert line["error"] == "InvalidInput"
    assert "secret" not in repr(line)
    (document,) = metrics_of(capsys.readouterr().out)
    assert document[deployment.METRIC_BACKFILL_FAILED] == [1.0]


def test_what_no_repetition_changes_is_raised_as_it_is(handler: Any, cloud: BackfillCloud) -> None:
    made = function(handler, cloud)
    cloud.before = lambda _name, _request: (_ for _ in ()).throw(client_error("AccessDeniedException"))
    with pytest.raises(Systemic):
        made.handle(PLAN, CONTEXT)


def test_names_of_raised_errors_are_those_that_the_machine_knows() -> None:
    assert {InvalidInput.__name__, Systemic.__name__, VerificationFailed.__name__} < set(runs.ERRORS)


def test_what_a_repetition_may_change_is_told_without_content(handler: Any, cloud: BackfillCloud) -> None:
    made = function(handler, cloud)
    error = client_error("InternalServerError", "Scan", Error={"Code": "InternalServerError", "Message": "user-secret"})
    state = made.handle(PLAN, CONTEXT)
    cloud.before = lambda name, _request: (_ for _ in ()).throw(error) if name == "scan" else None
    with pytest.raises(handler.Interrupted, match="InternalServerError") as interrupted:
        made.handle({"step": "segment", **place(state), "segment": 0}, CONTEXT)
    assert "secret" not in str(interrupted.value)
    assert interrupted.value.__suppress_context__


def test_logs_hold_no_ids_and_no_values(handler: Any, cloud: BackfillCloud, caplog: pytest.LogCaptureFixture) -> None:
    made = function(handler, cloud)
    state = made.handle(PLAN, CONTEXT)
    made.handle({"step": "segment", **place(state), "segment": 0}, CONTEXT)
    lines = [vars(record) for record in caplog.records]
    assert [line["step"] for line in lines] == ["plan", "segment"]
    assert all(secret not in repr(lines) for secret in ("secret", "0000001"))


def test_settings_come_from_the_environment(handler: Any) -> None:
    settings = handler.Settings.from_env(ENVIRONMENT)
    assert settings.stage == "local"
    assert settings.names == Names(
        runs_table=RUNS,
        reports_bucket=BUCKET,
        targets={"messages": "switchboard-local-messages"},
        legacy_tables=("old",),
        messages_table="switchboard-local-messages",
        cdr_table="switchboard-local-cdr",
        cdr_retention_days=400,
    )
    assert settings.most_workers is None
    assert handler.Settings.from_env({**ENVIRONMENT, deployment.ENV_BACKFILL_WORKERS: "9"}).most_workers == 9
    unset = {name: value for name, value in ENVIRONMENT.items() if name != deployment.ENV_LEGACY_TABLES}
    assert handler.Settings.from_env(unset).names.legacy_tables == ()
    with pytest.raises(MissingSetting, match=deployment.ENV_RUNS_TABLE):
        handler.Settings.from_env({**ENVIRONMENT, deployment.ENV_RUNS_TABLE: ""})
    for text in ("{", "[]"):
        with pytest.raises(InvalidSetting, match=deployment.ENV_BACKFILL_TARGETS):
            handler.Settings.from_env({**ENVIRONMENT, deployment.ENV_BACKFILL_TARGETS: text})
    with pytest.raises(InvalidSetting, match=deployment.ENV_BACKFILL_WORKERS):
        handler.Settings.from_env({**ENVIRONMENT, deployment.ENV_BACKFILL_WORKERS: "0"})


def test_a_run_has_as_many_workers_as_the_stage_sets_aside(handler: Any, cloud: BackfillCloud) -> None:
    made = replace(function(handler, cloud), most_workers=2)
    fields: Any = PLAN["input"]
    state = made.handle({**PLAN, "input": {**fields, "segments": 5}}, CONTEXT)
    assert (len(state["segments"]), state["concurrency"]) == (5, 2)


def test_the_entry_point_answers(handler: Any, cloud: BackfillCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "_FUNCTION", function(handler, cloud))
    assert handler.handle(PLAN, CONTEXT)["fence"] == 1
