from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lambdas.stream_handler import handler
from switchboard.dynamo.budget import Budget
from switchboard.environment import MissingSetting
from switchboard.messages.previews import RESERVE_SECONDS, Outcome
from switchboard.schema import deployment
from switchboard.schema import messages as schema
from tests.fakes.conversations import NOW, message, new_group, shown, sort_key
from tests.fakes.executors import Inline
from tests.fakes.messages_table import TABLE, MessagesTable, client_error
from tests.fakes.quarantine import KeptInMemory

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.expressions import Item

    Records = list[dict[str, Any]]
    Follow = Callable[[Records], Outcome]
    Invoke = Callable[[Records, float], tuple[object, Records]]


@pytest.fixture
def table() -> MessagesTable:
    table = MessagesTable()
    table.put(*new_group("g", "ann", "bob"))
    return table


@pytest.fixture
def quarantine() -> KeptInMemory:
    return KeptInMemory()


@pytest.fixture
def follower(table: MessagesTable, quarantine: KeptInMemory) -> handler.Follower:
    return handler.Follower(client=table, table=TABLE, executor=Inline(), quarantine=quarantine)  # type: ignore[arg-type]


@pytest.fixture
def follow(follower: handler.Follower) -> Follow:
    def follow(records: Records) -> Outcome:
        budget = Budget(
            remaining_seconds=lambda: 60.0, sleep=lambda _: None, jitter=lambda: 0.5, reserve_seconds=RESERVE_SECONDS
        )
        return follower.follow(records, now=NOW, budget=budget)

    return follow


def test_a_new_group_and_everything_but_new_messages_is_passed_over(table: MessagesTable, follow: Follow) -> None:
    edited = message("g", 5)
    table.put(edited, {**edited, schema.MESSAGE: {"S": "edited"}})
    inserted, *others = table.stream[-2:]
    removed = {**inserted, "eventName": "REMOVE"}

    assert follow([*table.stream[:-2], *others, removed]) == Outcome(stopped_at=None, updated=0, kept=0)
    assert not table.calls


def test_its_own_writes_cause_no_further_write(table: MessagesTable, follow: Follow) -> None:
    table.put(message("g", 5))
    follow(table.stream)
    own = [record for record in table.stream if record["eventName"] == "MODIFY"]
    table.calls.clear()

    assert follow(own) == Outcome(stopped_at=None, updated=0, kept=0)
    assert len(own) == 2
    assert not table.calls


def test_a_record_that_can_never_succeed_is_kept_with_its_payload_and_its_own_day(
    table: MessagesTable,
    quarantine: KeptInMemory,
    follow: Follow,
) -> None:
    poison: Item = {**message("g", 5), schema.MESSAGE: {"BOOL": True}}
    table.put(poison)

    assert follow(table.stream) == follow(table.stream) == Outcome(stopped_at=None, updated=0, kept=1)
    ((entry, received_at),) = quarantine.objects.values()
    assert entry.payload == table.stream[-1]
    assert (entry.code, entry.source) == ("MalformedMessage", "stream")
    assert schema.MESSAGE in entry.reason
    assert received_at.timestamp() == table.stream[-1]["dynamodb"]["ApproximateCreationDateTime"]


def test_a_new_message_without_an_image_is_kept(table: MessagesTable, quarantine: KeptInMemory, follow: Follow) -> None:
    table.put(message("g", 5))
    del table.stream[-1]["dynamodb"]["NewImage"]

    assert follow(table.stream).kept == len(quarantine.objects) == 1


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, follower: handler.Follower, capsys: pytest.CaptureFixture[str]) -> Invoke:
    """Invokes the function with records and milliseconds left: its answer, and its metrics."""
    monkeypatch.setenv(deployment.ENV_STAGE, "test")
    monkeypatch.setenv(deployment.ENV_FUNCTION, deployment.STREAM_HANDLER)
    monkeypatch.setenv(deployment.ENV_MESSAGES_TABLE, TABLE)
    monkeypatch.setenv(deployment.ENV_QUARANTINE_BUCKET, "bucket")
    for cached in (handler.settings, handler.telemetry):
        cached.cache_clear()
    monkeypatch.setattr(handler, "follower", lambda: follower)

    def invoke(records: Records, milliseconds: float) -> tuple[object, Records]:
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds)
        answer = handler.handle({"Records": records}, context)  # type: ignore[arg-type]
        return answer, [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return invoke


def test_a_batch_that_is_done_reports_no_failure(table: MessagesTable, deployed: Invoke) -> None:
    table.put(message("g", 5, "bob"))

    answer, _ = deployed(table.stream, 60_000)

    assert answer == {"batchItemFailures": []}
    assert shown(table.items["USER#ann", "GRP#g"]) == (sort_key(5), "message 5", "bob")


def test_a_batch_that_stops_reports_the_one_record_to_go_on_from(table: MessagesTable, deployed: Invoke) -> None:
    table.put(message("g", 5), message("g", 6))
    first = table.stream[-2]["dynamodb"]["SequenceNumber"]

    answer, metrics = deployed(table.stream, 9_999)

    assert answer == {"batchItemFailures": [{"itemIdentifier": first}]}
    assert any(document.get(deployment.METRIC_STREAM_STOPPED) == [1] for document in metrics)


def test_logs_and_metrics_hold_counts_and_no_content(
    table: MessagesTable, deployed: Invoke, caplog: pytest.LogCaptureFixture
) -> None:
    table.put(message("g", 5, text="a secret"), {**message("g", 6), schema.MESSAGE: {"N": "1"}})

    _, metrics = deployed(list(table.stream), 60_000)

    assert any(document.get(deployment.METRIC_QUARANTINED) == [1] for document in metrics)
    (logged,) = (vars(record) for record in caplog.records)
    assert (logged["records"], logged["updated"], logged["quarantined"], logged["stopped"]) == (6, 2, 1, False)
    text = json.dumps(metrics) + repr(logged)
    assert not any(told in text for told in ("secret", "USER#", "MSG#", sort_key(5)))


def test_a_batch_that_stops_logs_the_code_of_what_stopped_it_and_nothing_else_of_it(
    table: MessagesTable, deployed: Invoke, caplog: pytest.LogCaptureFixture
) -> None:
    table.put(message("g", 5))
    records = list(table.stream)

    def refuse(_name: str, _request: dict[str, Any]) -> None:
        told = {"Code": "AccessDeniedException", "Message": "USER#ann is a secret"}
        raise client_error("AccessDeniedException", Error=told)

    table.before = refuse
    deployed(records, 60_000)

    (logged,) = (vars(record) for record in caplog.records)
    assert (logged["stopped"], logged["why"]) == (True, "AccessDeniedException")
    assert "secret" not in repr(logged)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(MissingSetting, match=deployment.ENV_STAGE):
        handler.Settings.from_env({})
