"""Backfills through the deployed state machine: items to change, executions as the operator's role, and outages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

from switchboard.concurrency import in_flight
from switchboard.schema import deployment, messages, runs
from tests.integration.calls import PATIENCE_SECONDS, unique

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator, Sequence

    from local_cloud.stage import DeployedStage

ATTRIBUTE: Final = "test"
VALUE: Final = {"S": "1"}
OTHER: Final = {"S": "another"}
PER_REQUEST: Final = 25
ENDED_SECONDS: Final = 10 * PATIENCE_SECONDS


@dataclass(frozen=True)
class Backfills:
    """The machine of a stage, and items of the messages table that no other test knows; gone when the test is over."""

    local: DeployedStage
    prefix: str

    @classmethod
    def of(cls, local: DeployedStage, rng: random.Random) -> Backfills:
        """With a prefix of its own."""
        return cls(local, unique(rng, "BACKFILL#"))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Delete the items: what is left of one run would make another one's first pages empty, and so longer."""
        keys = [{messages.PK: {"S": partition}, messages.SK: {"S": "ITEM"}} for partition in self.values()]
        client = self.local.client("dynamodb")
        table, deletes = self.table, [{"DeleteRequest": {"Key": key}} for key in keys]
        batches = [deletes[start : start + PER_REQUEST] for start in range(0, len(deletes), PER_REQUEST)]
        in_flight(lambda batch: client.batch_write_item(RequestItems={table: batch}), batches)

    @property
    def table(self) -> str:
        """The messages table's name."""
        return self.local.parameter(deployment.MESSAGES_TABLE_PATH)

    def key(self, number: int) -> dict[str, Any]:
        """The key of an item."""
        return {messages.PK: {"S": f"{self.prefix}{number:06}"}, messages.SK: {"S": "ITEM"}}

    def write(self, numbers: Sequence[int], **attributes: Any) -> None:
        """Items with these further attributes."""
        client = self.local.client("dynamodb")
        for start in range(0, len(numbers), PER_REQUEST):
            items = [{**self.key(number), **attributes} for number in numbers[start : start + PER_REQUEST]]
            answer = client.batch_write_item(
                RequestItems={self.table: [{"PutRequest": {"Item": item}} for item in items]}
            )
            assert not answer["UnprocessedItems"]

    def values(self) -> dict[str, Any]:
        """What the attribute of every item holds by now, None where it is missing; by partition key."""
        pages = (
            self.local.client("dynamodb")
            .get_paginator("scan")
            .paginate(
                TableName=self.table,
                ConsistentRead=True,
                FilterExpression="begins_with(pk, :prefix)",
                ExpressionAttributeValues={":prefix": {"S": self.prefix}},
            )
        )
        return {item["pk"]["S"]: item.get(ATTRIBUTE) for page in pages for item in page["Items"]}

    def request(self, **fields: Any) -> dict[str, Any]:
        """An input that sets the attribute of these items."""
        job = {"job": runs.SET_ATTRIBUTE, "table": "messages", "attribute": ATTRIBUTE, "value": VALUE}
        return {**job, "prefix": self.prefix, "max_write_units": 5_000, "max_read_units": 5_000, **fields}

    def start(self, request: Any, rng: random.Random) -> str:
        """The ARN of a new execution, as the operator's role."""
        arn: str = self.local.client("stepfunctions", deployment.BACKFILL_OPERATOR).start_execution(
            stateMachineArn=self.local.parameter(deployment.STATE_MACHINE_PATH),
            name=a_name(rng),
            input=json.dumps(request),
        )["executionArn"]
        return arn

    def ended(self, execution: str) -> dict[str, Any]:
        """The description of an execution that has ended."""
        client = self.local.client("stepfunctions", deployment.BACKFILL_OPERATOR)
        deadline = time.monotonic() + ENDED_SECONDS
        while (found := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < deadline, "the execution does not end"
            time.sleep(0.1)
        answer: dict[str, Any] = found
        return answer

    def report(self, execution: str) -> dict[str, Any]:
        """The output of an execution, which must succeed."""
        found = self.ended(execution)
        assert found["status"] == "SUCCEEDED", (found["error"], found["cause"])
        answer: dict[str, Any] = json.loads(found["output"])
        return answer

    def refusal(self, request: Any, rng: random.Random) -> tuple[str, dict[str, Any]]:
        """Error and cause of an execution, which must fail without an output."""
        found = self.ended(self.start(request, rng))
        assert (found["status"], found.get("output")) == ("FAILED", None)
        return found["error"], json.loads(found["cause"])

    def control(self, execution: str, **wishes: Any) -> None:
        """Write what an operator wishes of a run, as the operator's role."""
        values = {f":{name}": {"BOOL": v} if isinstance(v, bool) else {"N": str(v)} for name, v in wishes.items()}
        self.local.client("dynamodb", deployment.BACKFILL_OPERATOR).update_item(
            TableName=self.local.parameter(deployment.RUNS_TABLE_PATH),
            Key={"pk": {"S": runs.control_key(run_of(execution))}, "sk": {"S": runs.CONTROL}},
            UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in wishes),
            ExpressionAttributeValues=values,
        )

    def items_of_run(self, execution: str) -> dict[str, dict[str, Any]]:
        """The run and its segments as they stand in the runs table, by sort key."""
        answer = self.local.client("dynamodb", deployment.BACKFILL_OPERATOR).query(
            TableName=self.local.parameter(deployment.RUNS_TABLE_PATH),
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": runs.run_key(run_of(execution))}},
        )
        return {item["sk"]["S"]: item for item in answer["Items"]}

    def begun(self, execution: str, items: int = 1) -> None:
        """Wait until a run told of so many items that it set."""

        def told() -> int:
            segments = (item.get("counters", {"M": {}})["M"] for item in self.items_of_run(execution).values())
            return sum(int(counters["updated"]["N"]) for counters in segments if counters)

        deadline = time.monotonic() + ENDED_SECONDS
        while told() < items:
            assert time.monotonic() < deadline, "the items are not set"
            time.sleep(0.1)


