"""A stage as its callers see it: published parameters and roles, nothing of how it was deployed."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any

from switchboard.schema import deployment as names

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud


class DeployedStage:
    """Stage `name` of a cloud that it was deployed to."""

    def __init__(self, cloud: LocalCloud, name: str = "local") -> None:
        self.cloud = cloud
        self.name = name
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str | None], Any] = {}

    @property
    def endpoint_url(self) -> str:
        """The endpoint of every service."""
        return self.cloud.endpoint_url

    @cached_property
    def parameters(self) -> dict[str, str]:
        """Every published parameter by its path below the stage, such as `cdr/writer-function`."""
        prefix = names.parameter_name(self.name, "")
        pages = self.cloud.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=prefix, Recursive=True)
        found = [parameter for page in pages for parameter in page["Parameters"]]
        return {parameter["Name"].removeprefix(prefix): parameter["Value"] for parameter in found}

    def parameter(self, path: str) -> str:
        """One published parameter; raises `KeyError` where the stage does not publish it."""
        return self.parameters[path]

    def credentials(self, role: str) -> dict[str, Any]:
        """New temporary credentials of a role by its short name, such as `qm-service`."""
        return self.cloud.assume(self.parameter(names.role_path(role)), session_name=role)

    def client(self, service: str, role: str | None = None) -> Any:
        """A boto3 client as a role by its short name, or as the account's root; made once, safe to share by threads."""
        with self._lock:
            key = (service, role)
            if key not in self._clients:
                self._clients[key] = self.cloud.client(service, None if role is None else self.credentials(role))
            return self._clients[key]
