"""How Step Functions calls the backfill: a step of a run in, its answer out.

Requests and answers are those of `switchboard.backfill.steps`; which requests of AWS a step makes, by resource:

- the runs table: `dynamodb:BatchGetItem`, `Query` and `UpdateItem` (transactions hold updates alone);
- a target: `DescribeTable`, `DescribeContinuousBackups`, `Scan`, `PartiQLUpdate` and `BatchGetItem`;
- a target that is read from an export: `ExportTableToPointInTime`, and `DescribeExport` of its exports, which DynamoDB
  writes with this function's `s3:PutObject` under `exports/`, and which is read there with `GetObject`;
- the messages table of renames: `DescribeTable`, `DescribeContinuousBackups`, `GetItem`, `Query`, `BatchGetItem`,
  `UpdateItem`;
- a legacy table: `DescribeTable` and `Scan`; and the CDR table it is imported into: `DescribeTable`,
  `DescribeContinuousBackups`, `PartiQLInsert` and `BatchGetItem`;
- the reports bucket, under `runs/`: `s3:PutObject`, `GetObject` and `ListBucket`; under `mappings/`: `GetObject`.

A step that waits for an export raises `Exporting`: nothing is held meanwhile, and it is asked again.
"""

from __future__ import annotations

import json
import os
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from switchboard.backfill.errors import Refused, Systemic, VerificationFailed
from switchboard.backfill.kinds import Names, Tools
from switchboard.backfill.ledger import Ledger
from switchboard.backfill.steps import Steps
from switchboard.backfill.waiting import Waiting
from switchboard.clients import client
from switchboard.concurrency import IN_FLIGHT
from switchboard.dynamo.client import dynamodb_client
from switchboard.environment import InvalidSetting, optional, optional_count, optional_days, required, stage
from switchboard.schema import deployment, runs
from switchboard.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from switchboard.backfill.engine import Checkpoint


class Interrupted(Exception):  # noqa: N818 - it names what happened to the step
    """A step broke off for a reason that may be gone when it is asked again; `kind` names it without any content."""

    def __init__(self, kind: str) -> None:
        super().__init__(f"The step broke off with {kind}: ask again")


@dataclass(frozen=True, slots=True)
class Settings:
    """What the deployment tells this function."""

    stage: str
    names: Names
    most_workers: int | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Raises `MissingSetting` or `InvalidSetting`, naming the variable, or `LongTermKey`."""
        return cls(
            stage=stage(environ),
            names=Names(
                runs_table=required(environ, deployment.ENV_RUNS_TABLE),
                reports_bucket=required(environ, deployment.ENV_REPORTS_BUCKET),
                targets=_json(environ, deployment.ENV_BACKFILL_TARGETS, dict, "{}"),
                legacy_tables=tuple(_json(environ, deployment.ENV_LEGACY_TABLES, list, "[]")),
                messages_table=required(environ, deployment.ENV_MESSAGES_TABLE),
                cdr_table=required(environ, deployment.ENV_CDR_TABLE),
                cdr_retention_days=optional_days(environ, deployment.ENV_CDR_RETENTION_DAYS),
            ),
            most_workers=optional_count(environ, deployment.ENV_BACKFILL_WORKERS),
        )


def _json(environ: Mapping[str, str], name: str, kind: type, unset: str) -> Any:
    try:
        found = json.loads(optional(environ, name) or unset)
    except ValueError:
        found = None
    if not isinstance(found, kind):
        raise InvalidSetting(name, f"JSON such as {unset}")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillFunction:
    """The function with all it depends on."""

    dynamodb: DynamoDBClient
    s3: S3Client
    names: Names
    telemetry: Telemetry
    waiting: Waiting
    now: Callable[[], datetime]
    most_workers: int | None = None

    def handle(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """Answer a step; see `Steps`.

        Raises, as function errors that no repetition changes, the exceptions whose names are `runs.ERRORS`; and
        `Interrupted`, or what ended the invocation, where a repetition may help.
        """
        self.telemetry.logger.append_keys(request_id=context.aws_request_id)
        ledger = Ledger(self.dynamodb, self.names.runs_table, waiting=self.waiting, now=self.now)
        steps = Steps(
            ledger=ledger,
            tools=Tools(
                dynamodb=self.dynamodb,
                runs=ledger,
                s3=self.s3,
                names=self.names,
                waiting=self.waiting,
                now=self.now,
            ),
            remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1_000,
            settled=self._count,
            most_workers=self.most_workers,
        )
        try:
            answer = steps.answer(event)
        except (Refused, Systemic, VerificationFailed) as told:
            self.telemetry.count({deployment.METRIC_BACKFILL_FAILED: 1})
            self.telemetry.logger.warning("step failed", error=type(told).__name__)
            raise
        except ClientError as error:
            # Its message may quote keys, which are people's ids.
            raise Interrupted(error.response["Error"]["Code"]) from None
        self.telemetry.logger.info("step answered", step=event[runs.STEP])
        return answer

    def _count(self, before: Checkpoint, after: Checkpoint) -> None:
        done, now = before.counters, after.counters
        self.telemetry.count(
            {
                deployment.METRIC_BACKFILL_UPDATED: now.updated - done.updated,
                deployment.METRIC_BACKFILL_ALREADY: now.already - done.already,
                deployment.METRIC_BACKFILL_DELETED: now.deleted - done.deleted,
                deployment.METRIC_BACKFILL_ITEMS_FAILED: now.failed - done.failed,
                deployment.METRIC_BACKFILL_WRITE_UNITS: after.write_units - before.write_units,
                deployment.METRIC_BACKFILL_READ_UNITS: after.read_units - before.read_units,
            }
        )


def build(settings: Settings) -> BackfillFunction:
    """The function on AWS's clients and the machine's clock."""
    return BackfillFunction(
        dynamodb=dynamodb_client(connections=IN_FLIGHT),
        s3=client("s3", connect_timeout=1.0, read_timeout=5.0, attempts=3, connections=IN_FLIGHT),
        names=settings.names,
        telemetry=Telemetry(stage=settings.stage, function=deployment.BACKFILL),
        waiting=Waiting(clock=time.monotonic, sleep=time.sleep, jitter=random.random),
        now=lambda: datetime.now(UTC),
        most_workers=settings.most_workers,
    )


_FUNCTION: Final = build(Settings.from_env(os.environ))
"""Made on import: Lambda starts a function with more processor time than it gives the first request."""


def handle(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry point; see `BackfillFunction.handle`."""
    return _FUNCTION.handle(event, context)
