"""The commands with the functions behind them faked: what they send, print, and end with."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from typer.testing import CliRunner

from cli.main import app
from cli.session import Target, Where
from cli.tools import Tools
from switchboard.schema import cdr, deployment

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HISTORY = ["cdr", "history", "--sponsorship", "sp-1", "--stage", "local"]
FIRST = ["cdr", "first", "--sponsorship", "sp-1", "--type", "expire", "--stage", "local"]
LIST = ["cdr", "list", "--from", "2026-11-21T00:00:00Z", "--to", "2026-11-22T00:00:00Z", "--stage", "local"]
EVERY_READ = pytest.mark.parametrize("command", [HISTORY, FIRST, LIST], ids=lambda words: words[1])

RECORD = {
    "source": "qm/api",
    "id": "rpt-1:7",
    "type": "consume",
    "time": "2026-11-21T00:08:12.345678Z",
    "sponsor_id": "s-12",
    "sponsorship_id": "sp-1",
    "data": {"bytes_down": 9876543},
    "recorded_at": "2026-11-21T00:08:13.000000Z",
}


class FakeAws:
    """SSM and Lambda: published functions, and one answer or error after the other; the last one repeats."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.published = {deployment.CDR_WRITER_PATH, deployment.CDR_QUERY_PATH}
        self.requests: list[dict[str, Any]] = []
        self.invoked: list[str] = []
        self.pauses: list[float] = []
        self.places: list[Where] = []

    def get_parameter(self, *, Name: str) -> Any:  # noqa: N803 - the API's own names
        path = Name.removeprefix("/switchboard/local/")
        if path not in self.published:
            raise aws_error("ParameterNotFound")
        return {"Parameter": {"Value": f"arn:aws:lambda:us-east-1:000000000000:function:{path}"}}

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> Any:  # noqa: N803
        assert InvocationType == "RequestResponse"
        assert len(Payload) < 6_000_000
        self.invoked.append(FunctionName)
        request = json.loads(Payload)
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, Exception):
            raise answer
        is_error = isinstance(answer, dict) and bool({"errorType", "errorMessage"} & set(answer))
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return {"Payload": io.BytesIO(text.encode())} | ({"FunctionError": "Unhandled"} if is_error else {})

    def run(self, words: list[str], text: str | bytes | None = None) -> Any:
        def connect(where: Where) -> Target:
            self.places.append(where)
            return Target("local", lambda _: self)

        tools = Tools(connect=connect, sleep=self.pauses.append)
        return CliRunner().invoke(app, words, input=text, obj=tools)


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


