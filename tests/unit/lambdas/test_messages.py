from __future__ import annotations

import importlib
import json
import random
from types import SimpleNamespace
from typing import Any

import pytest

from switchboard.environment import MissingSetting
from switchboard.ids import Uuid7Source
from switchboard.schema import deployment
from switchboard.telemetry import Telemetry
from tests.fakes.messages_table import TABLE, MessagesTable, client_error
from tests.fakes.talks import ANN, BEN, START, Talk

TEXT = "never to be logged"


def context(seconds: float = 20.0) -> Any:
    return SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: int(seconds * 1_000))


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(deployment.ENV_STAGE, "local")
    monkeypatch.setenv(deployment.ENV_MESSAGES_TABLE, TABLE)
    return importlib.import_module("lambdas.messages.handler")


@pytest.fixture
def table() -> MessagesTable:
    return MessagesTable()


@pytest.fixture
def function(handler: Any, table: MessagesTable) -> Any:
    return handler.MessagesFunction(
        client=table,
        table=TABLE,
        telemetry=Telemetry(stage="local", function=deployment.MESSAGES),
        clock=lambda: START,
        new_uuid7=Uuid7Source(random.Random(1).getrandbits),
        sleep=lambda _: None,
        jitter=lambda: 1.0,
    )


@pytest.fixture
def group(table: MessagesTable) -> str:
    return Talk(table).pair(ANN, BEN)


def lines(output: str, mark: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines() if mark in line]


def message(group: str, user: str = ANN, **fields: Any) -> dict[str, Any]:
    return {"operation": "create_message", "user_uuid": user, "group_uuid": group, "message": TEXT, **fields}


def test_a_request_is_answered_with_plain_json(function: Any, group: str) -> None:
    sent = function.handle(message(group), context())
    listed = function.handle({"operation": "list_messages", "user_uuid": BEN, "group_uuid": group}, context())

    assert listed["messages"][-1]["message_uuid"] == sent["message_uuid"]
    assert json.loads(json.dumps(listed)) == listed


@pytest.mark.parametrize(
    ("change", "metric"),
    [
        ({}, "MessagesAnswered"),
        ({"group_uuid": "99999999-0000-8000-8000-000000000000"}, "MessagesNotAMember"),
        ({"message": ""}, "MessagesInvalid"),
    ],
)
def test_each_answer_is_counted_by_its_outcome(
    function: Any, group: str, capsys: pytest.CaptureFixture[str], change: dict[str, Any], metric: str
) -> None:
    function.handle(message(group, **change), context())

    (counted,) = lines(capsys.readouterr().out, '"_aws"')
    assert counted[metric] == [1.0]
    assert counted["stage"] == "local"


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records]


def test_logs_hold_neither_texts_nor_ids(function: Any, group: str, caplog: pytest.LogCaptureFixture) -> None:
    function.handle(message(group), context())
    function.handle(message(group, message_uuid="forged"), context())
    function.handle({"operation": TEXT}, context())

    assert [(line["operation"], line["outcome"]) for line in logged(caplog)] == [
        ("create_message", "answered"),
        ("create_message", "invalid"),
        (None, "invalid"),
    ]
    assert all(secret not in repr(logged(caplog)) for secret in (TEXT, ANN, group, "forged"))


def test_a_fault_is_logged_under_the_reference_that_is_answered(
    function: Any, table: MessagesTable, group: str, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_name: str, request: dict[str, Any]) -> None:
        fault = client_error("AccessDeniedException")
        fault.args = (f"not allowed: {request}",)
        raise fault

    table.before = refuse

    answer = function.handle(message(group), context())

    assert answer["error"]["code"] == "internal"
    assert "request-1" in answer["error"]["message"]
    assert function.telemetry.logger.get_current_keys()["request_id"] == "request-1"
    fault, _ = logged(caplog)
    assert (fault["fault"], fault["code"], fault["exc_info"]) == ("ClientError", "AccessDeniedException", None)
    assert any("membership.py" in frame for frame in fault["frames"])
    assert group not in repr(fault)


@pytest.mark.parametrize(("seconds", "tries"), [(20.0, 8), (2.0, 1)])
def test_a_busy_table_is_tried_again_while_there_is_time(
    function: Any, table: MessagesTable, group: str, *, seconds: float, tries: int
) -> None:
    def collide(name: str, _request: dict[str, Any]) -> None:
        if name == "put_item":
            raise client_error("TransactionConflictException")

    table.before = collide

    answer = function.handle(message(group), context(seconds))

    assert answer["error"]["code"] == "throttled"
    assert table.calls["put_item"] == tries


def test_the_entry_point_is_built_from_the_environment(handler: Any) -> None:
    settings = handler.Settings.from_env({deployment.ENV_STAGE: "dev", deployment.ENV_MESSAGES_TABLE: "table-1"})

    built = handler.build(settings)

    assert (built.table, built.client.meta.service_model.service_name) == ("table-1", "dynamodb")
    assert handler.handle({"operation": "unknown"}, context())["error"]["code"] == "invalid"


def test_ids_and_time_are_the_machine_s(handler: Any) -> None:
    built = handler.build(handler.Settings("dev", "table-1"))

    assert built.clock().utcoffset().total_seconds() == 0
    assert built.new_uuid7(5) != built.new_uuid7(5)


@pytest.mark.parametrize("name", [deployment.ENV_STAGE, deployment.ENV_MESSAGES_TABLE])
def test_a_missing_setting_is_named(handler: Any, name: str) -> None:
    environ = {deployment.ENV_STAGE: "dev", deployment.ENV_MESSAGES_TABLE: "table-1"}
    del environ[name]

    with pytest.raises(MissingSetting, match=name):
        handler.Settings.from_env(environ)
