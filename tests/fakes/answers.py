"""A stage of which only the answers to single calls are known, and every other call is a mistake."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from typer.testing import CliRunner

from cli.main import app
from cli.session import Target
from cli.tools import Tools
from tests.fakes.stage import aws_error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime


class Answers:
    """Clients that answer from a table: by `service.operation`, a value, an exception, or a function of the request."""

    def __init__(self, answers: Mapping[str, Any], *, stage: str, now: datetime) -> None:
        self.answers = dict(answers)
        self.stage = stage
        self.now = now
        self.pauses: list[float] = []

    def client(self, service: str) -> Any:
        """A client of a service."""
        return _Client(service, self.answers)

    def run(self, *words: str) -> Any:
        """Run a command against the stage."""
        tools = Tools(
            connect=lambda _: Target(self.stage, self.client), sleep=self.pauses.append, clock=lambda: self.now
        )
        return CliRunner().invoke(app, [*words, "--stage", self.stage], obj=tools)


class _Client:
    def __init__(self, service: str, answers: dict[str, Any]) -> None:
        self._service = service
        self._answers = answers
        self.meta = SimpleNamespace(region_name="eu-central-1")

    def __getattr__(self, operation: str) -> Any:
        def call(**request: Any) -> Any:
            answer = self._answers[f"{self._service}.{operation}"]
            if callable(answer):
                answer = answer(**request)
            if isinstance(answer, list) and answer and isinstance(answer[0], Exception | dict):
                answer = answer.pop(0) if len(answer) > 1 else answer[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    def get_paginator(self, operation: str) -> Any:
        """Pages of an operation whose answer is one page."""
        return SimpleNamespace(paginate=lambda **request: [getattr(self, operation)(**request)])


def refused(operation: str) -> Exception:
    """What AWS answers to those who may not."""
    return aws_error("AccessDeniedException", operation)
