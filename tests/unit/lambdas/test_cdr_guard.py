"""How Lambda calls the guard, with stream records as DynamoDB sends them."""

from __future__ import annotations

import importlib
import json
import logging
from datetime import UTC, datetime, timedelta
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from local_cloud.paths import ROOT
from switchboard.environment import MissingSetting
from switchboard.schema import deployment
from tests.unit.cdr.cdr_table import NOW, record
from tests.unit.cdr.test_intake import Kept

ENVIRON = {deployment.ENV_STAGE: "test", deployment.ENV_QUARANTINE_BUCKET: "bucket"}
CONTEXT: Any = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 60_000)
MONTH = timedelta(days=30)
TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
RECORDED_AT = "2026-11-21T12:00:00.000001Z"
DUE = int((datetime(2026, 11, 21, 12, 0, 1, tzinfo=UTC) + MONTH).timestamp())


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, imported as Lambda does: with its settings in the environment."""
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    module = importlib.import_module("lambdas.cdr_guard.handler")
    # Loggers live as long as the process: the next one is new and writes to this test's output.
    logging.Logger.manager.loggerDict.pop(deployment.CDR_GUARD, None)
    return module


def image(record_id: str = "zebra") -> dict[str, Any]:
    stored = record(id=record_id)
    return stored.item(stored.sk, recorded_at=RECORDED_AT, expires_at=DUE)


def changed(kind: str, number: int = 1, *, at: float = DUE, by: object = None, **stream: Any) -> dict[str, Any]:
    """A stream record of the view OLD_IMAGE, as Lambda delivers it."""
    old = image()
    dynamodb = {
        "ApproximateCreationDateTime": at,
        "Keys": {"pk": old["pk"], "sk": old["sk"]},
        "OldImage": old,
        "SequenceNumber": f"{number:021}",
        "SizeBytes": 500,
        "StreamViewType": "OLD_IMAGE",
        **stream,
    }
    found = {
        "eventID": f"event-{number}",
        "eventName": kind,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-west-1",
        "dynamodb": {name: value for name, value in dynamodb.items() if value is not None},
        "eventSourceARN": "arn:aws:dynamodb:eu-west-1:000000000000:table/cdr/stream/2026",
    }
    return found if by is None else found | {"userIdentity": by}


def run(
    handler: ModuleType,
    *records: dict[str, Any],
    retention: timedelta | None = MONTH,
    quarantine: Kept | None = None,
    context: Any = CONTEXT,
) -> dict[str, Any]:
    guard = handler.CdrGuardFunction(
        retention=retention,
        quarantine=quarantine or Kept(),
        telemetry=handler.Telemetry(stage="test", function=deployment.CDR_GUARD),
        clock=lambda: NOW,
        sleep=lambda _: None,
        jitter=lambda: 0.5,
    )
    answer: dict[str, Any] = guard.handle({"Records": list(records)}, context)
    return answer


def counted(output: str, metric: str) -> int:
    metrics = [json.loads(line) for line in output.splitlines() if '"_aws"' in line]
    assert all((each["stage"], each["service"]) == ("test", "cdr-guard") for each in metrics)
    return int(sum(each[metric][0] for each in metrics if metric in each))


def alarms(output: str) -> int:
    return counted(output, deployment.METRIC_CDR_CHANGED)


def kept(output: str) -> int:
    return counted(output, deployment.METRIC_QUARANTINED)


@pytest.mark.parametrize(
    ("event", "retention", "violations"),
    [
        (changed("REMOVE", by=TTL), MONTH, 0),
        (changed("REMOVE", by=TTL, at=DUE - 1), MONTH, 1),
        (changed("REMOVE", by=TTL), None, 1),
        (changed("REMOVE"), MONTH, 1),
        (changed("REMOVE", by={"type": "Service", "principalId": "replication.dynamodb.amazonaws.com"}), MONTH, 1),
        (changed("REMOVE", by="dynamodb.amazonaws.com"), MONTH, 1),
        (changed("REMOVE", by=TTL, OldImage=None), MONTH, 1),
        (changed("REMOVE", by=TTL, OldImage={"pk": {"S": "p"}}), MONTH, 1),
        (changed("REMOVE", by=TTL, ApproximateCreationDateTime=None), MONTH, 1),
        (changed("MODIFY"), MONTH, 1),
        (changed("MODIFY", by=TTL), MONTH, 1),
        (changed("INSERT"), MONTH, 0),
        ({"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "1"}}, MONTH, 1),
    ],
    ids=lambda value: value.get("eventName") if isinstance(value, dict) else str(value),
)
def test_every_change_but_a_removal_in_its_time_raises_the_alarm_metric(
    handler: ModuleType,
    capsys: pytest.CaptureFixture[str],
    event: dict[str, Any],
    retention: timedelta | None,
    violations: int,
) -> None:
    quarantine = Kept()
    assert run(handler, event, retention=retention, quarantine=quarantine) == {"batchItemFailures": []}
    output = capsys.readouterr().out
    assert alarms(output) == kept(output) == output.count("a CDR was changed") == violations
    assert len(quarantine.entries) == violations
    assert "zebra" not in output


def test_the_runbook_tells_an_expiry_under_another_retention_from_a_stranger(
    handler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    run(handler, changed("REMOVE", by=TTL), retention=2 * MONTH)
    (log,) = (json.loads(line) for line in capsys.readouterr().out.splitlines() if "a CDR was changed" in line)
    page = (ROOT / "docs" / "runbook" / "cdr-changed.md").read_text()
    assert log["by_ttl"] is True
    assert "`by_ttl`" in page
    assert "`cdr_retention_days`" in page


def test_the_old_image_is_kept_as_it_was(handler: ModuleType) -> None:
    quarantine = Kept()
    run(handler, changed("MODIFY"), changed("REMOVE", 2), quarantine=quarantine)
    first, second = quarantine.entries
    assert first.payload == second.payload == image()
    assert (first.reason, first.code, second.code, first.source) == ("cdr_changed", "MODIFY", "REMOVE", "stream")


def test_without_an_old_image_the_stream_record_itself_is_kept(handler: ModuleType) -> None:
    quarantine = Kept()
    event = changed("MODIFY", OldImage=None)
    run(handler, event, quarantine=quarantine)
    assert [entry.payload for entry in quarantine.entries] == [event]


def test_each_violation_counts_and_lawful_changes_between_them_do_not(
    handler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    run(handler, changed("MODIFY", 1), changed("REMOVE", 2, by=TTL), changed("REMOVE", 3))
    assert alarms(capsys.readouterr().out) == 2


def test_a_violation_that_cannot_be_kept_raises_the_metric_and_is_delivered_again_with_all_after_it(
    handler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    quarantine = Kept(refuses=[image("other")])
    answer = run(
        handler,
        changed("MODIFY", 1),
        changed("MODIFY", 2, OldImage=image("other")),
        changed("MODIFY", 3),
        quarantine=quarantine,
    )
    assert answer == {"batchItemFailures": [{"itemIdentifier": "000000000000000000002"}]}
    output = capsys.readouterr().out
    assert (alarms(output), kept(output)) == (2, 1)
    assert len(quarantine.entries) == 1


def test_what_there_is_no_time_to_keep_is_delivered_again(handler: ModuleType) -> None:
    late: Any = SimpleNamespace(aws_request_id="request-1", get_remaining_time_in_millis=lambda: 3_000)
    answer = run(handler, changed("MODIFY", 7), context=late)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "000000000000000000007"}]}


def test_the_metric_is_out_before_the_old_image_is_kept(
    handler: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[int] = []

    class Watching(Kept):
        def keep(self, entries: Any, *, now: datetime, budget: Any) -> list[bool]:
            seen.append(alarms(capsys.readouterr().out))
            return super().keep(entries, now=now, budget=budget)

    run(handler, changed("MODIFY"), quarantine=Watching())
    assert seen == [1]


def test_settings_and_entry_point_come_from_the_environment(handler: ModuleType) -> None:
    assert handler.Settings.from_env(ENVIRON) == handler.Settings("test", "bucket", None)
    with pytest.raises(MissingSetting, match=deployment.ENV_STAGE):
        handler.Settings.from_env({})
    assert handler.handle({"Records": [changed("INSERT")]}, CONTEXT) == {"batchItemFailures": []}
    built = handler.build(handler.Settings("test", "bucket", MONTH))
    assert built.retention == MONTH
    assert built.clock().tzinfo is UTC
