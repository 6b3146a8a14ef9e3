"""Step Functions as the command sees it: the state machine in memory, run when an execution is first asked about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from switchboard.schema import deployment
from tests.fakes.backfill_cloud import RUNS
from tests.fakes.messages_table import client_error

if TYPE_CHECKING:
    from tests.fakes.backfill_machine import Ended, Machine

STATE_MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:switchboard-local-backfill"
PARAMETERS = {deployment.STATE_MACHINE_PATH: STATE_MACHINE, deployment.RUNS_TABLE_PATH: RUNS}


class Executions:
    """Clients of Step Functions and SSM over a machine; an execution runs after it was described `described` times.

    While they are `held` none runs by itself.
    """

    def __init__(self, machine: Machine, *, described: int = 1) -> None:
        self.machine = machine
        self.inputs: dict[str, dict[str, Any]] = {}
        self.ended: dict[str, Ended] = {}
        self.aborted: set[str] = set()
        self.held = False
        self._left: dict[str, int] = {}
        self._working: set[str] = set()
        self._described = described

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> dict[str, Any]:  # noqa: A002, N803 - the API's own names
        assert stateMachineArn == STATE_MACHINE
        assert name not in self.inputs
        self.inputs[name] = json.loads(input)
        self._left[name] = self._described
        return {"executionArn": f"arn:{name}"}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        name = executionArn.removeprefix("arn:")
        if name in self.aborted:
            return {"status": "ABORTED"}
        if name not in self.inputs:
            raise client_error("ExecutionDoesNotExist", "DescribeExecution")
        if self.held or name in self._working:
            return {"status": "RUNNING"}
        if self._left[name]:
            self._left[name] -= 1
            return {"status": "RUNNING"}
        ended = self.run(name)
        if ended.error is None:
            return {"status": "SUCCEEDED", "output": json.dumps(ended.output)}
        return {"status": "FAILED", "error": ended.error, "cause": json.dumps(ended.cause)}

    def run(self, name: str) -> Ended:
        """Run an execution to its end, once."""
        if name not in self.ended:
            self._working.add(name)
            self.ended[name] = self.machine.start(name, self.inputs[name])
            self._working.remove(name)
        return self.ended[name]

    def get_parameter(self, *, Name: str) -> dict[str, Any]:  # noqa: N803
        path = Name.removeprefix(deployment.parameter_name("local", ""))
        if path not in PARAMETERS:
            raise client_error("ParameterNotFound", "GetParameter")
        return {"Parameter": {"Value": PARAMETERS[path]}}
