from __future__ import annotations

import importlib
import json
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from switchboard.cdr.reading.errors import InvalidQuery, QueryUnavailable
from switchboard.cdr.reading.reader import RESERVE_SECONDS
from switchboard.environment import MissingSetting
from switchboard.schema import cdr, deployment
from switchboard.telemetry import Telemetry
from tests.unit.cdr.query_table import TABLE, QueryTable, stored

HISTORY = {"query": "history", "sponsorship_id": "sp-secret"}
CONTEXT: Any = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 30_000)


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv(deployment.ENV_STAGE, "local")
    monkeypatch.setenv(deployment.ENV_CDR_TABLE, TABLE)
    return importlib.import_module("lambdas.cdr_query.handler")


@pytest.fixture
def table() -> QueryTable:
    return QueryTable([stored(sponsorship_id="sp-secret", record_id=f"r-{n}") for n in range(3)])


def function(handler: Any, client: Any, *, name: str = deployment.CDR_QUERY) -> Any:
    telemetry = Telemetry(stage="local", function=name)
    return handler.CdrQueryFunction(
        client=client, table=TABLE, telemetry=telemetry, sleep=lambda _: None, jitter=lambda: 0.5
    )


def failing(error: Exception) -> Any:
    def query(**_: Any) -> None:
        raise error

    return SimpleNamespace(query=query)


def metrics_of(output: str) -> dict[str, Any]:
    (line,) = [line for line in output.splitlines() if '"_aws"' in line]
    told: dict[str, Any] = json.loads(line)
    return told


def test_a_request_is_answered_with_plain_json(handler: Any, table: QueryTable) -> None:
    answer = function(handler, table).handle(HISTORY, CONTEXT)
    assert [record["id"] for record in answer["records"]] == ["r-0", "r-1", "r-2"]
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert len(table.calls) == 1


def test_metrics_say_what_was_asked_and_what_it_cost(
    handler: Any, table: QueryTable, capsys: pytest.CaptureFixture[str]
) -> None:
    function(handler, table).handle(HISTORY, CONTEXT)
    told = metrics_of(capsys.readouterr().out)
    assert (told[deployment.DIMENSION_STAGE], told[deployment.DIMENSION_FUNCTION]) == ("local", deployment.CDR_QUERY)
    assert told["CdrQueryHistory"] == [1]
    assert told[deployment.METRIC_CDR_ANSWERED] == [3]
    assert told[deployment.METRIC_CDR_READ_UNITS] == [0.5]


def test_a_first_counts_as_one_record_or_none(handler: Any, capsys: pytest.CaptureFixture[str]) -> None:
    request = {"query": "first", "sponsorship_id": "sp-1", "type": cdr.EXPIRE}
    answering = function(handler, QueryTable([stored(sk=cdr.first_key(cdr.EXPIRE, None), record_id="r")]))
    for sponsorship_id, counted in [("sp-1", 1), ("sp-2", 0)]:
        answer = answering.handle({**request, "sponsorship_id": sponsorship_id}, CONTEXT)
        assert (answer["record"] is not None) == bool(counted)
        assert metrics_of(capsys.readouterr().out)[deployment.METRIC_CDR_ANSWERED] == [counted]


def test_a_refusal_is_a_function_error_and_a_metric(handler: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidQuery):
        function(handler, QueryTable()).handle({"query": "secret-kind"}, CONTEXT)
    output = capsys.readouterr()
    assert metrics_of(output.out)[deployment.METRIC_CDR_QUERY_REFUSED] == [1]
    assert "secret-kind" not in output.out + output.err