def a_name(rng: random.Random) -> str:
    """A name for an execution of the shape that the command gives them, which alone an operator may ask about."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def run_of(execution: str) -> str:
    """The run that an execution began."""
    return execution.rsplit(":", 1)[-1]


def kill_workers(local: DeployedStage) -> int:
    """End every process of the backfill function at once, as Lambda may; how many there were."""
    every_process = ["ps", "-axwwo", "pid=,command="]
    listed = subprocess.run(every_process, capture_output=True, text=True, check=True).stdout
    name = deployment.function_name(local.name, deployment.BACKFILL)
    workers = [
        int(line.split()[0])
        for line in listed.splitlines()
        if str(local.cloud.directory) in line and f"ministack-lambda-{name}-" in line
    ]
    for worker in workers:
        with suppress(ProcessLookupError):
            os.kill(worker, signal.SIGKILL)
    return len(workers)


@contextmanager
def denied(local: DeployedStage, *actions: str) -> Iterator[None]:
    """The function's role may not do these."""
    iam, name = local.client("iam"), deployment.function_name(local.name, deployment.BACKFILL)
    role = local.client("lambda").get_function_configuration(FunctionName=name)["Role"].rsplit("/", 1)[-1]
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": list(actions), "Resource": "*"}]}
    iam.put_role_policy(RoleName=role, PolicyName="Denied", PolicyDocument=json.dumps(deny))
    try:
        yield
    finally:
        iam.delete_role_policy(RoleName=role, PolicyName="Denied")


@contextmanager
def meanwhile(work: Any) -> Iterator[None]:
    """Call `work` with a growing number in another thread again and again, as long as the context lasts."""
    over, failures = threading.Event(), []

    def go() -> None:
        number = 0
        while not over.is_set():
            try:
                work(number)
            except Exception as failure:  # noqa: BLE001 - told below, in the test's own thread
                failures.append(failure)
                return
            number += 1

    thread = threading.Thread(target=go)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    assert not failures, failures
