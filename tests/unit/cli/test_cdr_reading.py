"""The commands that read records: what they send, print, and end with."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from typer.testing import CliRunner

from cli.main import app
from cli.session import Where
from tests.unit.cli.called import RECORD, FakeAws, aws_error

HISTORY = ["cdr", "history", "--sponsorship", "sp-1", "--stage", "local"]
FIRST = ["cdr", "first", "--sponsorship", "sp-1", "--type", "expire", "--stage", "local"]
LIST = ["cdr", "list", "--from", "2026-11-21T00:00:00Z", "--to", "2026-11-22T00:00:00Z", "--stage", "local"]
EVERY_READ = pytest.mark.parametrize("command", [HISTORY, FIRST, LIST], ids=lambda words: words[1])


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
