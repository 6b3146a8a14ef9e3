"""`cdr-query`: reads call data records for reporting and billing."""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from switchboard.cdr.reading import answers
from switchboard.cdr.reading.errors import InvalidQuery, QueryUnavailable
from switchboard.cdr.reading.reader import CONNECT_SECONDS, READ_SECONDS
from switchboard.dynamo.budget import Budget
from switchboard.dynamo.client import dynamodb_client
from switchboard.environment import required, stage
from switchboard.schema.deployment import (
    CDR_QUERY,
    ENV_CDR_TABLE,
    METRIC_CDR_ANSWERED,
    METRIC_CDR_QUERY_REFUSED,
    METRIC_CDR_QUERY_UNAVAILABLE,
    METRIC_CDR_READ_UNITS,
    cdr_query_metric,
)
from switchboard.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True, slots=True)
class Settings:
    """What the deployment tells this function."""

    stage: str
    table: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Raises `MissingSetting`, naming the variable, or `LongTermKey`."""
        return cls(stage=stage(environ), table=required(environ, ENV_CDR_TABLE))


@dataclass(frozen=True, slots=True, kw_only=True)
class CdrQueryFunction:
    """The function with all it depends on."""

    client: DynamoDBClient
    table: str
    telemetry: Telemetry
    sleep: Callable[[float], None]
    jitter: Callable[[], float]

    def handle(self, event: Any, context: LambdaContext) -> dict[str, Any]:
        """Answer a request of `cdr-query.schema.json`; see `switchboard.cdr.reading.answers.answer`.

        Raises, as function errors, `InvalidQuery` (not retryable) and `QueryUnavailable` (retryable).
        """
        self.telemetry.logger.append_keys(request_id=context.aws_request_id)
        try:
            answer = answers.answer(
                event,
                client=self.client,
                table=self.table,
                budget=Budget(
                    remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1000,
                    sleep=self.sleep,
                    jitter=self.jitter,
                ),
            )
        except InvalidQuery as refused:
            self.telemetry.count({METRIC_CDR_QUERY_REFUSED: 1})
            self.telemetry.logger.warning("refused", extra={"codes": [error.code for error in refused.errors]})
            raise
        except QueryUnavailable as unavailable:
            self.telemetry.count({METRIC_CDR_QUERY_UNAVAILABLE: 1})
            self.telemetry.logger.warning("unavailable", extra={"query": event["query"], "code": unavailable.code})
            raise
        self._report(event["query"], answer)
        return answer

    def _report(self, query: str, answer: Mapping[str, Any]) -> None:
        records = len(answer["records"]) if "records" in answer else int(answer["record"] is not None)
        units = answer["consumed_read_units"]
        self.telemetry.count(
            {cdr_query_metric(query): 1, METRIC_CDR_ANSWERED: records, METRIC_CDR_READ_UNITS: units},
        )
        self.telemetry.logger.info(
            "answered", extra={"query": query, "records": records, "read_units": units, "more": "cursor" in answer}
        )


def build(settings: Settings) -> CdrQueryFunction:
    """The function on AWS's client."""
    return CdrQueryFunction(
        client=dynamodb_client(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, attempts=1),
        table=settings.table,
        telemetry=Telemetry(stage=settings.stage, function=CDR_QUERY),
        sleep=time.sleep,
        jitter=random.random,
    )


_FUNCTION: Final = build(Settings.from_env(os.environ))
"""Made on import: Lambda starts a function with more processor time than it gives the first request."""


def handle(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Lambda's entry point; see `CdrQueryFunction.handle`."""
    return _FUNCTION.handle(event, context)