@pytest.mark.parametrize("request_", [HISTORY, {"query": "history", "sponsorship_id": "sp-secret#"}, "sp-secret"])
def test_nothing_that_was_asked_or_answered_is_logged(
    handler: Any, table: QueryTable, request_: Any, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    # A logger keeps the stream it found first, so this one has a name of its own.
    answering = function(handler, table, name=str(request.node.callspec.indices))
    try:
        answering.handle(request_, CONTEXT)
    except InvalidQuery:
        assert request_ is not HISTORY
    logged = "".join(capsys.readouterr())
    assert "request-1" in logged
    assert "secret" not in logged
    assert "r-0" not in logged


def refused_by_dynamodb(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "…"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Query")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refused_by_dynamodb("ProvisionedThroughputExceededException", 400), "ProvisionedThroughputExceededException"),
        (refused_by_dynamodb("ThrottlingException", 400), "ThrottlingException"),
        (refused_by_dynamodb("InternalFailure", 503), "InternalFailure"),
        (EndpointConnectionError(endpoint_url="https://dynamodb.test"), "Connection"),
        (ReadTimeoutError(endpoint_url="https://dynamodb.test"), "Connection"),
    ],
)
@pytest.mark.parametrize(
    "request_",
    [HISTORY, {"query": "by_time", "from": "2026-11-21T00:00:00Z", "to": "2026-11-22T00:00:00Z"}],
    ids=["history", "by_time"],
)
def test_a_busy_table_is_a_retryable_function_error(
    handler: Any, request_: dict[str, Any], error: Exception, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(QueryUnavailable) as unavailable:
        function(handler, failing(error)).handle(request_, CONTEXT)
    told = json.loads(str(unavailable.value))
    assert (told["code"], told["retryable"]) == (code, True)
    assert metrics_of(capsys.readouterr().out)[deployment.METRIC_CDR_QUERY_UNAVAILABLE] == [1]


def test_a_table_that_never_answers_is_told_before_the_invocation_is_killed(
    handler: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    left = [30.0]

    def query(**_: Any) -> None:
        left[0] -= 2.5
        raise ReadTimeoutError(endpoint_url="https://dynamodb.test")

    context: Any = SimpleNamespace(aws_request_id="r", get_remaining_time_in_millis=lambda: int(left[0] * 1000))
    for seconds in (30.0, 7.0, 4.1):
        left[0] = seconds
        with pytest.raises(QueryUnavailable):
            function(handler, SimpleNamespace(query=query)).handle(HISTORY, context)
        assert left[0] > 1.0
        assert metrics_of(capsys.readouterr().out)[deployment.METRIC_CDR_QUERY_UNAVAILABLE] == [1]


@pytest.mark.parametrize("error", [refused_by_dynamodb("ThrottlingException", 400), ReadTimeoutError(endpoint_url="x")])
def test_a_table_that_is_busy_for_a_moment_is_asked_again(handler: Any, table: QueryTable, error: Exception) -> None:
    errors = [error] * 3

    def query(**request: Any) -> Any:
        if errors:
            raise errors.pop()
        return table.query(**request)

    answer = function(handler, SimpleNamespace(query=query)).handle(HISTORY, CONTEXT)
    assert len(answer["records"]) == 3


def test_a_missing_permission_is_not_called_busy(handler: Any) -> None:
    with pytest.raises(ClientError):
        function(handler, failing(refused_by_dynamodb("AccessDeniedException", 400))).handle(HISTORY, CONTEXT)


@pytest.mark.parametrize("missing", [deployment.ENV_STAGE, deployment.ENV_CDR_TABLE])
def test_a_missing_setting_is_named(handler: Any, missing: str) -> None:
    environ = {deployment.ENV_STAGE: "local", deployment.ENV_CDR_TABLE: TABLE}
    del environ[missing]
    with pytest.raises(MissingSetting, match=missing):
        handler.Settings.from_env(environ)


def test_lambda_finds_the_function_with_its_settings(handler: Any) -> None:
    built = handler.build(handler.Settings("local", TABLE))
    assert built.table == TABLE
    config = built.client.meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert config.connect_timeout + config.read_timeout < RESERVE_SECONDS - 1
    with pytest.raises(InvalidQuery):
        handler.handle({}, CONTEXT)
