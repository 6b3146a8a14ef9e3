"""A stage as the commands reach it: the messages domain behind its function, on a table in memory; an S3 bucket."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from typer.testing import CliRunner

from cli.main import app
from cli.session import Target, Where
from cli.tools import Tools
from switchboard.schema import deployment
from tests.fakes.messages_table import TABLE, MessagesTable
from tests.fakes.talks import Talk

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

BUCKET = "quarantine"


def aws_error(code: str, operation: str = "Call", status: int = 400) -> ClientError:
    """The exception botocore raises for an error."""
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, operation)


class FakeBucket:
    """An S3 client with one versioned bucket that answers two keys a page."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[bytes, str]] = {}

    def put(self, key: str, document: Any) -> None:
        """Write an object: a new version, whatever it holds."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        version = int(self.objects[key][1]) + 1 if key in self.objects else 1
        self.objects[key] = (body, str(version))

    def list_objects_v2(self, *, Bucket: str, Prefix: str, ContinuationToken: str = "") -> Any:  # noqa: N803
        assert Bucket == BUCKET
        keys = sorted(key for key in self.objects if key.startswith(Prefix) and key > ContinuationToken)
        when = datetime(2026, 11, 21, 12, tzinfo=UTC)
        found = [{"Key": key, "Size": len(self.objects[key][0]), "LastModified": when} for key in keys[:2]]
        more = len(keys) > len(found)
        return {"Contents": found, "IsTruncated": more} | ({"NextContinuationToken": found[-1]["Key"]} if more else {})

    def get_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803 - the API's own names
        return {**self.head_object(Bucket=Bucket, Key=Key), "Body": io.BytesIO(self.objects[Key][0])}

    def head_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        assert Bucket == BUCKET
        if Key not in self.objects:
            raise aws_error("NoSuchKey", "GetObject", 404)
        return {"VersionId": self.objects[Key][1], "LastModified": datetime(2026, 11, 21, 12, tzinfo=UTC)}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        assert Bucket == BUCKET
        del self.objects[Key]


class FakeStage:
    """Runs commands; `functions` answer by short name, the messages function is the domain itself."""

    def __init__(self, rng: random.Random, *, name: str = deployment.LOCAL_STAGE) -> None:
        self.name = name
        self.table = MessagesTable()
        self.dynamodb: Any = self.table
        self.talk = Talk(self.table, rng=rng)
        self.bucket = FakeBucket()
        self.functions: dict[str, Callable[[Any], Any]] = {deployment.MESSAGES: self.talk.ask_raw}
        self.published = {
            deployment.MESSAGES_FUNCTION_PATH: self.arn(deployment.MESSAGES),
            deployment.CDR_WRITER_PATH: self.arn(deployment.CDR_WRITER),
            deployment.STREAM_HANDLER_PATH: self.arn(deployment.STREAM_HANDLER),
            deployment.MESSAGES_TABLE_PATH: TABLE,
            deployment.QUARANTINE_PATH: BUCKET,
        }
        self.invoked: list[tuple[str, Any]] = []
        self.pauses: list[float] = []
        self.on_pause: Callable[[], None] = lambda: None
        self._rng = rng

    def arn(self, function: str) -> str:
        """ARN of one of the stage's functions."""
        return f"arn:aws:lambda:us-east-1:000000000000:function:{deployment.function_name(self.name, function)}"

    def run(self, *words: str, typed: str | None = None) -> Any:
        """The result of a command."""
        tools = Tools(
            connect=self._connect,
            sleep=self._sleep,
            clock=lambda: self.talk.now,
            random_bits=self._rng.getrandbits,
        )
        return CliRunner().invoke(app, [*words, "--stage", self.name], input=typed, obj=tools)

    def do(self, *words: str) -> Any:
        """The result of a command that must succeed."""
        result = self.run(*words)
        assert result.exit_code == 0, (result.stderr, result.exception)
        return result

    def answer(self, *words: str) -> Any:
        """What a command that must succeed prints with --json."""
        return json.loads(self.do(*words, "--json").stdout)

    def get_parameter(self, *, Name: str) -> Any:  # noqa: N803 - the API's own names
        path = Name.removeprefix(deployment.parameter_name(self.name, ""))
        if path not in self.published:
            raise aws_error("ParameterNotFound", "GetParameter")
        return {"Parameter": {"Value": self.published[path]}}

    def invoke(self, *, FunctionName: str, InvocationType: str, Payload: bytes) -> Any:  # noqa: N803
        assert InvocationType == "RequestResponse"
        short = FunctionName.rpartition(":")[2].removeprefix(deployment.function_name(self.name, ""))
        request = json.loads(Payload)
        self.invoked.append((short, request))
        answer = self.functions[short](request)
        is_error = isinstance(answer, dict) and "errorType" in answer
        body = io.BytesIO(json.dumps(answer).encode())
        return {"Payload": body} | ({"FunctionError": "Unhandled"} if is_error else {})

    def _connect(self, where: Where) -> Target:
        assert where.stage == self.name
        clients = {"ssm": self, "lambda": self, "dynamodb": self.dynamodb, "s3": self.bucket}
        return Target(self.name, clients.__getitem__)

    def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.on_pause()
