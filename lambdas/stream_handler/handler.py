"""How Lambda calls the updating of previews: a batch of the messages table's stream in, a checkpoint out."""

from __future__ import annotations

import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Self

from switchboard.dynamo.budget import Budget
from switchboard.dynamo.client import dynamodb_client
from switchboard.environment import required, stage
from switchboard.messages.previews import IN_FLIGHT, RESERVE_SECONDS, Arrival, Code, Outcome, PreviewUpdate
from switchboard.quarantine import BucketQuarantine, Quarantine, Unprocessable
from switchboard.schema import deployment
from switchboard.schema import messages as schema
from switchboard.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

SOURCE: Final = "stream"
"""The way in, as the quarantine names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the deployment tells this function."""

    stage: str
    function: str
    table: str
    bucket: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raises `MissingSetting`."""
        return cls(
            stage=stage(environ),
            function=required(environ, deployment.ENV_FUNCTION),
            table=required(environ, deployment.ENV_MESSAGES_TABLE),
            bucket=required(environ, deployment.ENV_QUARANTINE_BUCKET),
        )


@dataclass(frozen=True, slots=True)
class Follower:
    """What lives as long as the execution environment, and one batch at a time."""

    client: DynamoDBClient
    table: str
    executor: Executor
    quarantine: Quarantine

    def follow(self, records: list[dict[str, Any]], *, now: float, budget: Budget) -> Outcome:
        """Bring previews up to date with the new messages among `records`, the stream's own records.

        `now` is epoch seconds. Everything but a new message is passed over: the function's own writes, should a filter
        let them through, and the opening message of a group, whose memberships show it from the beginning.
        """
        delivered = {record["dynamodb"]["SequenceNumber"]: record for record in records if _is_new_message(record)}

        def keep(arrival: Arrival, code: Code, reason: str) -> bool:
            record = delivered[arrival.position]
            entry = Unprocessable(reason=reason, code=code, errors=(), source=SOURCE, payload=record)
            (kept,) = self.quarantine.keep([entry], now=_created(record, now), budget=budget)
            return kept

        update = PreviewUpdate(
            [Arrival(position, record["dynamodb"].get("NewImage", {})) for position, record in delivered.items()],
            client=self.client,
            table=self.table,
            executor=self.executor,
            keep=keep,
            now=now,
            budget=budget,
        )
        return update.run()


def _is_new_message(record: Mapping[str, Any]) -> bool:
    change = record["dynamodb"]
    return (
        record["eventName"] == "INSERT"
        and change["Keys"][schema.PK]["S"].startswith(schema.MESSAGE_PREFIX)
        and schema.OPENING not in change.get("NewImage", {})
    )


def _created(record: Mapping[str, Any], now: float) -> datetime:
    # The record's own time, so that a delivery after midnight finds the same day's object.
    return datetime.fromtimestamp(record["dynamodb"].get("ApproximateCreationDateTime", now), UTC)


@cache
def settings() -> Settings:
    """The settings of this execution environment."""
    return Settings.from_env(os.environ)


@cache
def telemetry() -> Telemetry:
    """The logs and metrics of this execution environment."""
    return Telemetry(stage=settings().stage, function=settings().function)


@cache
def follower() -> Follower:
    """The clients and threads of this execution environment: created by the first batch, kept for the next."""
    return Follower(
        client=dynamodb_client(connections=IN_FLIGHT),
        table=settings().table,
        executor=ThreadPoolExecutor(IN_FLIGHT),
        quarantine=BucketQuarantine(settings().bucket, function=settings().function),
    )


def handle(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answer `{"batchItemFailures": [{"itemIdentifier": <sequence number>}]}`: the record to go on from; or no failure.

    Lambda takes the lowest reported sequence number as the checkpoint and delivers everything from it on again
    (Lambda developer guide, "Configuring partial batch response with DynamoDB and Lambda").
    """
    budget = Budget(
        remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1_000,
        sleep=time.sleep,
        jitter=random.random,
        reserve_seconds=RESERVE_SECONDS,
    )
    records = event["Records"]
    outcome = follower().follow(records, now=time.time(), budget=budget)
    stopped = outcome.stopped_at is not None
    telemetry().logger.info(
        "followed",
        records=len(records),
        updated=outcome.updated,
        quarantined=outcome.kept,
        stopped=stopped,
        why=outcome.why,
    )
    telemetry().count({deployment.METRIC_QUARANTINED: outcome.kept, deployment.METRIC_STREAM_STOPPED: int(stopped)})
    return {"batchItemFailures": [{"itemIdentifier": outcome.stopped_at}] if stopped else []}
