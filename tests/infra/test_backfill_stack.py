from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App
from aws_cdk import Stage as CdkStage
from aws_cdk.assertions import Template

from infra.config import DEV
from infra.constructs.backfill_definition import definition
from infra.constructs.backfill_retries import RETRY, TOO_MANY_REQUESTS
from infra.stacks.backfill import BackfillStack
from infra.stacks.data import DataStack
from infra.stacks.functions import FunctionsStack
from infra.stacks.network import NetworkStack
from switchboard.backfill.cost import HISTORY_EVENTS
from switchboard.backfill.segments import CALLS_OF_A_HISTORY, MOST_EVENTS, MOST_INLINE
from switchboard.schema import runs
from tests.infra.templates import MANAGED_POLICY, STAGES, cdk_context, walk
from tests.infra.test_access import arn
from tests.infra.test_functions import logs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra.config_types import StageConfig
    from tests.infra.templates import Templates

MACHINE = "AWS::StepFunctions::StateMachine"
FUNCTION_TIMEOUT = 900

MESSAGES, CDR, RUNS, REPORTS = "${MessagesTable.Arn}", "${CdrTable.Arn}", "${RunsTable.Arn}", "${Reports.Arn}"


def states(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every state with its name, those of maps included."""
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from states(state["ItemProcessor"])


ASL = definition(960)
ALL_STATES = list(states(ASL))
TASKS = [(name, state) for name, state in ALL_STATES if state["Type"] == "Task"]


def followers(state: dict[str, Any]) -> set[str]:
    return {value for key, value in walk({k: v for k, v in state.items() if k != "ItemProcessor"}) if key == "Next"} | (
        {state["Default"]} if "Default" in state else set()
    )


def machines(machine: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield machine
    for state in machine["States"].values():
        if "ItemProcessor" in state:
            yield from machines(state["ItemProcessor"])


@pytest.mark.parametrize("stage", STAGES)
def test_the_function_may_do_what_its_steps_call_and_nothing_else(templates: Templates, stage: str) -> None:
    legacy = (arn(stage, "dynamodb", "table/qm_staging_dev_cdr"),) if stage == "local" else ()
    assert templates.allowed(stage, "BackfillStep") == logs("BackfillStep") | {
        "dynamodb:DescribeTable": tuple(sorted((CDR, MESSAGES, *legacy))),
        "dynamodb:DescribeContinuousBackups": (CDR, MESSAGES),
        "dynamodb:ExportTableToPointInTime": (MESSAGES,),
        "dynamodb:DescribeExport": (f"{MESSAGES}/export/*",),
        "dynamodb:Scan": tuple(sorted((MESSAGES, *legacy))),
        "dynamodb:BatchGetItem": (CDR, MESSAGES, RUNS),
        "dynamodb:PartiQLUpdate": (MESSAGES,),
        "dynamodb:PartiQLInsert": (CDR,),
        "dynamodb:GetItem": (MESSAGES,),
        "dynamodb:Query": (MESSAGES, RUNS),
        "dynamodb:UpdateItem": (MESSAGES, RUNS),
        "s3:GetObject": (f"{REPORTS}/exports/*", f"{REPORTS}/mappings/*", f"{REPORTS}/runs/*"),
        "s3:ListBucket": (REPORTS,),
        "s3:PutObject": (f"{REPORTS}/exports/*", f"{REPORTS}/runs/*"),
        "s3:AbortMultipartUpload": (f"{REPORTS}/exports/*",),
        "s3:PutObjectAcl": (f"{REPORTS}/exports/*",),
    }


@pytest.mark.parametrize("stage", STAGES)
def test_the_machine_may_call_its_function_and_start_executions_of_itself(templates: Templates, stage: str) -> None:
    name = f"switchboard-{stage}-backfill"
    executions = (
        arn(stage, "states", f"execution:{name}/Segments:*"),
        arn(stage, "states", f"execution:{name}:*"),
    )
    allowed = templates.allowed(stage, "Machine")
    assert {action: where for action, where in allowed.items() if where != ("*",)} == {
        "lambda:InvokeFunction": ("${BackfillStepFunction.Arn}",),
        "states:StartExecution": (arn(stage, "states", f"stateMachine:{name}"),),
        "states:DescribeExecution": executions,
        "states:StopExecution": executions,
    }
    trust = templates.one(stage, "AWS::IAM::Role", "MachineRole")["AssumeRolePolicyDocument"]["Statement"]
    assert [statement["Principal"] for statement in trust] == [{"Service": "states.amazonaws.com"}]


@pytest.mark.parametrize("stage", STAGES)
def test_the_machine_is_deployed_as_defined_after_its_policy(templates: Templates, stage: str) -> None:
    (machine,) = templates.resources(stage, MACHINE).values()
    properties = machine["Properties"]
    assert properties["StateMachineName"] == f"switchboard-{stage}-backfill"
    assert properties["StateMachineType"] == "STANDARD"
    assert json.loads(properties["DefinitionString"]) == ASL
    ((name, function),) = properties["DefinitionSubstitutions"].items()
    assert templates.text(stage, function) == "${BackfillStepFunction.Arn}"
    assert {state["Resource"] for _, state in TASKS} == {f"${{{name}}}"}
    assert [needed for needed in machine["DependsOn"] if re.fullmatch(r"MachinePolicy[0-9A-F]{8}", needed)]
    assert templates.text(stage, properties["RoleArn"]) == "${MachineRole.Arn}"


@pytest.mark.parametrize("stage", STAGES)
def test_the_machine_is_traced_and_logged_without_what_its_requests_hold(templates: Templates, stage: str) -> None:
    machine = templates.one(stage, MACHINE, "Machine")
    assert machine["TracingConfiguration"] == {"Enabled": True}
    logging = machine["LoggingConfiguration"]
    assert (logging["Level"], logging["IncludeExecutionData"]) == ("ALL", False)
    (destination,) = logging["Destinations"]
    assert templates.text(stage, destination["CloudWatchLogsLogGroup"]["LogGroupArn"]) == "${MachineLogGroup.Arn}"


def test_every_state_says_what_for_and_leads_somewhere() -> None:
    for machine in machines(ASL):
        assert machine["StartAt"] in machine["States"]
        reached = {machine["StartAt"]}.union(*map(followers, machine["States"].values()))
        assert reached == set(machine["States"])
    for name, state in ALL_STATES:
        assert len(name) <= 80  # what the language takes
        assert len(state["Comment"]) > 10, name


def test_nothing_that_fails_is_left_unexplained() -> None:
    for name, state in ASL["States"].items():
        if state["Type"] in ("Task", "Map"):
            (caught,) = state["Catch"]
            assert caught["ErrorEquals"] == ["States.ALL"], name
    explained = {name for name, state in ALL_STATES if state["Type"] == "Fail" and "ErrorPath" in state}
    explaining = [state for _, state in TASKS if state["Parameters"][runs.STEP] == runs.EXPLAIN]
    assert {state["Next"] for state in explaining} == explained
    static = [state for _, state in ALL_STATES if state["Type"] == "Fail" and "ErrorPath" not in state]
    assert [state["Error"] for state in static] == [runs.SYSTEMIC]
    assert json.loads(static[0]["Cause"])["message"]


def test_what_the_function_says_on_purpose_is_not_tried_again_and_anything_else_is() -> None:
    for _, state in TASKS:
        *waiting, never, throttled, again = state["Retry"]
        assert [each["ErrorEquals"] for each in waiting] == (
            [[runs.EXPORTING]] if state["Parameters"][runs.STEP] == runs.PLAN else []
        )
        assert (set(never["ErrorEquals"]), never["MaxAttempts"]) == (set(runs.ERRORS), 0)
        assert throttled["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
        assert (throttled["MaxDelaySeconds"], throttled["JitterStrategy"]) == (60, "FULL")
        assert again["ErrorEquals"] == ["States.ALL"]
        assert again["MaxAttempts"] > 3
        assert again["JitterStrategy"] == "FULL"
        assert again["BackoffRate"] > 1


def test_lambda_may_refuse_calls_for_half_an_hour_and_no_history_is_filled_by_that() -> None:
    (throttled,) = (each for each in RETRY if TOO_MANY_REQUESTS in each["ErrorEquals"])
    at_random = [min(60, 2 * 2**attempt) / 2 for attempt in range(throttled["MaxAttempts"])]
    assert sum(at_random) > 30 * 60
    scheduled_and_refused = 3
    assert MOST_EVENTS + MOST_INLINE * throttled["MaxAttempts"] * scheduled_and_refused <= HISTORY_EVENTS
    of_segment = CALLS_OF_A_HISTORY * 7 + throttled["MaxAttempts"] * scheduled_and_refused
    assert of_segment <= HISTORY_EVENTS


def test_a_run_has_no_more_workers_than_the_stage_sets_aside_for_them() -> None:
    assert "SWITCHBOARD_BACKFILL_WORKERS" not in variables_of(DEV)
    for reserved, workers in ((1, "1"), (10, "9")):
        stage = replace(DEV, reserved_concurrency={"backfill": reserved})
        assert variables_of(stage)["SWITCHBOARD_BACKFILL_WORKERS"] == workers, "one is left for another run's steps"


def variables_of(stage: StageConfig) -> dict[str, Any]:
    """The environment of the function in a stage."""
    (function,) = (found for found in stack_of(stage) if found["Type"] == "AWS::Lambda::Function")
    variables: dict[str, Any] = function["Properties"]["Environment"]["Variables"]
    return variables


def test_a_task_outlasts_the_function_and_a_run_a_billion_items() -> None:
    assert {state["TimeoutSeconds"] for _, state in TASKS} == {FUNCTION_TIMEOUT + 60}
    assert ASL["TimeoutSeconds"] > 1_000_000_000 / 4_000 * 2


def test_maps_hand_on_numbers_and_bring_back_nothing() -> None:
    maps = [state for _, state in ALL_STATES if state["Type"] == "Map"]
    assert [state["ItemProcessor"]["ProcessorConfig"]["Mode"] for state in maps] == ["INLINE", "DISTRIBUTED"]
    for state in maps:
        assert set(state["ItemSelector"]) == {*("run_id.$", "fence.$", "phase.$", "pass.$", "segment.$", "execution.$")}
        assert state["ResultPath"] is None
        (end,) = (inner for inner in state["ItemProcessor"]["States"].values() if inner.get("End"))
        assert end["Result"] == {}


@pytest.mark.parametrize("stage", STAGES)
def test_a_backfill_operator_may_run_backfills_and_touch_no_item(templates: Templates, stage: str) -> None:
    paths = ("backfill/reports-bucket", "backfill/runs-table", "backfill/state-machine")
    run = "????????-????-????-????-????????????"
    executions = (arn(stage, "states", f"execution:switchboard-{stage}-backfill:{run}"),)
    assert templates.allowed(stage, "BackfillOperator") == {
        "ssm:GetParameter": tuple(arn(stage, "ssm", f"parameter/switchboard/{stage}/{path}") for path in paths),
        "states:StartExecution": ("${Machine.Arn}",),
        "states:ListExecutions": ("${Machine.Arn}",),
        "states:DescribeExecution": executions,
        "states:StopExecution": executions,
        "dynamodb:BatchGetItem": (RUNS,),
        "dynamodb:Query": (RUNS,),
        "dynamodb:UpdateItem": (RUNS,),
        "s3:GetObject": (f"{REPORTS}/runs/{run}/failed/??????-?????????.json", f"{REPORTS}/runs/{run}/report.json"),
        "s3:ListBucket": (REPORTS,),
    }
    policy = templates.one(stage, MANAGED_POLICY, "BackfillOperatorPolicy")["PolicyDocument"]
    conditions = {found.sid: found.condition for found in templates.statements(stage, policy) if found.condition}
    assert conditions == {
        "WriteControlsOfRunsOnly": {
            "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["CONTROL#*"]},
            "Null": {"dynamodb:LeadingKeys": "false"},
        },
        "ListReports": {"StringLike": {"s3:prefix": ["runs/*"]}},
    }


def stack_of(stage: StageConfig) -> list[dict[str, Any]]:
    """The resources of the backfill in a stage."""
    app = App(context=cdk_context() | {"aws:cdk:bundling-stacks": []})
    scope = CdkStage(app, "dev")
    data = DataStack(scope, stage=stage)
    network = NetworkStack(scope, stage=stage, data=data)
    functions = FunctionsStack(scope, stage=stage, data=data, network=network)
    backfill = BackfillStack(scope, stage=stage, data=data, network=network, after=functions)
    return list(Template.from_stack(backfill).to_json()["Resources"].values())


def test_further_targets_and_legacy_tables_of_a_stage_reach_the_function() -> None:
    stage = replace(DEV, backfill_targets={"orders": "orders-table"}, legacy_tables=("old_cdr",))
    variables = variables_of(stage)
    assert '"orders":"orders-table"' in json.dumps(variables["SWITCHBOARD_BACKFILL_TARGETS"]).replace("\\", "")
    assert json.loads(variables["SWITCHBOARD_LEGACY_TABLES"]) == ["old_cdr"]
    by_table: dict[str, set[str]] = {"orders-table": set(), "old_cdr": set()}
    for policy in (found for found in stack_of(stage) if found["Type"] == MANAGED_POLICY):
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
            for table, actions in by_table.items():
                if f":table/{table}" in json.dumps(statement["Resource"]):
                    actions |= set(
                        statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
                    )
    assert by_table == {
        "orders-table": {
            *("dynamodb:BatchGetItem", "dynamodb:PartiQLUpdate", "dynamodb:Scan", "dynamodb:DescribeTable"),
            *("dynamodb:DescribeContinuousBackups", "dynamodb:ExportTableToPointInTime", "dynamodb:DescribeExport"),
        },
        "old_cdr": {"dynamodb:DescribeTable", "dynamodb:Scan"},
    }
