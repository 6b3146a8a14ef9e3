"""Who calls the deployed stage in the demo, each with the credentials of one role."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from local_cloud.impersonation import function_credentials

if TYPE_CHECKING:
    from local_cloud.stage import DeployedStage


class Caller:
    """One identity and what it calls."""

    def __init__(self, stage: DeployedStage, credentials: dict[str, Any]) -> None:
        self._stage = stage
        self._credentials = credentials

    def client(self, service: str) -> Any:
        """A boto3 client with this identity's credentials."""
        return self._stage.cloud.client(service, self._credentials)

    def invoke(self, function_path: str, payload: object) -> dict[str, Any]:
        """Invoke a published function and return its answer; its error where it answers one."""
        answer = self.client("lambda").invoke(
            FunctionName=self._stage.parameters[function_path], Payload=json.dumps(payload).encode()
        )
        body: dict[str, Any] = json.load(answer["Payload"])
        return body


def service_role(stage: DeployedStage, name: str) -> Caller:
    """A calling service, such as `qm-service`."""
    return Caller(stage, stage.credentials(name))


def function_role(stage: DeployedStage, function_path: str) -> Caller:
    """A function's own code, such as a flaw in it would act."""
    return Caller(stage, function_credentials(stage.cloud, stage.parameters[function_path]))
