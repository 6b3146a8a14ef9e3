"""The command on a directory in memory: what it prints, sends and ends with."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from typer.testing import CliRunner

from cli.main import app
from cli.session import Target
from cli.tools import Tools
from cli.user_directory import claims
from switchboard.schema import deployment
from switchboard.schema import messages as schema
from tests.fakes.messages_table import TABLE
from tests.fakes.people import People

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.session import Where

BUSY = {"error": {"code": "throttled", "message": "busy", "fields": []}}
CSV = "handle,display_name,email\nann,Ann,ann@example.com\nben,Ben,\n"


class Stage:
    """A deployed stage: its parameters, its table and its messages function."""

    def __init__(self) -> None:
        self.people = People()
        self.invoked: list[dict[str, Any]] = []
        self.answers: list[Any] = []
        self.pauses: list[float] = []
        self.pools: dict[str, list[dict[str, Any]]] = {}
        self.parameters = {deployment.MESSAGES_FUNCTION_PATH: "messages", deployment.MESSAGES_TABLE_PATH: TABLE}

    def get_parameter(self, **request: Any) -> dict[str, Any]:
        path = request["Name"].removeprefix(deployment.parameter_name("local", ""))
        if path not in self.parameters:
            raise ClientError({"Error": {"Code": "ParameterNotFound"}}, "GetParameter")
        return {"Parameter": {"Value": self.parameters[path]}}

    def invoke(self, **request: Any) -> dict[str, Any]:
        asked = json.loads(request["Payload"])
        self.invoked.append(asked)
        answer = self.answers.pop(0) if self.answers else self.people.talk.ask_raw(asked)
        if isinstance(answer, Exception):
            raise answer
        return {"Payload": io.BytesIO(json.dumps(answer).encode())}

    def get_paginator(self, _name: str) -> Stage:
        return self

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        return iter([{"Users": self.pools[request["UserPoolId"]]}])

    def client(self, service: str) -> Any:
        return self.people.table if service == "dynamodb" else self

    def run(self, *words: str, text: str | None = None) -> Any:
        def connect(_where: Where) -> Target:
            return Target("local", self.client)

        tools = Tools(connect=connect, sleep=self.pauses.append)
        command = ["users", "sync", *words, "--stage", "local"]
        return CliRunner().invoke(app, command, input=text, obj=tools)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def summary(result: Any) -> dict[str, int]:
    counts: dict[str, int] = json.loads(result.stdout.splitlines()[-1])["summary"]
    return counts


def aws_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "secret"}}, "Invoke")


def test_a_run_shows_what_it_did_and_the_next_shows_that_nothing_is_left(stage: Stage) -> None:
    first = stage.run("--file", "-", text=CSV)
    assert (first.exit_code, first.stdout.splitlines()[:2]) == (0, ["row 1: created ann", "row 2: created ben"])
    assert [request["operation"] for request in stage.invoked] == ["put_user", "put_user"]
    stage.invoked.clear()
    second = stage.run("--file", "-", text=CSV)
    assert (second.exit_code, stage.invoked) == (0, [])
    assert "row" not in second.stdout.splitlines()[0]
    assert [line.split() for line in second.stdout.splitlines() if "unchanged" in line] == [["unchanged", "│", "2"]]


def test_a_rehearsal_shows_everybody_and_sends_nothing(stage: Stage) -> None:
    stage.run("--file", "-", text=CSV)
    stage.invoked.clear()
    changed = "handle,display_name,email\nann,Anna,\nben,Ben,\ncat,Cat,\n"
    result = stage.run("--file", "-", "--dry-run", text=changed)
    assert (result.exit_code, stage.invoked) == (0, [])
    assert result.stdout.splitlines()[:3] == [
        "row 1: changed ann: display_name, email",
        "row 2: unchanged ben",
        "row 3: created cat",
    ]
    assert "nothing is written" in result.stderr


def test_a_rehearsal_needs_no_function(stage: Stage) -> None:
    del stage.parameters[deployment.MESSAGES_FUNCTION_PATH]
    assert stage.run("--file", "-", "--dry-run", text=CSV).exit_code == 0
    missing = stage.run("--file", "-", text=CSV)
    assert missing.exit_code == 4
    assert "/switchboard/local/messages/function" in missing.stderr


def test_refusals_are_listed_with_row_and_remedy_and_end_with_5(stage: Stage) -> None:
    stage.people.talk.do("put_user", "a" * 8 + "-0000-4000-8000-000000000000", handle="taken", display_name="T")
    text = "handle,display_name,cognito_sub\nno,secret,\nann,,\nann,secret,\nANN,secret,\ntaken,secret,s1\nx\n"
    result = stage.run("--file", "-", text=text)
    assert result.exit_code == 5
    assert result.stdout.splitlines()[0] == "row 3: created ann"
    told = [line for line in result.stderr.splitlines() if line.startswith("row")]
    assert [line.split(": ")[:3] for line in told] == [
        ["row 1", "handle", "format"],
        ["row 2 (ann)", "display_name", "required"],
        ["row 4 (ann)", "handle", "duplicate"],
        ["row 6", "the row", "type"],
        ["row 5 (taken)", "handle", "taken"],
    ]
    assert "row 3" in told[2]
    assert "--link" in told[4]
    assert "secret" not in result.stdout + result.stderr


def test_json_is_a_line_per_row_and_the_summary(stage: Stage) -> None:
    result = stage.run("--file", "-", "--json", text=f"{CSV}no,No,\n")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    ann = next(user for user, fields in stage.people.profiles().items() if fields["handle"] == "ann")
    assert lines[0] == {
        "row": 1,
        "status": "created",
        "handle": "ann",
        "user_uuid": ann,
        "fields": ["handle", "display_name", "email"],
    }
    assert lines[2]["status"] == "refused"
    assert {key for problem in lines[2]["problems"] for key in problem} == {"field", "code", "message"}
    assert lines[3] == {"summary": {"rows": 3, "created": 2, "changed": 0, "unchanged": 0, "refused": 1}}
    assert result.exit_code == 5


def test_nobody_is_nothing_to_do(stage: Stage) -> None:
    result = stage.run("--file", "-", "--json", text="[]")
    assert (result.exit_code, summary(result)["rows"]) == (0, 0)


def test_a_user_pool(stage: Stage) -> None:
    attributes = {"sub": "0193a5c0-7e1b-4c3a-9f20-5b1d6e2a4c88", "nickname": "ann", "name": "Ann", "email": "a@b"}
    named = [{"Name": key, "Value": value} for key, value in attributes.items()]
    stage.pools["eu-west-1_x"] = [{"Username": "u", "UserStatus": "CONFIRMED", "Attributes": named}]
    result = stage.run("--user-pool", "eu-west-1_x", "--handle-from", "nickname")
    assert result.exit_code == 0, result.stderr
    assert stage.people.profiles() == {
        attributes["sub"]: {
            schema.HANDLE: "ann",
            schema.DISPLAY_NAME: "Ann",
            schema.EMAIL: "a@b",
            schema.COGNITO_SUB: attributes["sub"],
        }
    }


def test_linking_is_asked_for(stage: Stage) -> None:
    stage.run("--file", "-", text=CSV)
    text = "cognito_sub,handle,display_name\ns1,ann,Ann\n"
    assert stage.run("--file", "-", text=text).exit_code == 5
    result = stage.run("--file", "-", "--link", text=text)
    assert (result.exit_code, result.stdout.splitlines()[0]) == (0, "row 1: changed ann: cognito_sub")


def test_a_busy_function_is_asked_again(stage: Stage) -> None:
    stage.answers = [BUSY] * 3
    result = stage.run("--file", "-", "--json", text='{"handle": "ann", "display_name": "Ann"}')
    assert (result.exit_code, summary(result)["created"], len(stage.pauses)) == (0, 1, 3)


def test_a_function_that_stays_busy_is_given_up_for_this_row(stage: Stage) -> None:
    stage.answers = [BUSY] * 8
    result = stage.run("--file", "-", text='{"handle": "ann", "display_name": "Ann"}')
    assert (result.exit_code, len(stage.invoked)) == (5, 8)
    assert "row 1 (ann): the row: busy: " in result.stderr
    assert "run the same command again" in result.stderr


def test_conversations_that_were_not_reached_are_by_the_same_command_again(stage: Stage) -> None:
    stage.people.talk.pair()
    stage.people.talk.seconds_left = 0.0
    text = '{"handle": "ann", "display_name": "Anna"}'
    assert stage.run("--file", "-", text=text).exit_code == 5
    stage.people.talk.seconds_left = 60.0
    assert stage.run("--file", "-", text=text).stdout.splitlines()[0] == "row 1: changed ann: conversations"
    stage.invoked.clear()
    assert (stage.run("--file", "-", text=text).exit_code, stage.invoked) == (0, [])


@pytest.mark.parametrize(
    ("code", "fields", "shown"),
    [
        ("handle_taken", [], "handle: taken"),
        ("conflict", [], "cognito_sub: taken"),
        (
            "invalid",
            [{"path": "/email", "code": "too_long", "message": "must be short"}],
            "email: too_long: must be short",
        ),
        ("invalid", [], "the row: format: is not what"),
        ("conflict", [{"path": "/profile_version", "code": "taken", "message": "secret"}], "the row: overtaken: was"),
    ],
)
def test_what_the_function_refuses_is_told(stage: Stage, code: str, fields: list[Any], shown: str) -> None:
    stage.answers = [{"error": {"code": code, "message": "secret", "fields": fields}}] * 2
    result = stage.run("--file", "-", text='{"handle": "ann", "display_name": "Ann"}')
    assert result.exit_code == 5
    assert f"row 1 (ann): {shown}" in result.stderr
    assert "secret" not in result.stderr


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (aws_error("AccessDeniedException"), 3),
        (aws_error("TooManyRequestsException"), 6),
        (EndpointConnectionError(endpoint_url="http://127.0.0.1:1"), 6),
    ],
)
def test_what_stops_the_first_rows_ends_with_its_own_code(stage: Stage, error: Exception, code: int) -> None:
    stage.answers = [error]
    result = stage.run("--file", "-", "--json", text='{"handle": "ann", "display_name": "Ann"}')
    assert (result.exit_code, result.stdout) == (code, "")


def test_what_stops_it_later_ends_with_5_and_says_how_far_it_came(stage: Stage) -> None:
    people = "".join(json.dumps({"handle": f"h-{n}", "display_name": "N"}) + "\n" for n in range(150))
    stage.answers = []
    broken = stage.run("--file", "-", "--json", text=f"{people}{{secret")
    assert (broken.exit_code, summary(broken)["created"]) == (5, 100)
    assert "after row 150" in broken.stderr
    assert "100 rows were settled before that" in broken.stderr
    assert "secret" not in broken.stdout + broken.stderr
    mended = stage.run("--file", "-", "--json", text=people)
    assert (mended.exit_code, summary(mended)["created"], summary(mended)["unchanged"]) == (0, 50, 100)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--file", "-", "--user-pool", "p"],
        ["--file", "-", "--postgres", "host=/nonexistent", "--table", "t"],
        ["--file", "-", "--table", "t"],
        ["--user-pool", "p", "--query", "q"],
        ["--postgres", "host=/nonexistent"],
        ["--postgres", "host=/nonexistent", "--table", "t", "--query", "q"],
        ["--postgres", "not a dsn", "--table", "t"],
        ["--file", "no-such-file.csv"],
    ],
)
def test_wrong_usage_ends_with_2(stage: Stage, words: list[str]) -> None:
    result = stage.run(*words)
    assert result.exit_code == 2, result.stderr
    assert stage.invoked == []


def test_a_fault_of_ours_is_not_hidden(stage: Stage) -> None:
    stage.answers = [{"error": {}}]
    result = stage.run("--file", "-", text=CSV)
    assert isinstance(result.exception, KeyError)


def test_a_claim_is_held_by_the_first_row_and_by_field() -> None:
    with claims() as claim:
        assert [claim("handle", "ann", row) for row in (3, 4, 3)] == [3, 3, 3]
        assert claim("cognito_sub", "ann", 5) == 5
        assert claim("handle", "ben", 6) == 6
