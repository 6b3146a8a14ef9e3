"""`cdr-guard`: notices that a CDR was changed or removed, by reading the table's stream of old images."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from switchboard.cdr.guard import Change, lawful
from switchboard.dynamo.budget import Budget
from switchboard.environment import optional_days, required, stage
from switchboard.quarantine import BucketQuarantine, Unprocessable
from switchboard.schema.deployment import (
    CDR_GUARD,
    ENV_CDR_RETENTION_DAYS,
    ENV_QUARANTINE_BUCKET,
    METRIC_CDR_CHANGED,
    METRIC_QUARANTINED,
)
from switchboard.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from switchboard.quarantine import Quarantine

_TTL: Final = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
"""Who removes an item whose time is over (docs: "DynamoDB Streams and Time to Live")."""

_REASON: Final = "cdr_changed"
_SOURCE: Final = "stream"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the deployment tells this function."""

    stage: str
    quarantine_bucket: str
    retention: timedelta | None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Raises `MissingSetting` or `InvalidSetting`, naming the variable, or `LongTermKey`."""
        days = optional_days(environ, ENV_CDR_RETENTION_DAYS)
        return cls(
            stage=stage(environ),
            quarantine_bucket=required(environ, ENV_QUARANTINE_BUCKET),
            retention=None if days is None else timedelta(days=days),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CdrGuardFunction:
    """The function with all it depends on."""

    retention: timedelta | None
    quarantine: Quarantine
    telemetry: Telemetry
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]

    def handle(self, event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
        """Raise the alarm metric for each unlawful change, then keep what the record was before.

        Stops at the first record whose old image could not be kept: Lambda delivers it and all after it again.
        """
        self.telemetry.logger.append_keys(request_id=context.aws_request_id)
        budget = Budget(
            remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1000,
            sleep=self.sleep,
            jitter=self.jitter,
        )
        for record in event["Records"]:
            change = _change(record)
            if lawful(change, retention=self.retention):
                continue
            self.telemetry.count({METRIC_CDR_CHANGED: 1})
            self.telemetry.logger.error("a CDR was changed", extra={"change": change.kind, "by_ttl": change.by_ttl})
            if not self._keep(record, change, budget):
                return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
            self.telemetry.count({METRIC_QUARANTINED: 1})
        return {"batchItemFailures": []}

    def _keep(self, record: Mapping[str, Any], change: Change, budget: Budget) -> bool:
        """Whether the old image is in the quarantine; where the stream carries none, the record stands in for it."""
        entry = Unprocessable(
            reason=_REASON, code=change.kind, errors=[], source=_SOURCE, payload=change.old_image or record
        )
        (kept,) = self.quarantine.keep([entry], now=self.clock(), budget=budget)
        return kept


def _change(record: Mapping[str, Any]) -> Change:
    image = record.get("dynamodb") or {}
    return Change(
        kind=str(record.get("eventName")),
        by_ttl=record.get("userIdentity") == _TTL,
        at=image.get("ApproximateCreationDateTime"),
        old_image=image.get("OldImage") or {},
    )


def build(settings: Settings) -> CdrGuardFunction:
    """The function on AWS's clients and the machine's clock."""
    return CdrGuardFunction(
        retention=settings.retention,
        quarantine=BucketQuarantine(settings.quarantine_bucket, function=CDR_GUARD),
        telemetry=Telemetry(stage=settings.stage, function=CDR_GUARD),
        clock=lambda: datetime.now(UTC),
        sleep=time.sleep,
        jitter=random.random,
    )


_FUNCTION: Final = build(Settings.from_env(os.environ))


def handle(event: Mapping[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry point; see `CdrGuardFunction.handle`."""
    return _FUNCTION.handle(event, context)
