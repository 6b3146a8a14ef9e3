"""Whatever a person gives or meets, a command ends with its code and a sentence, and never with a traceback."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import pytest
from botocore import loaders
from typer.testing import CliRunner

from cli import session
from cli.errors import Code, failure_of
from cli.main import app
from tests.unit.cli.test_help import commands

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.stage import FakeStage

LOADER: Final = loaders.create_loader()
"""Reads the description of each service once for all of these tests."""

GROUP: Final = "00000000-0000-7000-8000-000000000001"
RUN: Final = "00000000-0000-7000-8000-000000000002"
RECORD: Final = json.dumps({"id": "1"})
CHANGE: Final = ("--table", "messages", "--attribute", "test", "--value", "1")

GOOD: Final[dict[str, tuple[str, ...]]] = {
    "cdr put": ("-",),
    "cdr history": ("--sponsorship", "sp-1"),
    "cdr first": ("--sponsorship", "sp-1", "--type", "expire"),
    "cdr list": ("--from", "2026-11-21T00:00:00Z", "--to", "2026-11-22T00:00:00Z"),
    "messages groups": ("--as", "mara"),
    "messages show": (GROUP, "--as", "mara"),
    "messages send": (GROUP, "Good morning", "--as", "mara"),
    "users list": (),
    "users put": ("mara", "--name", "Mara"),
    "users rename": ("mara", "--name", "Mara"),
    "users sync": ("--user-pool", "us-east-1_example"),
    "reconcile": (GROUP,),
    "quarantine list": (),
    "quarantine show": ("cdr-writer/one.json",),
    "quarantine redrive": ("cdr-writer/one.json",),
    "backfill plan": CHANGE,
    "backfill start": CHANGE,
    "backfill status": (RUN,),
    "backfill pause": (RUN,),
    "backfill resume": (RUN,),
    "backfill rate": (RUN, "5"),
    "backfill verify": (RUN,),
    "backfill replay": (RUN,),
    "backfill undo": (RUN, "--confirm", "messages"),
    "backfill sample-data": ("--table", "messages", "--items", "5"),
    "schema load": (),
    "schema list": (),
    "schema drop": ("messages", "--confirm", "messages"),
    "seed": (),
    "scan": ("messages",),
    "doctor": (),
}
"""Every command that reaches a stage, with arguments that it understands."""

EVERY = pytest.mark.parametrize("command", GOOD)


@pytest.fixture(autouse=True)
def _ask_once(monkeypatch: pytest.MonkeyPatch) -> None:
    retries = {"total_max_attempts": 1, "mode": "standard"}
    patient = {"connect_timeout": 2, "read_timeout": 5, "retries": retries}
    monkeypatch.setattr(session, "_CONFIG", patient)
    monkeypatch.setattr("botocore.session.create_loader", lambda *_: LOADER)


def ended(command: str, *more: str, text: str = RECORD) -> Any:
    """How a command ended; it never shows a traceback or an escape sequence."""
    result = CliRunner().invoke(app, [*command.split(), *GOOD[command], *more], input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    assert "\x1b" not in result.output
    if result.exit_code and command != "doctor":  # whose findings are its result
        assert result.stderr.strip()
    return result


def test_every_command_that_reaches_a_stage_is_tried() -> None:
    assert set(GOOD) == {" ".join(words) for words, _ in commands()} - {
        "local up",
        "local down",
        "local status",
        "review",
    }


@EVERY
@pytest.mark.parametrize("words", [(), ("--no-such-option",), ("--stage", "deve")], ids=" ".join)
def test_what_no_command_understands(command: str, words: tuple[str, ...]) -> None:
    assert ended(command, *words).exit_code == Code.USAGE


@pytest.mark.parametrize(
    "where",
    [
        ("--stage", "dev", "--endpoint-url", "http://127.0.0.1:4566"),
        ("--stage", ""),
        ("--endpoint-url", "nonsense"),
        ("--endpoint-url", "ftp://127.0.0.1"),
        ("--endpoint-url", "http://[::1"),
        ("--endpoint-url", "http://127.0.0.1:99999"),
        ("--endpoint-url", "http://"),
        ("--stage", "dev", "--region", "eu west"),
    ],
    ids=" ".join,
)
def test_no_place_to_be_found(where: tuple[str, ...]) -> None:
    assert ended("users list", *where).exit_code == Code.USAGE


def test_a_profile_that_is_not_there() -> None:
    assert ended("scan", "--stage", "dev", "--profile", "nobody").exit_code == Code.REFUSED


KEYS: Final = "aws_access_key_id = testing\naws_secret_access_key = testing\n"
CONFIGURATIONS: Final = {
    "[default": "Unable to parse",
    "[profile mine]\nrole_arn = arn:aws:iam::000000000000:role/x\nsource_profile = nobody\n": "nobody",
    "[profile mine]\nrole_arn = arn:aws:iam::000000000000:role/x\nsource_profile = mine\n": "mine",
    "[profile mine]\nsso_session = none\nsso_account_id = 000000000000\nsso_role_name = x\n": "none",
    "[profile mine]\nrole_arn = arn:aws:iam::000000000000:role/x\ncredential_source = Luck\n": "Luck",
    f"[profile mine]\n{KEYS}sts_regional_endpoints = everywhere\n": "everywhere",
    f"[profile mine]\n{KEYS}defaults_mode = careless\n": "careless",
    f"[profile mine]\n{KEYS}endpoint_url = nonsense\n": "endpoint_url",
    "[profile mine]\nlogin_session = of-nobody\n": "login",
}
"""What may stand in a person's file of the AWS CLI, and what the message says of it."""


