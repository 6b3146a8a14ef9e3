"""State machines in the scenarios: one of given states, executed to its end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.conformance.scenarios import allow, eventually, fresh, role

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud


def machine(cloud: LocalCloud, definition: dict[str, Any]) -> str:
    """The ARN of a new state machine."""
    created: str = cloud.client("stepfunctions").create_state_machine(
        name=fresh("machine"),
        definition=json.dumps(definition),
        roleArn=role(cloud, allow("lambda:InvokeFunction", "*")),
    )["stateMachineArn"]
    return created


def executed(cloud: LocalCloud, machine_arn: str, payload: Any, name: str | None = None) -> dict[str, Any]:
    """The description of an execution that has ended."""
    client = cloud.client("stepfunctions")
    arn = client.start_execution(
        stateMachineArn=machine_arn, name=name or fresh("execution"), input=json.dumps(payload)
    )["executionArn"]

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_execution(executionArn=arn)
        return None if found["status"] == "RUNNING" else found

    return eventually(ended)


def function_arn(cloud: LocalCloud, name: str) -> str:
    """The ARN of a function by its name."""
    found: str = cloud.client("lambda").get_function_configuration(FunctionName=name)["FunctionArn"]
    return found
