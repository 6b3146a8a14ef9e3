"""The functions of call data records, faked: what the commands send them, and what they answer."""

from __future__ import annotations

import io
import json
from typing import Any

from botocore.exceptions import ClientError
from typer.testing import CliRunner

from cli.main import app
from cli.session import Target, Where
from cli.tools import Tools
from switchboard.schema import deployment

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


def aws_error(code: str, status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Invoke")