def aws_error(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Invoke")


# --- reading ---------------------------------------------------------------------------------------------------------


def test_history_asks_and_shows_a_table_and_what_it_cost() -> None:
    aws = FakeAws({"records": [RECORD], "consumed_read_units": 1.5})
    result = aws.run([*HISTORY, "--limit", "5"])
    assert result.exit_code == 0
    assert aws.requests == [{"query": "history", "sponsorship_id": "sp-1", "limit": 5}]
    assert aws.invoked == ["arn:aws:lambda:us-east-1:000000000000:function:cdr/query-function"]
    assert aws.places == [Where(stage="local")]
    for shown in ("rpt-1:7", "2026-11-21T00:08:12.345678Z", "s-12", '{"bytes_down": 9876543}'):
        assert shown in result.stdout
    assert "sp-1" not in result.stdout
    assert result.stderr == "Consumed 1.5 read capacity units.\n"


def test_an_empty_answer_says_so() -> None:
    result = FakeAws({"records": [], "consumed_read_units": 0.5}).run(LIST)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No records.\n" in result.stderr


def test_an_empty_page_before_the_end_says_that_there_may_be_more() -> None:
    result = FakeAws({"records": [], "cursor": "x", "consumed_read_units": 0.5}).run(LIST)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No records so far.\n" in result.stderr
    assert "There may be more: switchboard cdr list" in result.stderr


@pytest.mark.parametrize(
    ("more", "request_"),
    [([], {"query": "by_time"}), (["--sponsor", "s-12"], {"query": "by_sponsor", "sponsor_id": "s-12"})],
)
def test_list_asks_by_sponsor_or_by_time_and_tells_how_to_go_on(more: list[str], request_: dict[str, Any]) -> None:
    aws = FakeAws({"records": [RECORD], "cursor": "eyJx==", "consumed_read_units": 2})
    result = aws.run([*LIST, *more, "--cursor", "a=", "--profile", "my profile"])
    assert result.exit_code == 0
    bounds = {"from": "2026-11-21T00:00:00Z", "to": "2026-11-22T00:00:00Z"}
    assert aws.requests == [{**request_, **bounds, "cursor": "a="}]
    sponsor = "".join(f"{word} " for word in more)
    assert (
        f"switchboard cdr list {sponsor}--from 2026-11-21T00:00:00Z --to 2026-11-22T00:00:00Z --cursor eyJx== "
        "--stage local --profile 'my profile'\n"
    ) in result.stderr


def test_first_shows_the_record() -> None:
    aws = FakeAws({"record": RECORD, "consumed_read_units": 1})
    result = aws.run([*FIRST, "--subscriber", "p-7"])
    assert result.exit_code == 0
    assert aws.requests == [{"query": "first", "sponsorship_id": "sp-1", "type": "expire", "subscriber_id": "p-7"}]
    assert "rpt-1:7" in result.stdout


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_no_first_ends_with_4(as_json: list[str]) -> None:
    answer = '{"record":null,"consumed_read_units":0.5}'
    result = FakeAws(answer).run([*FIRST, *as_json])
    assert result.exit_code == 4
    assert result.stdout == (answer + "\n" if as_json else "")
    assert "There was no expire yet." in result.stderr


@pytest.mark.parametrize("command", [HISTORY, LIST], ids=lambda words: words[1])
def test_json_is_the_answer_unchanged(command: list[str]) -> None:
    answer = '{"records":[],  "consumed_read_units":0.50, "cursor":"x"}'
    result = FakeAws(answer).run([*command, "--json"])
    assert (result.exit_code, result.stdout) == (0, answer + "\n")


def test_stored_text_cannot_steer_the_terminal() -> None:
    hostile = {**RECORD, "data": {"text": "[red]\x1b[2J\x9b2J\u202egnp.exe"}}
    result = FakeAws({"records": [hostile], "consumed_read_units": 1}).run(HISTORY)
    assert "[red]" in result.stdout
    assert not {"\x1b", "\x9b", "\u202e"} & set(result.stdout)


# --- how commands end ------------------------------------------------------------------------------------------------


@EVERY_READ
def test_a_refused_query_ends_with_3_and_names_each_field(command: list[str]) -> None:
    errors = [
        {"path": "/from", "code": "format", "message": "must be a time"},
        {"path": "/limit", "code": "range", "message": "must be less"},
    ]
    result = FakeAws({"errorType": "InvalidQuery", "errorMessage": json.dumps({"errors": errors})}).run(command)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "/from: format: must be a time\n  /limit: range: must be less\n" in result.stderr
    assert "Correct these fields" in result.stderr


@EVERY_READ
@pytest.mark.parametrize(
    ("answer", "code", "remedy"),
    [
        ({"errorType": "QueryUnavailable", "errorMessage": "{}"}, 6, "again in a moment"),
        ({"errorType": "Sandbox.Timedout", "errorMessage": "Task timed out"}, 6, "again in a moment"),
        ({"errorMessage": "2026-11-21 Task timed out after 30.00 seconds"}, 6, "again in a moment"),
        ({"errorType": "KeyError", "errorMessage": "'secret'"}, 1, "The log of cdr/query-function"),
        (aws_error("TooManyRequestsException", 429), 6, "again in a moment"),
        (aws_error("ServiceException", 500), 6, "again in a moment"),
        (aws_error("AccessDeniedException", 403), 3, "--profile"),
        (aws_error("ExpiredTokenException", 403), 3, "Sign in again"),
        (aws_error("Throttling"), 6, "again in a moment"),
        (aws_error("ThrottledException"), 6, "again in a moment"),
        (aws_error("ResourceConflictException", 409), 6, "again in a moment"),
        (aws_error("RequestTimeTooSkewed", 403), 3, "Set the clock"),
        (aws_error("RequestExpired"), 3, "Set the clock"),
        (aws_error("InvalidAccessKeyId", 403), 3, "Sign in again"),
        (aws_error("ResourceNotFoundException", 404), 4, "Is the stage deployed?"),
        (aws_error("SomethingNew"), 1, "report it"),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), 6, "Is it running"),
    ],
)
def test_every_end_has_its_code_and_its_remedy(command: list[str], answer: Any, code: int, remedy: str) -> None:
    result = FakeAws(answer).run(command)
    assert (result.exit_code, result.stdout) == (code, "")
    assert remedy in result.stderr
    assert "Traceback" not in result.stderr
    assert "secret" not in result.stderr


@EVERY_READ
def test_a_stage_that_publishes_no_function_ends_with_4(command: list[str]) -> None:
    aws = FakeAws({})
    aws.published.clear()
    result = aws.run(command)
    assert result.exit_code == 4
    assert "/switchboard/local/cdr/query-function" in result.stderr
    assert "deployed" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["cdr", "history", "--stage", "local"],
        [*HISTORY, "--limit", "0"],
        [*HISTORY, "--limit", "1001"],
        [*HISTORY, "--nonsense"],
        ["cdr", "first", "--sponsorship", "sp-1", "--type", "consume", "--stage", "local"],
        ["cdr", "list", "--from", "2026-11-21T00:00:00Z", "--stage", "local"],
        ["cdr", "put", "--stage", "local"],
        ["cdr", "put", "no-such-file.json", "--stage", "local"],
        ["cdr", "put", ".", "--stage", "local"],
        ["nonsense"],
    ],
)
def test_wrong_usage_ends_with_2(words: list[str]) -> None:
    aws = FakeAws({})
    assert aws.run(words).exit_code == 2
    assert aws.requests == []


def test_a_fault_of_ours_is_not_hidden() -> None:
    result = FakeAws({"unexpected": True}).run(HISTORY)
    assert result.exit_code == 1
    assert isinstance(result.exception, KeyError)


@pytest.mark.parametrize("words", [["cdr", name] for name in ("put", "history", "first", "list")] + [["local", "up"]])
def test_help_says_what_each_option_means(words: list[str]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0
    options = [line for line in result.stdout.splitlines() if line.strip().startswith("--")]
    assert options
    assert all(len(line.split(maxsplit=2)) > 2 for line in options)


# --- writing ---------------------------------------------------------------------------------------------------------


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
