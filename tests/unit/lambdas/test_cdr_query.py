from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ReadTimeoutError

from lambdas.cdr_query import handler
from switchboard.cdr.queries_errors import InvalidQuery, QueryUnavailable
from switchboard.environment import MissingSetting
from switchboard.schema import cdr, deployment
from tests.unit.cdr.query_table import TABLE, QueryTable, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

HISTORY = {"query": "history", "sponsorship_id": "sp-secret"}
CONTEXT: Any = SimpleNamespace(get_remaining_time_in_millis=lambda: 30_000)


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[QueryTable]:
    asked = QueryTable([stored(sponsorship_id="sp-secret", record_id=f"r-{n}") for n in range(3)])
    monkeypatch.setenv(deployment.ENV_CDR_TABLE, TABLE)
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", deployment.CDR_QUERY)
    monkeypatch.setattr(handler, "client", lambda: asked)
    handler.settings.cache_clear()
    yield asked
    handler.settings.cache_clear()


def failing(error: Exception) -> Any:
    def query(**_: Any) -> None:
        raise error

    return SimpleNamespace(query=query)


def metrics_of(output: str) -> dict[str, Any]:
    (line,) = [line for line in output.splitlines() if '"_aws"' in line]
    told: dict[str, Any] = json.loads(line)
    return told


def test_a_request_is_answered_with_plain_json(table: QueryTable) -> None:
    answer = handler.handle(HISTORY, CONTEXT)
    assert [record["id"] for record in answer["records"]] == ["r-0", "r-1", "r-2"]
    assert json.loads(json.dumps(answer, allow_nan=False)) == answer
    assert len(table.calls) == 1


def test_metrics_say_what_was_asked_and_what_it_cost(table: QueryTable, capsys: pytest.CaptureFixture[str]) -> None:
    handler.handle(HISTORY, CONTEXT)
    told = metrics_of(capsys.readouterr().out)
    assert told[deployment.DIMENSION_QUERY] == "history"
    assert told[deployment.METRIC_CDR_QUERIES] == [1]
    assert told[deployment.METRIC_CDR_ANSWERED] == [len(table.items)]
    assert told[deployment.METRIC_CDR_READ_UNITS] == [0.5]


@pytest.mark.usefixtures("table")
def test_a_first_counts_as_one_record_or_none(capsys: pytest.CaptureFixture[str]) -> None:
    request = {"query": "first", "sponsorship_id": "sp-secret", "type": cdr.EXPIRE}
    assert handler.handle(request, CONTEXT)["record"] is None
    assert metrics_of(capsys.readouterr().out)[deployment.METRIC_CDR_ANSWERED] == [0]


@pytest.mark.usefixtures("table")
def test_a_refusal_is_a_function_error_and_a_metric(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InvalidQuery):
        handler.handle({"query": "secret-kind"}, CONTEXT)
    output = capsys.readouterr()
    assert metrics_of(output.out)[deployment.DIMENSION_QUERY] == "refused"
    assert "secret-kind" not in output.out + output.err


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("request_", [HISTORY, {"query": "history", "sponsorship_id": "sp-secret#"}, "sp-secret"])
def test_nothing_that_was_asked_or_answered_is_logged(
    request_: Any, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    try:
        handler.handle(request_, CONTEXT)
    except InvalidQuery:
        assert request_ is not HISTORY
    output = capsys.readouterr()
    logged = output.out + output.err + caplog.text
    assert logged
    assert "secret" not in logged
    assert "r-0" not in logged


def refused_by_dynamodb(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "…"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Query")


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    ("error", "code"),
    [
        (refused_by_dynamodb("ProvisionedThroughputExceededException", 400), "ProvisionedThroughputExceededException"),
        (refused_by_dynamodb("ThrottlingException", 400), "ThrottlingException"),
        (refused_by_dynamodb("InternalServerError", 500), "InternalServerError"),
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
    request_: dict[str, Any], error: Exception, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handler, "client", lambda: failing(error))
    with pytest.raises(QueryUnavailable) as unavailable:
        handler.handle(request_, CONTEXT)
    told = json.loads(str(unavailable.value))
    assert (told["code"], told["retryable"]) == (code, True)


@pytest.mark.usefixtures("table")
def test_a_missing_permission_is_not_called_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handler, "client", lambda: failing(refused_by_dynamodb("AccessDeniedException", 400)))
    with pytest.raises(ClientError):
        handler.handle(HISTORY, CONTEXT)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(MissingSetting, match=deployment.ENV_CDR_TABLE):
        handler.Settings.from_env({})
