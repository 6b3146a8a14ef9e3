"""How Lambda calls the reading of CDRs: a request in, an answer out, or one of two function errors."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Self

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from switchboard.cdr import queries
from switchboard.cdr.queries_errors import InvalidQuery, QueryUnavailable
from switchboard.dynamo.client import dynamodb_client
from switchboard.environment import required
from switchboard.schema import cdr, deployment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_lambda_powertools.utilities.typing import LambdaContext
    from mypy_boto3_dynamodb import DynamoDBClient

REFUSED = "refused"
"""The metrics' query of a request that names none."""

logger = Logger()
metrics = Metrics(namespace=deployment.METRICS_NAMESPACE)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the deployment tells this function."""

    table: str

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raises `MissingSetting`."""
        return cls(table=required(environ, deployment.ENV_CDR_TABLE))


@cache
def settings() -> Settings:
    """The settings of this execution environment."""
    return Settings.from_env(os.environ)


@cache
def client() -> DynamoDBClient:
    """The client of this execution environment: created by the first request, kept for the next."""
    return dynamodb_client()


@metrics.log_metrics
def handle(event: Any, context: LambdaContext) -> dict[str, Any]:
    """Answer a request of `cdr-query.schema.json`; see `switchboard.cdr.queries.answer` for the answers.

    Raises, as function errors, `InvalidQuery` (not retryable) and `QueryUnavailable` (retryable).
    """
    asked = event.get("query") if isinstance(event, dict) else None
    kind = asked if asked in cdr.QUERIES else REFUSED
    metrics.add_dimension(deployment.DIMENSION_QUERY, kind)
    metrics.add_metric(deployment.METRIC_CDR_QUERIES, MetricUnit.Count, 1)
    try:
        answer = queries.answer(
            event,
            client=client(),
            table=settings().table,
            remaining_seconds=lambda: context.get_remaining_time_in_millis() / 1_000,
        )
    except InvalidQuery as refused:
        logger.warning("refused", query=kind, codes=[error.code for error in refused.errors])
        raise
    except QueryUnavailable as unavailable:
        logger.warning("unavailable", query=kind, code=unavailable.code)
        raise
    records = len(answer["records"]) if "records" in answer else int(answer["record"] is not None)
    units = answer["consumed_read_units"]
    metrics.add_metric(deployment.METRIC_CDR_ANSWERED, MetricUnit.Count, records)
    metrics.add_metric(deployment.METRIC_CDR_READ_UNITS, MetricUnit.Count, units)
    logger.info("answered", query=kind, records=records, read_units=units, more="cursor" in answer)
    return answer
