"""`cdr-writer`: writes call data records sent by invocation, synchronous or not, or through the queue."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from switchboard.cdr.intake import Intake, Message
from switchboard.cdr.results import Failed, summary
from switchboard.cdr.store import CdrStore
from switchboard.cdr.validation import RecordContract
from switchboard.cdr.writer import CdrWriter
from switchboard.concurrency import IN_FLIGHT
from switchboard.dynamo.budget import Budget
from switchboard.dynamo.client import dynamodb_client
from switchboard.environment import optional_days, required, stage
from switchboard.quarantine import BucketQuarantine
from switchboard.schema.deployment import (
    CDR_WRITER,
    ENV_CDR_RETENTION_DAYS,
    ENV_CDR_TABLE,
    ENV_QUARANTINE_BUCKET,
    METRIC_CDR_RECEIVED,
    METRIC_QUARANTINED,
    cdr_status_metric,
)
from switchboard.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from aws_lambda_powertools.utilities.typing import LambdaContext

    from switchboard.cdr.results import Verdict

_SQS: Final = "aws:sqs"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the deployment tells this function."""

    stage: str
    table: str
    quarantine_bucket: str
    retention: timedelta | None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Raises `MissingSetting` or `InvalidSetting`, naming the variable, or `LongTermKey`."""
        days = optional_days(environ, ENV_CDR_RETENTION_DAYS)
        return cls(
            stage=stage(environ),
            table=required(environ, ENV_CDR_TABLE),
            quarantine_bucket=required(environ, ENV_QUARANTINE_BUCKET),
            retention=None if days is None else timedelta(days=days),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CdrWriterFunction:
    """The function with all it depends on."""

    intake: Intake
    telemetry: Telemetry
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]

    def handle(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """Answer one invocation: results per record, or for the queue the messages to deliver again."""
        self.telemetry.logger.append_keys(request_id=context.aws_request_id)
        budget = Budget(
            remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1000,
            sleep=self.sleep,
            jitter=self.jitter,
        )
        if _is_delivery(event):
            messages = [Message(record["messageId"], record["body"]) for record in event["Records"]]
            delivery = self.intake.deliver(messages, now=self.clock(), budget=budget)
            self._report(delivery.verdicts, delivery.quarantined, way="queue", again=len(delivery.again))
            return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in delivery.again]}
        answer = self.intake.invoke(event, now=self.clock(), budget=budget)
        self._report(answer.verdicts, answer.quarantined, way="invoke", lost=answer.lost)
        return answer.response()

    def _report(self, verdicts: Sequence[Verdict], quarantined: int, **facts: Any) -> None:
        counts = summary(verdicts)
        received = counts.pop("received")
        self.telemetry.count(
            {
                METRIC_CDR_RECEIVED: received,
                **{cdr_status_metric(status): count for status, count in counts.items()},
                METRIC_QUARANTINED: quarantined,
            }
        )
        codes = Counter(verdict.code for verdict in verdicts if isinstance(verdict, Failed))
        self.telemetry.logger.info(
            "records written",
            extra={"received": received, **counts, "quarantined": quarantined, "failure_codes": codes, **facts},
        )


def _is_delivery(event: Any) -> bool:
    """Whether Lambda's poller of the queue called: its event has `Records`, which no request of ours has.

    Anybody who may invoke the function may send what looks like one, so its form is checked, too.
    """
    if not isinstance(event, dict):
        return False
    records = event.get("Records")
    return (
        isinstance(records, list)
        and bool(records)
        and all(isinstance(record, dict) and record.get("eventSource") == _SQS for record in records)
        and all(isinstance(record.get(name), str) for record in records for name in ("messageId", "body"))
    )


def build(settings: Settings) -> CdrWriterFunction:
    """The function on AWS's clients and the machine's clock."""
    store = CdrStore(dynamodb_client(connect_timeout=0.5, attempts=1, connections=IN_FLIGHT), settings.table)
    return CdrWriterFunction(
        intake=Intake(
            contract=RecordContract(retention=settings.retention),
            writer=CdrWriter(store, retention=settings.retention),
            quarantine=BucketQuarantine(settings.quarantine_bucket, function=CDR_WRITER),
        ),
        telemetry=Telemetry(stage=settings.stage, function=CDR_WRITER),
        clock=lambda: datetime.now(UTC),
        sleep=time.sleep,
        jitter=random.random,
    )


_FUNCTION: Final = build(Settings.from_env(os.environ))
"""Made on import: Lambda starts a function with more processor time than it gives the first request."""


def handle(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry point; see `CdrWriterFunction.handle`."""
    return _FUNCTION.handle(event, context)
