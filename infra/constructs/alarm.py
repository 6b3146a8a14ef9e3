"""Alarms that tell somebody: each with an action, a sentence on what is wrong, and its page of the runbook."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import Alarm, ComparisonOperator, Metric, TreatMissingData
from aws_cdk.aws_cloudwatch_actions import SnsAction

from switchboard.schema import deployment

if TYPE_CHECKING:
    from aws_cdk.aws_cloudwatch import IMetric
    from aws_cdk.aws_sns import ITopic
    from constructs import Construct

    from infra.config_types import StageConfig

RUNBOOK: Final = "docs/runbook"
"""Where the pages are kept in the repository: `<page>.md`, one for each kind of alarm."""
PERIOD: Final = Duration.minutes(5)


def count(namespace: str, name: str, **dimensions: str) -> Metric:
    """How often something happened in five minutes."""
    return Metric(namespace=namespace, metric_name=name, dimensions_map=dimensions, statistic="Sum", period=PERIOD)


def highest(namespace: str, name: str, **dimensions: str) -> Metric:
    """The highest value in five minutes."""
    return Metric(namespace=namespace, metric_name=name, dimensions_map=dimensions, statistic="Maximum", period=PERIOD)


def counted_by(stage: StageConfig, function: str, name: str) -> Metric:
    """What a function counts by itself, by its short name."""
    return count(
        deployment.METRICS_NAMESPACE,
        name,
        **{deployment.DIMENSION_STAGE: stage.name, deployment.DIMENSION_FUNCTION: function},
    )


@dataclass(frozen=True, slots=True)
class Alarms:
    """Makes alarms in one scope, all of which tell the same topic."""

    scope: Construct
    stage: StageConfig
    topic: ITopic
    made: list[Alarm] = field(default_factory=list)
    """Every alarm that was made so far."""

    def when(
        self,
        construct_id: str,
        metric: IMetric,
        *,
        reaches: float,
        name: str,
        page: str,
        says: str,
        periods: int = 1,
    ) -> None:
        """Alarm as soon as `metric` reaches a value in each of so many `periods`; no data is no alarm.

        `name` follows `switchboard-<stage>-`, `page` is the runbook's, and `says` ends with a full stop.
        """
        alarm = Alarm(
            self.scope,
            construct_id,
            alarm_name=deployment.alarm_name(self.stage.name, name),
            alarm_description=f"{says} Runbook: {self.stage.runbook_url or RUNBOOK}/{page}.md",
            metric=metric,
            threshold=reaches,
            comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            evaluation_periods=periods,
            treat_missing_data=TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(SnsAction(self.topic))
        self.made.append(alarm)
