"""The deployed system as its callers see it: published parameters, assumed roles, invoked functions."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

from switchboard.schema import deployment

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

STAGE = "local"


class System:
    """Stage `local` on a running local cloud."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Everything the stage publishes, by path below `/switchboard/local/`."""
        prefix = deployment.parameter_name(STAGE, "")
        pages = self.cloud.client("ssm").get_paginator("get_parameters_by_path")
        found = [one for page in pages.paginate(Path=prefix, Recursive=True) for one in page["Parameters"]]
        return {one["Name"].removeprefix(prefix): one["Value"] for one in found}

    def role(self, name: str) -> Caller:
        """A caller with temporary credentials of a calling service's role, such as `qm-service`."""
        return Caller(self, self.cloud.assume(self.parameters[deployment.role_path(name)], session_name=name))

    def role_of(self, function_path: str) -> Caller:
        """A caller with the credentials of a function's own role: what a flaw in its code could do at most."""
        configuration = self.cloud.client("lambda").get_function_configuration(
            FunctionName=self.parameters[function_path]
        )
        return Caller(self, self.cloud.assume(configuration["Role"], session_name="function"))


class Caller:
    """One identity and what it calls."""

    def __init__(self, system: System, credentials: dict[str, Any]) -> None:
        self._system = system
        self._credentials = credentials

    def client(self, service: str) -> Any:
        """A boto3 client with this identity's credentials."""
        return self._system.cloud.client(service, self._credentials)

    def invoke(self, function_path: str, payload: object) -> dict[str, Any]:
        """Invoke a published function and return its answer; its error where it answers one."""
        answer = self.client("lambda").invoke(
            FunctionName=self._system.parameters[function_path], Payload=json.dumps(payload).encode()
        )
        body: dict[str, Any] = json.load(answer["Payload"])
        return body
