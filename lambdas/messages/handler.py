"""How Lambda calls the messages domain: a request in, an answer out, whatever happens."""

from __future__ import annotations

import os
import random
import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from switchboard.dynamo.budget import Budget
from switchboard.dynamo.client import dynamodb_client
from switchboard.environment import required, stage
from switchboard.ids import Uuid7Source
from switchboard.messages import service
from switchboard.messages.requests import operation_of
from switchboard.messages.runtime import Runtime
from switchboard.messages.table import MessagesTable
from switchboard.schema.deployment import ENV_MESSAGES_TABLE, MESSAGES, messages_outcome_metric
from switchboard.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

ANSWERED: Final = "answered"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the deployment tells this function."""

    stage: str
    table: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Raises `MissingSetting`, naming the variable, or `LongTermKey`."""
        return cls(stage=stage(environ), table=required(environ, ENV_MESSAGES_TABLE))


@dataclass(frozen=True, slots=True, kw_only=True)
class MessagesFunction:
    """The function with all it depends on."""

    client: DynamoDBClient
    table: str
    telemetry: Telemetry
    clock: Callable[[], datetime]
    new_uuid7: Callable[[int], str]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]

    def handle(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """Answer a request of the contract `messages-request` with an answer of `messages-answer`."""
        self.telemetry.logger.append_keys(request_id=context.aws_request_id)
        budget = Budget(
            remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1_000,
            sleep=self.sleep,
            jitter=self.jitter,
        )
        runtime = Runtime(
            table=MessagesTable(self.client, self.table, budget=budget),
            clock=self.clock,
            new_uuid7=self.new_uuid7,
        )
        answer = service.answer(runtime, event, reference=context.aws_request_id, report=self._report)
        outcome = str(answer["error"]["code"]) if "error" in answer else ANSWERED
        self.telemetry.count({messages_outcome_metric(outcome): 1})
        self.telemetry.logger.info("request handled", operation=operation_of(event), outcome=outcome)
        return answer

    def _report(self, fault: Exception) -> None:
        # A message of botocore may quote keys, which are people's ids: type, code and place tell enough.
        code = fault.response["Error"]["Code"] if isinstance(fault, ClientError) else None
        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(fault.__traceback__)
        ]
        self.telemetry.logger.error("internal fault", fault=type(fault).__name__, code=code, frames=frames)


def build(settings: Settings) -> MessagesFunction:
    """The function on AWS's client and the machine's clock."""
    return MessagesFunction(
        client=dynamodb_client(),
        table=settings.table,
        telemetry=Telemetry(stage=settings.stage, function=MESSAGES),
        clock=lambda: datetime.now(UTC),
        new_uuid7=Uuid7Source(random.SystemRandom().getrandbits),
        sleep=time.sleep,
        jitter=random.random,
    )


_FUNCTION: Final = build(Settings.from_env(os.environ))
"""Made on import: Lambda starts a function with more processor time than it gives the first request."""


def handle(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry point; see `MessagesFunction.handle`."""
    return _FUNCTION.handle(event, context)