@pytest.mark.parametrize(("text", "said"), CONFIGURATIONS.items(), ids=CONFIGURATIONS.values())
def test_a_configuration_of_the_aws_cli_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    (tmp_path / "config").write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    result = ended("scan", "--stage", "dev", "--profile", "mine", "--region", "eu-west-1")
    assert result.exit_code == Code.USAGE
    assert said in result.stderr
    assert "~/.aws/config" in result.stderr


@EVERY
def test_an_endpoint_where_nothing_listens(command: str) -> None:
    assert ended(command, "--endpoint-url", "http://127.0.0.1:9").exit_code == Code.UNAVAILABLE


def written(folder: Path) -> dict[str, Path]:
    """Files that cannot be what a command wants."""
    (folder / "binary").write_bytes(b"\xff\x00\xfe")
    (folder / "empty").touch()
    (folder / "broken").write_text("[{")
    return {name: folder / name for name in ("missing", "binary", "empty", "broken")} | {"a folder": folder}


@pytest.mark.parametrize("words", [("cdr", "put"), ("seed", "--file"), ("users", "sync", "--file")], ids=" ".join)
@pytest.mark.parametrize("kind", ["missing", "binary", "empty", "broken", "a folder"])
def test_a_file_that_cannot_be_read(stage: FakeStage, tmp_path: Path, words: tuple[str, ...], kind: str) -> None:
    result = stage.run(*words, str(written(tmp_path)[kind]))
    assert isinstance(result.exception, SystemExit), result.exception
    assert result.exit_code in {Code.USAGE, Code.REFUSED}
    assert result.stderr.strip()


def test_a_page_that_cannot_be_written_is_an_error_of_usage(tmp_path: Path) -> None:
    failure = failure_of(FileNotFoundError(2, "No such file or directory", str(tmp_path / "no" / "review.html")))
    assert failure is not None
    assert failure.code is Code.USAGE
    assert "review.html" in failure.message
    assert failure_of(OSError("of no file")) is None


def test_a_code_that_nobody_is_there_to_type_is_a_refusal() -> None:
    failure = failure_of(EOFError())
    assert failure is not None
    assert failure.code is Code.REFUSED


class Answering(BaseHTTPRequestHandler):
    """Answers every request with the same error, in the form of the service that was asked."""

    status = 400
    code = ""
    body: bytes | None = None

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        json_body = json.dumps({"__type": self.code, "message": "no"}).encode()
        xml_body = f"<Error><Code>{self.code}</Code><Message>no</Message></Error>".encode()
        query_body = b"<ErrorResponse>" + xml_body + b"</ErrorResponse>"
        is_json = "X-Amz-Target" in self.headers or self.path.startswith(("/2015", "/2017", "/2018", "/2020"))
        is_query = self.headers.get("Content-Type", "").startswith("application/x-www-form-urlencoded")
        body = self.body if self.body is not None else json_body if is_json else query_body if is_query else xml_body
        self.send_response(self.status)
        self.send_header("x-amzn-ErrorType", self.code)
        self.send_header("Content-Type", "text/html" if self.body else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_DELETE = do_HEAD = do_POST  # noqa: N815 - the names that http.server looks for

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def answering(request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an endpoint that answers as the test's parameter says."""
    status, code, body = request.param
    handler = type("Handler", (Answering,), {"status": status, "code": code, "body": body})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


EXPIRED: Final = (400, "ExpiredTokenException", None)
BROKEN: Final = (503, "ServiceUnavailable", None)
WEB_PAGE: Final = (200, "", b"<html>Sign in to the network</html>")
ANSWERS: Final = {
    "expired token": (EXPIRED, Code.REFUSED),
    "broken": (BROKEN, Code.UNAVAILABLE),
    "not AWS": (WEB_PAGE, Code.UNAVAILABLE),
}


@EVERY
@pytest.mark.parametrize(("answering", "code"), ANSWERS.values(), ids=ANSWERS, indirect=["answering"])
def test_an_endpoint_that_refuses_everything(command: str, answering: str, code: Code) -> None:
    assert ended(command, "--endpoint-url", answering).exit_code == code


@pytest.mark.parametrize("command", ["cdr history", "scan", "quarantine list", "backfill start", "messages groups"])
@pytest.mark.parametrize(
    ("answering", "code"),
    [
        ((403, "InvalidClientTokenId", None), Code.REFUSED),
        ((403, "AccessDeniedException", None), Code.REFUSED),
        ((400, "ThrottlingException", None), Code.UNAVAILABLE),
        ((400, "ParameterNotFound", None), Code.NOT_FOUND),
        ((404, "", b"<html>No such page</html>"), Code.UNAVAILABLE),
        ((200, "", b"neither JSON nor XML"), Code.UNAVAILABLE),
    ],
    indirect=["answering"],
    ids=["unknown key", "access denied", "throttled", "not published", "page not found", "gibberish"],
)
def test_an_endpoint_that_refuses_in_other_ways(command: str, answering: str, code: Code) -> None:
    assert ended(command, "--endpoint-url", answering).exit_code in {code, Code.FAULT}
