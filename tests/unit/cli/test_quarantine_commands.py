"""The commands on the quarantine: what they list and show, whom they give a payload, and when they remove it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.paths import ROOT
from switchboard.quarantine import object_key
from switchboard.schema import cdr, deployment
from tests.fakes.stage import aws_error

if TYPE_CHECKING:
    from tests.fakes.stage import FakeStage

RECORD = {"id": "r-1", "type": "consume"}
STREAM_RECORD = {"eventName": "INSERT", "dynamodb": {"SequenceNumber": "1"}}
WRITER_KEY = "cdr-writer/2026/11/21/00.json"
HANDLER_KEY = "stream-handler/2026/11/21/00.json"
GUARD_KEY = "cdr-guard/2026/11/21/00.json"
ASYNC_KEY = "aws/lambda/async/switchboard-local-cdr-writer/2026/11/21/x"
BATCH_KEY = "aws/lambda/00000000-0000-4000-8000-000000000000/shard/2026/11/21/x"


def kept(payload: Any) -> dict[str, Any]:
    return {"schema": deployment.QUARANTINE_SCHEMA, "reason": "rejected", "code": "format", "payload": payload}


def by_lambda(stage: FakeStage, function: str, **payload: Any) -> dict[str, Any]:
    return {"version": "1.0", "requestContext": {"functionArn": f"{stage.arn(function)}:$LATEST"}, **payload}


def answered(*statuses: str) -> dict[str, Any]:
    error = {"path": "/records/0/time", "code": "format", "message": "expected a time"}
    results: list[dict[str, Any]] = [{"status": status} for status in statuses]
    for result in results:
        if result["status"] == cdr.REJECTED:
            result["errors"] = [error]
    return {"results": results}


@pytest.fixture(autouse=True)
def functions(stage: FakeStage) -> None:
    """Functions that do whatever they are given."""
    stage.functions[deployment.CDR_WRITER] = lambda request: answered(*[cdr.STORED for _ in request["records"]])
    for name in (deployment.STREAM_HANDLER, deployment.CDR_GUARD):
        stage.functions[name] = lambda _request: {"batchItemFailures": []}


def test_everything_is_listed_ours_and_lambda_s(stage: FakeStage) -> None:
    for key in (WRITER_KEY, HANDLER_KEY, ASYNC_KEY, BATCH_KEY):
        stage.bucket.put(key, {"n": 1})
    result = stage.do("quarantine", "list")
    for shown in (WRITER_KEY, HANDLER_KEY, ASYNC_KEY, BATCH_KEY, "2026-11-21T12:00:00Z"):
        assert shown in result.stdout
    assert result.stderr == "4 objects.\n"
    listed = stage.do("quarantine", "list", "--prefix", "stream-handler/", "--json").stdout
    assert json.loads(listed) == {"key": HANDLER_KEY, "bytes": 8, "kept_at": "2026-11-21T12:00:00Z"}


def test_the_runbook_says_what_is_listed_and_what_is_shown_only(stage: FakeStage) -> None:
    page = (ROOT / "docs" / "runbook" / "quarantined.md").read_text()
    listed, shown = (
        next(line for line in page.splitlines() if line.startswith(f"- `switchboard quarantine {command} "))
        for command in ("list", "show")
    )
    stage.bucket.put(WRITER_KEY, kept(RECORD))
    told = stage.do("quarantine", "list").stdout + stage.do("quarantine", "list", "--json").stdout
    for name in ("reason", "code"):
        assert name not in told
        assert name not in listed
        assert name in stage.answer("quarantine", "show", WRITER_KEY)
        assert f"`{name}`" in shown


def test_nothing_is_listed_of_an_empty_quarantine(stage: FakeStage) -> None:
    result = stage.do("quarantine", "list")
    assert (result.stdout, result.stderr) == ("", "0 objects.\n")


def test_a_document_is_shown_whole_and_cannot_steer_the_terminal(stage: FakeStage) -> None:
    document = kept({"text": "\x1b[2J[red]ü"})
    stage.bucket.put(WRITER_KEY, document)
    assert json.loads(stage.do("quarantine", "show", WRITER_KEY).stdout) == document
    assert stage.answer("quarantine", "show", WRITER_KEY) == document
    stage.bucket.put(WRITER_KEY, b'not JSON\x1b[2J\x9b"')
    result = stage.do("quarantine", "show", WRITER_KEY)
    assert "not JSON" in result.stdout
    assert "\x1b" not in result.stdout
    assert "is not JSON" in result.stderr


@pytest.mark.parametrize(
    ("key", "document", "function", "event"),
    [
        (
            WRITER_KEY,
            kept(RECORD),
            deployment.CDR_WRITER,
            {"schema": cdr.ENVELOPE_SCHEMA, "records": [RECORD], "on_failed": "report"},
        ),
        (
            WRITER_KEY,
            kept({"schema": "x/1", "records": [RECORD], "on_failed": "raise"}),
            deployment.CDR_WRITER,
            {"schema": "x/1", "records": [RECORD], "on_failed": "report"},
        ),
        (HANDLER_KEY, kept(STREAM_RECORD), deployment.STREAM_HANDLER, {"Records": [STREAM_RECORD]}),
    ],
    ids=["record", "envelope", "stream record"],
)
def test_our_documents_go_to_their_function_again_and_are_removed(
    stage: FakeStage, key: str, document: Any, function: str, event: Any
) -> None:
    stage.bucket.put(key, document)
    done = stage.answer("quarantine", "redrive", key)
    assert done == {"key": key, "function": function, "removed": True}
    assert stage.invoked == [(function, event)]
    assert stage.bucket.objects == {}


@pytest.mark.parametrize("function", [deployment.STREAM_HANDLER, deployment.CDR_GUARD])
@pytest.mark.parametrize("as_text", [False, True], ids=["object", "text"])
def test_a_discarded_batch_goes_to_its_function_again(stage: FakeStage, function: str, as_text: bool) -> None:
    batch = {"Records": [STREAM_RECORD, STREAM_RECORD]}
    stage.bucket.put(BATCH_KEY, by_lambda(stage, function, payload=json.dumps(batch) if as_text else batch))
    assert f"Done by {function}" in stage.do("quarantine", "redrive", BATCH_KEY).stdout
    assert stage.invoked == [(function, batch)]
    assert stage.bucket.objects == {}


def test_a_failed_invocation_goes_to_its_function_again(stage: FakeStage) -> None:
    envelope = {"schema": cdr.ENVELOPE_SCHEMA, "records": [RECORD, RECORD]}
    stage.bucket.put(ASYNC_KEY, by_lambda(stage, deployment.CDR_WRITER, requestPayload=envelope))
    stage.do("quarantine", "redrive", ASYNC_KEY)
    assert stage.invoked == [(deployment.CDR_WRITER, {**envelope, "on_failed": "report"})]
    assert stage.bucket.objects == {}


@pytest.mark.parametrize("status", [cdr.REJECTED, cdr.CONFLICT, cdr.FAILED])
def test_a_record_that_is_refused_again_stays(stage: FakeStage, status: str) -> None:
    stage.functions[deployment.CDR_WRITER] = lambda _request: answered(cdr.STORED, status)
    stage.bucket.put(WRITER_KEY, kept({**RECORD, "note": "secret"}))
    result = stage.run("quarantine", "redrive", WRITER_KEY)
    assert (result.exit_code, result.stdout) == (5, "")
    assert f"  {status}" in result.stderr
    assert ("/records/0/time: format: expected a time" in result.stderr) is (status == cdr.REJECTED)
    assert "secret" not in result.stderr
    assert WRITER_KEY in stage.bucket.objects


@pytest.mark.parametrize("status", [cdr.DUPLICATE, cdr.NOT_FIRST, cdr.EARLIER])
def test_a_record_that_was_stored_meanwhile_is_done(stage: FakeStage, status: str) -> None:
    stage.functions[deployment.CDR_WRITER] = lambda _request: answered(status)
    stage.bucket.put(WRITER_KEY, kept(RECORD))
    stage.do("quarantine", "redrive", WRITER_KEY)
    assert stage.bucket.objects == {}


def test_an_unreadable_envelope_is_refused_again(stage: FakeStage) -> None:
    errors = [{"path": "/schema", "code": "format", "message": "expected switchboard.cdr/1"}]
    refusal = {"errorType": "InvalidEnvelope", "errorMessage": json.dumps({"errors": errors})}
    stage.functions[deployment.CDR_WRITER] = lambda _request: refusal
    stage.bucket.put(WRITER_KEY, kept("{ no JSON"))
    result = stage.run("quarantine", "redrive", WRITER_KEY)
    assert result.exit_code == 5
    assert "/schema: format" in result.stderr
    assert stage.invoked == [(deployment.CDR_WRITER, "{ no JSON")]
    assert WRITER_KEY in stage.bucket.objects


def test_records_that_the_handler_asks_for_again_stay(stage: FakeStage) -> None:
    stage.functions[deployment.STREAM_HANDLER] = lambda _request: {"batchItemFailures": [{"itemIdentifier": "1"}]}
    stage.bucket.put(HANDLER_KEY, kept(STREAM_RECORD))
    assert stage.run("quarantine", "redrive", HANDLER_KEY).exit_code == 5
    assert HANDLER_KEY in stage.bucket.objects


def test_what_the_handler_quarantines_again_is_not_removed(stage: FakeStage) -> None:
    def keep(_request: Any) -> Any:
        stage.bucket.put(HANDLER_KEY, kept(STREAM_RECORD))
        return {"batchItemFailures": []}

    stage.functions[deployment.STREAM_HANDLER] = keep
    stage.bucket.put(HANDLER_KEY, kept(STREAM_RECORD))
    result = stage.run("quarantine", "redrive", HANDLER_KEY)
    assert result.exit_code == 5
    assert "into the quarantine again" in result.stderr
    assert HANDLER_KEY in stage.bucket.objects


@pytest.mark.parametrize("was_there", [False, True], ids=["new", "there before"])
def test_a_discarded_batch_of_which_a_record_is_quarantined_says_where_it_lies_now(
    stage: FakeStage, was_there: bool
) -> None:
    poison = {**STREAM_RECORD, "dynamodb": {"SequenceNumber": "2", "ApproximateCreationDateTime": 1_795_219_200.0}}
    own_key = object_key(deployment.STREAM_HANDLER, datetime(2026, 11, 21, tzinfo=UTC), poison)

    def keep(_request: Any) -> Any:
        stage.bucket.put(own_key, kept(poison))
        return {"batchItemFailures": []}

    stage.functions[deployment.STREAM_HANDLER] = keep
    # Others of the same day are nobody's concern.
    for key in (HANDLER_KEY, *([own_key] if was_there else [])):
        stage.bucket.put(key, kept(poison))
    batch = {"Records": [STREAM_RECORD, poison]}
    stage.bucket.put(BATCH_KEY, by_lambda(stage, deployment.STREAM_HANDLER, payload=batch))
    result = stage.run("quarantine", "redrive", BATCH_KEY)
    assert (result.exit_code, result.stdout) == (5, "")
    assert own_key in result.stderr.replace("\n", "")
    assert HANDLER_KEY not in result.stderr
    assert set(stage.bucket.objects) == {HANDLER_KEY, own_key}
    assert stage.run("quarantine", "redrive", own_key).exit_code == 5
    assert own_key in stage.bucket.objects


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ({"errorType": "RuntimeError", "errorMessage": "secret"}, 1),
        ({"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out"}, 6),
        (aws_error("TooManyRequestsException", "Invoke", 429), 6),
        (aws_error("AccessDeniedException", "Invoke", 403), 3),
    ],
)
def test_a_function_that_fails_leaves_the_object_where_it_is(stage: FakeStage, answer: Any, code: int) -> None:
    def fail(_request: Any) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    stage.functions[deployment.CDR_WRITER] = fail
    stage.bucket.put(WRITER_KEY, kept(RECORD))
    result = stage.run("quarantine", "redrive", WRITER_KEY)
    assert result.exit_code == code
    assert "secret" not in result.stderr
    assert WRITER_KEY in stage.bucket.objects


def from_function(name: str, **payload: Any) -> dict[str, Any]:
    return {"requestContext": {"functionArn": f"arn:aws:lambda:r:1:function:{name}"}, **payload}


@pytest.mark.parametrize(
    ("key", "document"),
    [
        (WRITER_KEY, b"not JSON"),
        (WRITER_KEY, [kept(RECORD)]),
        (WRITER_KEY, {**kept(RECORD), "schema": "switchboard.quarantine/2"}),
        (WRITER_KEY, {"schema": deployment.QUARANTINE_SCHEMA}),
        (GUARD_KEY, kept(RECORD)),
        ("cdr-query/2026/11/21/00.json", kept(RECORD)),
        (ASYNC_KEY, kept(RECORD)),
        (ASYNC_KEY, from_function("switchboard-prod-cdr-writer", requestPayload=RECORD)),
        (ASYNC_KEY, from_function("other", requestPayload=RECORD)),
        (ASYNC_KEY, {"requestContext": "text", "requestPayload": RECORD}),
        (BATCH_KEY, from_function("switchboard-local-stream-handler")),
        (BATCH_KEY, from_function("switchboard-local-stream-handler", payload="not JSON")),
    ],
)
def test_what_is_no_document_of_this_stage_reaches_no_function(stage: FakeStage, key: str, document: Any) -> None:
    stage.bucket.put(key, document)
    result = stage.run("quarantine", "redrive", key)
    assert result.exit_code == 3
    assert stage.invoked == []
    assert key in stage.bucket.objects


@pytest.mark.parametrize("command", ["show", "redrive"])
def test_an_object_that_is_not_there_ends_with_4(stage: FakeStage, command: str) -> None:
    result = stage.run("quarantine", command, "no-such-key")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "no-such-key" not in result.stderr


@pytest.mark.parametrize("words", [("list",), ("show", "k"), ("redrive", "k")])
def test_a_stage_without_a_quarantine_ends_with_4(stage: FakeStage, words: tuple[str, ...]) -> None:
    stage.published.clear()
    assert stage.run("quarantine", *words).exit_code == 4
