"""Logs and metrics of the functions: counts and codes, never payloads, ids or keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools.logging import Logger
from aws_lambda_powertools.metrics import EphemeralMetrics, MetricUnit

from switchboard.schema.deployment import DIMENSION_FUNCTION, DIMENSION_STAGE, METRICS_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Mapping


class Telemetry:
    """Structured logs and embedded metrics of one function, each with its stage."""

    def __init__(self, *, stage: str, function: str) -> None:
        self.logger = Logger(service=function, stage=stage)
        self._metrics = EphemeralMetrics(namespace=METRICS_NAMESPACE, service=function)
        self._metrics.set_default_dimensions(**{DIMENSION_STAGE: stage, DIMENSION_FUNCTION: function})

    def count(self, counts: Mapping[str, float]) -> None:
        """Write one embedded metric document with these counts, at once: nothing is lost if the invocation dies."""
        for name, value in counts.items():
            self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)
        self._metrics.flush_metrics()
