"""Every count that an alarm watches is counted by its function: an alarm on a count that nobody makes never rings."""

from __future__ import annotations

import importlib
import json
import random
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.cdr.reading.errors import InvalidQuery
from switchboard.ids import Uuid7Source
from switchboard.schema import deployment
from switchboard.schema import messages as schema
from switchboard.telemetry import Telemetry
from tests.fakes.conversations import message, new_group
from tests.fakes.executors import Inline
from tests.fakes.messages_table import TABLE, MessagesTable, client_error
from tests.fakes.quarantine import KeptInMemory
from tests.fakes.talks import ANN, BEN, START, Talk
from tests.infra.failure_paths import COUNTED
from tests.unit.cdr.cdr_table import FakeTable, Fault, raw
from tests.unit.cdr.query_table import QueryTable
from tests.unit.cdr.test_intake import System
from tests.unit.lambdas import test_cdr_guard as guard
from tests.unit.lambdas import test_cdr_query as query
from tests.unit.lambdas import test_cdr_writer as writer

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRON = {
    deployment.ENV_STAGE: "test",
    deployment.ENV_CDR_TABLE: "cdr-table",
    deployment.ENV_MESSAGES_TABLE: TABLE,
    deployment.ENV_QUARANTINE_BUCKET: "bucket",
    deployment.ENV_FUNCTION: deployment.STREAM_HANDLER,
}


def with_time(milliseconds: int = 60_000) -> Any:
    return SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: milliseconds)


def cdr_writer(handler: Any, _: pytest.MonkeyPatch) -> None:
    system = System(FakeTable(fault=lambda _: Fault(members={0: "AccessDenied"})))
    writer.function(handler, system).handle(writer.queued(json.dumps(raw()), "no JSON"), with_time())


def cdr_guard(handler: Any, _: pytest.MonkeyPatch) -> None:
    guard.run(handler, guard.changed("MODIFY"))


def cdr_query(handler: Any, _: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidQuery):
        query.function(handler, QueryTable()).handle({}, with_time())


def messages(handler: Any, _: pytest.MonkeyPatch) -> None:
    table = MessagesTable()
    request = {
        "operation": "create_message",
        "user_uuid": ANN,
        "group_uuid": Talk(table).pair(ANN, BEN),
        "message": "m",
    }
    function = handler.MessagesFunction(
        client=table,
        table=TABLE,
        telemetry=Telemetry(stage="test", function=deployment.MESSAGES),
        clock=lambda: START,
        new_uuid7=Uuid7Source(random.Random(1).getrandbits),
        sleep=lambda _: None,
        jitter=lambda: 1.0,
    )
    for code in ("AccessDeniedException", "ThrottlingException"):

        def refuse(_name: str, _request: dict[str, Any], code: str = code) -> None:
            raise client_error(code)

        table.before = refuse
        function.handle(request, with_time())


def stream_handler(handler: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    table = MessagesTable()
    table.put(*new_group("g", "ann", "bob"), {**message("g", 5), schema.MESSAGE: {"BOOL": True}})
    follower = handler.Follower(client=table, table=TABLE, executor=Inline(), quarantine=KeptInMemory())
    for cached in (handler.settings, handler.telemetry):
        cached.cache_clear()
    monkeypatch.setattr(handler, "follower", lambda: follower)
    for milliseconds in (60_000, 9_999):
        handler.handle({"Records": table.stream}, with_time(milliseconds))


FAILING: dict[str, Callable[[Any, pytest.MonkeyPatch], None]] = {
    deployment.CDR_GUARD: cdr_guard,
    deployment.CDR_QUERY: cdr_query,
    deployment.CDR_WRITER: cdr_writer,
    deployment.MESSAGES: messages,
    deployment.STREAM_HANDLER: stream_handler,
}
"""What makes a function, given its module, count all that goes wrong with it."""


@pytest.mark.parametrize("function", sorted({function for _, function in COUNTED}))
def test_a_function_counts_what_alarms_watch_of_it(
    function: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    FAILING[function](importlib.import_module(f"lambdas.{function.replace('-', '_')}.handler"), monkeypatch)
    documents = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    counted = {
        metric["Name"]
        for document in documents
        if document[deployment.DIMENSION_FUNCTION] == function
        for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]
        if document[metric["Name"]] != [0]
    }
    assert counted >= {metric for metric, watched_of in COUNTED if watched_of == function}
