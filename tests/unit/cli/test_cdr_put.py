"""`cdr put`: what it sends, what it sends again, and how it ends."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.schema import cdr
from tests.unit.cli.called import RECORD, FakeAws, aws_error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def settled(statuses: Callable[[int], str] = lambda _: cdr.STORED) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        results = []
        for index, record in enumerate(request["records"]):
            result: dict[str, Any] = {"index": index, "id": record["id"], "status": statuses(int(record["id"][2:]))}
            if result["status"] == cdr.FAILED:
                result |= {"retryable": True, "code": "ThrottlingError"}
            elif result["status"] == cdr.REJECTED:
                error = {"path": f"/records/{index}/time", "code": "format", "message": "expected a time"}
                result |= {"id": None, "errors": [error]}
            else:
                result["recorded_at"] = RECORD["recorded_at"]
            results.append(result)
        return {"schema": cdr.RESULT_SCHEMA, "summary": {}, "results": results}

    return answer


def lines_of(count: int) -> str:
    return "".join(json.dumps({"id": f"r-{n}"}) + "\n" for n in range(count))


def test_put_sends_a_record_and_counts(tmp_path: Path) -> None:
    file = tmp_path / "record.json"
    file.write_text(json.dumps({"id": "r-0", "note": "ü"}, indent=2))
    aws = FakeAws(settled())
    result = aws.run(["cdr", "put", str(file), "--stage", "local"])
    assert result.exit_code == 0
    assert aws.requests == [
        {"schema": cdr.ENVELOPE_SCHEMA, "on_failed": "report", "records": [{"id": "r-0", "note": "ü"}]}
    ]
    assert [line.split() for line in result.stdout.splitlines() if "stored" in line or "received" in line] == [
        ["stored", "│", "1"],
        ["received", "│", "1"],
    ]
    assert result.stderr == ""


def test_put_sends_2500_lines_in_three_calls() -> None:
    aws = FakeAws(settled())
    result = aws.run(["cdr", "put", "-", "--stage", "local"], lines_of(2_500))
    assert result.exit_code == 0
    assert [len(request["records"]) for request in aws.requests] == [1_000, 1_000, 500]
    assert "2,500" in result.stdout


@pytest.mark.parametrize("status", [cdr.STORED, cdr.DUPLICATE, cdr.NOT_FIRST, cdr.EARLIER])
def test_final_and_good_ends_with_0(status: str) -> None:
    result = FakeAws(settled(lambda _: status)).run(["cdr", "put", "-", "--stage", "local"], lines_of(3))
    assert result.exit_code == 0


@pytest.mark.parametrize("status", [cdr.CONFLICT, cdr.REJECTED, cdr.FAILED])
def test_anything_else_ends_with_5_and_is_listed(status: str) -> None:
    aws = FakeAws(settled(lambda index: status if index == 1 else cdr.STORED))
    result = aws.run(["cdr", "put", "-", "--stage", "local"], lines_of(3))
    assert result.exit_code == 5
    (line,) = result.stderr.splitlines()
    assert line.startswith("record 1")
    assert status in line


def test_a_rejection_points_into_the_file_not_into_its_call() -> None:
    aws = FakeAws(settled(), settled(lambda index: cdr.REJECTED if index == 1_002 else cdr.STORED))
    result = aws.run(["cdr", "put", "-", "--stage", "local", "--json"], lines_of(1_005))
    answer = json.loads(result.stdout)
    assert answer["summary"] == {"received": 1_005, **dict.fromkeys(cdr.STATUSES, 0), "stored": 1_004, "rejected": 1}
    assert [entry["index"] for entry in answer["results"]] == list(range(1_005))
    assert answer["results"][1_002]["errors"][0]["path"] == "/records/1002/time"
    assert "record 1002: rejected: /records/1002/time: format: expected a time" in result.stderr


def test_failed_records_alone_are_sent_again() -> None:
    aws = FakeAws(settled(lambda index: cdr.FAILED if index in {1, 3} else cdr.STORED), settled())
    result = aws.run(["cdr", "put", "-", "--stage", "local"], lines_of(5))
    assert result.exit_code == 0
    assert [[record["id"] for record in request["records"]] for request in aws.requests] == [
        ["r-0", "r-1", "r-2", "r-3", "r-4"],
        ["r-1", "r-3"],
    ]
    assert aws.pauses == [0.5]


def test_what_keeps_failing_is_given_up_after_a_few_times() -> None:
    aws = FakeAws(settled(lambda _: cdr.FAILED))
    result = aws.run(["cdr", "put", "-", "--stage", "local"], lines_of(2))
    assert result.exit_code == 5
    assert len(aws.requests) == 4
    assert aws.pauses == [0.5, 1.0, 2.0]
    assert "record 0 (r-0): failed: ThrottlingError" in result.stderr


def test_what_can_never_succeed_is_not_sent_again() -> None:
    hopeless = {"index": 0, "id": "r-0", "status": "failed", "retryable": False, "code": "ValidationError"}
    aws = FakeAws({"results": [hopeless]})
    assert aws.run(["cdr", "put", "-", "--stage", "local"], lines_of(1)).exit_code == 5
    assert len(aws.requests) == 1


def test_json_of_one_call_is_the_answer_unchanged() -> None:
    answer = '{"summary":  {}, "results":[{"index":0,"id":"r-0","status":"stored","recorded_at":"…"}]}'
    result = FakeAws(answer).run(["cdr", "put", "-", "--stage", "local", "--json"], lines_of(1))
    assert (result.exit_code, result.stdout) == (0, answer + "\n")


def test_an_envelope_keeps_its_schema_and_is_refused_by_the_writer() -> None:
    errors = [{"path": "/schema", "code": "format", "message": "must be switchboard.cdr/1"}]
    aws = FakeAws({"errorType": "InvalidEnvelope", "errorMessage": json.dumps({"errors": errors})})
    envelope = {"schema": "other/1", "on_failed": "raise", "records": [{"id": "r-0"}]}
    result = aws.run(["cdr", "put", "-", "--stage", "local"], json.dumps(envelope))
    assert result.exit_code == 3
    assert aws.requests == [{**envelope, "on_failed": "report"}]
    assert "/schema: format: must be switchboard.cdr/1" in result.stderr


@pytest.mark.parametrize("error", [aws_error("TooManyRequestsException", 429), {"errorType": "MemoryError"}])
def test_a_call_that_fails_after_others_ends_with_5_and_says_how_far_it_came(error: Any) -> None:
    aws = FakeAws(settled(), error)
    result = aws.run(["cdr", "put", "-", "--stage", "local"], lines_of(1_500))
    assert result.exit_code == 5
    assert "1,000" in result.stdout
    assert "1,000 of 1,500 records were settled" in result.stderr


@pytest.mark.parametrize("error", [aws_error("TooManyRequestsException", 429), {"results": []}])
@pytest.mark.parametrize("calls", [1, 2])
def test_a_retry_that_fails_keeps_what_is_known_of_its_call(error: Any, calls: int) -> None:
    last = calls * 1_000 - 1
    answers = [settled(lambda index: cdr.FAILED if index == last else cdr.STORED)] * calls
    result = FakeAws(*answers, error).run(["cdr", "put", "-", "--stage", "local"], lines_of(calls * 1_000))
    assert result.exit_code == 5
    assert f"{calls * 1_000:,}" in result.stdout
    assert f"record {last} (r-{last}): failed: ThrottlingError" in result.stderr
    assert f"{last:,} of {calls * 1_000:,} records were settled" in result.stderr
    result = FakeAws(*answers, error).run(["cdr", "put", "-", "--stage", "local", "--json"], lines_of(calls * 1_000))
    told = json.loads(result.stdout)
    assert [each["index"] for each in told["results"]] == list(range(calls * 1_000))


def test_a_first_call_that_fails_ends_with_its_own_code() -> None:
    result = FakeAws(aws_error("TooManyRequestsException", 429)).run(
        ["cdr", "put", "-", "--stage", "local"], lines_of(2)
    )
    assert result.exit_code == 6


def test_an_answer_without_a_result_per_record_is_a_fault() -> None:
    result = FakeAws({"results": []}).run(["cdr", "put", "-", "--stage", "local"], lines_of(2))
    assert result.exit_code == 1
    assert "one result per record" in result.stderr


@pytest.mark.parametrize(
    "content", [b"", b" \n ", b"{", b"[]", b'{"records": []}', b"\xff\xfe", b'{"a": NaN}', b"[1e999]"]
)
def test_a_file_without_records_ends_with_3_and_sends_nothing(content: bytes) -> None:
    aws = FakeAws(settled())
    result = aws.run(["cdr", "put", "-", "--stage", "local"], content)
    assert result.exit_code == 3
    assert "Send a record, an envelope" in result.stderr
    assert aws.requests == []
