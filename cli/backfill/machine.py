"""The stage's state machine: executions, and how they end."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from cli.errors import failure_of
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.session import Target

_SUCCEEDED: Final = "SUCCEEDED"
_RUNNING: Final = "RUNNING"
_FORGOTTEN: Final = "ExecutionDoesNotExist"
_DENIED: Final = "AccessDeniedException"


@dataclass(frozen=True, slots=True)
class Ended:
    """How an execution ended: `report` where it came to one, else why not."""

    report: dict[str, Any] | None
    error: str = ""
    cause: str = ""


class Machine:
    """The state machine of one stage."""

    def __init__(self, target: Target) -> None:
        """Raises `Failure` (not found) where the stage published none."""
        self._client = target.client("stepfunctions")
        self._arn = target.parameter(deployment.STATE_MACHINE_PATH)

    def start(self, name: str, request: Mapping[str, Any]) -> str:
        """Start an execution of that name; answers its ARN. Raises `Failure` where AWS refuses."""
        try:
            answer = self._client.start_execution(stateMachineArn=self._arn, name=name, input=json.dumps(request))
        except (BotoCoreError, ClientError) as error:
            raise failure_of(error) or error from error
        return str(answer["executionArn"])

    def ended(self, execution: str) -> Ended | None:
        """How an execution ended; None while it runs."""
        try:
            answer = self._client.describe_execution(executionArn=execution)
        except (BotoCoreError, ClientError) as error:
            raise failure_of(error) or error from error
        if answer["status"] == _RUNNING:
            return None
        if answer["status"] == _SUCCEEDED:
            return Ended(json.loads(answer["output"]))
        return Ended(None, answer.get("error") or str(answer["status"]), answer.get("cause") or "")

    def goes_on(self, execution: str) -> bool | None:
        """Whether an execution runs; None where these credentials may not see it: it was not named by the command."""
        try:
            return bool(self._client.describe_execution(executionArn=execution)["status"] == _RUNNING)
        except (BotoCoreError, ClientError) as error:
            code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
            if code == _FORGOTTEN:
                return False
            if code == _DENIED:
                return None
            raise failure_of(error) or error from error
