"""What can go wrong with a function, and with each way in which it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk.aws_cloudwatch import MathExpression

from infra.constructs.alarm import PERIOD, count, counted_by, highest
from switchboard.schema import deployment

if TYPE_CHECKING:
    from aws_cdk.aws_cloudwatch import IMetric
    from aws_cdk.aws_lambda import CfnEventSourceMapping

    from infra.constructs.alarm import Alarms
    from infra.constructs.function import SwitchboardFunction

LAMBDA: Final = "AWS/Lambda"
SHARE_OF_TIMEOUT: Final = 0.8
LATE: Final = Duration.minutes(1)
"""Lists and the guard follow their streams within a second; a minute is not a peak any more."""
WAITING: Final = Duration.minutes(15)
"""Lambda's two retries of an asynchronous invocation take three minutes; after this, something holds it up."""
STUCK_PERIODS: Final = 6
"""Half an hour of stops without a pause: a stop now and then is how the stream handler waits."""


class FunctionAlarms:
    """Alarms of one function. Each method adds those of one way in, or of one thing the function does."""

    def __init__(self, alarms: Alarms, function: SwitchboardFunction) -> None:
        self._alarms = alarms
        self._function = function
        self._name = function.name
        self._id = "".join(word.capitalize() for word in function.name.split("-"))

    def on_failing(self, *, refused: str | None = None) -> None:
        """Errors, throttles, and failures that could not be set aside.

        `refused` names the function's own count of errors that are the caller's fault.
        """
        errors: IMetric = self._count("Errors")
        if refused:
            errors = MathExpression(
                expression="errors - FILL(refused, 0)",
                using_metrics={"errors": errors, "refused": self._counted(refused)},
                label="Errors that are no refusals",
                period=PERIOD,
            )
        self._when("Errors", errors, "errors", "function-errors", f"{self._name} failed.")
        self._when(
            "Throttles",
            self._count("Throttles"),
            "throttles",
            "function-throttles",
            f"{self._name} was called more often at once than it may run.",
        )

        self._when(
            "DeadLetterErrors",
            self._count("DeadLetterErrors"),
            "dead-letter-errors",
            "destination-failures",
            f"Lambda could not set an asynchronous call aside that {self._name} failed on: it is lost.",
        )

    def on_taking_long(self) -> None:
        """A duration near the timeout, after which work is cut off."""
        limit = self._function.timeout.to_milliseconds()
        self._when(
            "Duration",
            self._highest("Duration"),
            "duration",
            "function-duration",
            f"{self._name} took over {SHARE_OF_TIMEOUT:.0%} of the {limit // 1000} s it has.",
            reaches=limit * SHARE_OF_TIMEOUT,
        )

    def on_asynchronous_calls(self) -> None:
        """Invocations that nobody waits for: too late, given up, or not even kept."""
        self._when(
            "AsyncDrops",
            self._count("AsyncEventsDropped"),
            "async-drops",
            "async-events-dropped",
            f"Lambda gave up asynchronous calls of {self._name}; their payloads are in the quarantine.",
        )
        self._when(
            "AsyncAge",
            self._highest("AsyncEventAge"),
            "async-age",
            "async-event-age",
            f"Asynchronous calls of {self._name} wait longer than {WAITING.to_minutes()} min.",
            reaches=WAITING.to_milliseconds(),
        )
        self._on_undelivered_failures()

    def on_stream(self, mapping: CfnEventSourceMapping) -> None:
        """A stream that is read too late, records that were given up, and those that were not even kept."""
        self._when(
            "IteratorAge",
            self._highest("IteratorAge"),
            "iterator-age",
            "iterator-age",
            f"{self._name} reads its stream over {LATE.to_seconds()} s late.",
            reaches=LATE.to_milliseconds(),
            periods=2,
        )
        for construct_id, metric, name in (
            ("StreamDiscards", "OnFailureDestinationDeliveredEventCount", "stream-discards"),
            ("StreamDrops", "DroppedEventCount", "stream-drops"),
        ):
            self._when(
                construct_id,
                count(LAMBDA, metric, EventSourceMappingUUID=mapping.ref),
                name,
                "stream-records-discarded",
                f"Lambda gave up records of the stream that {self._name} reads.",
            )
        self._on_undelivered_failures()

    def on_quarantine(self) -> None:
        """What the function's own code could not process."""
        self._when(
            "Quarantined",
            self._counted(deployment.METRIC_QUARANTINED),
            "quarantined",
            "quarantined",
            f"{self._name} kept something in the quarantine that it cannot process.",
        )

    def on_count(self, metric: str, *, name: str, page: str, says: str, reaches: float = 1, periods: int = 1) -> None:
        """Something that the function counts by itself."""
        self._when(metric, self._counted(metric), name, page, says, reaches=reaches, periods=periods)

    def _on_undelivered_failures(self) -> None:
        self._when(
            "DestinationFailures",
            self._count("DestinationDeliveryFailures"),
            "destination-failures",
            "destination-failures",
            f"Lambda could not write what {self._name} failed on to the quarantine: it is lost.",
        )

    def _when(
        self, what: str, metric: IMetric, name: str, page: str, says: str, *, reaches: float = 1, periods: int = 1
    ) -> None:
        self._alarms.when(
            f"{self._id}{what}",
            metric,
            reaches=reaches,
            periods=periods,
            name=f"{self._name}-{name}",
            page=page,
            says=says,
        )

    def _count(self, metric: str) -> IMetric:
        return count(LAMBDA, metric, FunctionName=self._function.function.function_name)

    def _highest(self, metric: str) -> IMetric:
        return highest(LAMBDA, metric, FunctionName=self._function.function.function_name)

    def _counted(self, metric: str) -> IMetric:
        return counted_by(self._alarms.stage, self._name, metric)
