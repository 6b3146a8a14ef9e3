"""Alarms on what CloudTrail saw: one metric filter and one alarm for each way to harm the tables or to look away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_cdk.aws_logs import FilterPattern, MetricFilter

from infra.constructs import trail_patterns as patterns
from infra.constructs.alarm import count
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk.aws_logs import ILogGroup

    from infra.constructs.alarm import Alarms
    from infra.constructs.trail_patterns import Exports, Guarded


@dataclass(frozen=True, slots=True)
class Watch:
    """One thing to look for. `id` names filter, metric and alarm; the alarm's name is the name of its runbook page."""

    id: str
    name: str
    says: str
    patterns: tuple[str, ...]
    """Any of them; what one filter has no room for takes another."""


def watch_management(tables: Sequence[Guarded], exports: Exports) -> tuple[Watch, ...]:
    """What management events tell. `exports` are the ordinary ones."""
    return (
        Watch("TableDeleted", "table-deleted", "Somebody deleted a table.", (patterns.table_deleted(tables),)),
        Watch("TableUpdated", "table-updated", "Somebody changed a table by hand.", (patterns.table_updated(tables),)),
        Watch(
            "RecoveryOff",
            "recovery-off",
            "Somebody took a table's point-in-time recovery away, or made it shorter.",
            (patterns.recovery_off(tables),),
        ),
        Watch(
            "ProtectionOff",
            "protection-off",
            "Somebody switched a table's protection from deletion off.",
            (patterns.protection_off(tables),),
        ),
        Watch(
            "PolicyChanged",
            "policy-changed",
            "Somebody changed the policy of a table or a stream by hand.",
            (patterns.policy_changed(tables),),
        ),
        Watch(
            "TableCopied",
            "table-copied",
            "Somebody exported, restored or streams a whole table.",
            (patterns.table_copied(tables), patterns.table_exported(tables, exports)),
        ),
        Watch(
            "LoggingStopped",
            "logging-stopped",
            "Somebody keeps CloudTrail or AWS Config from recording.",
            (patterns.logging_stopped(),),
        ),
        _LONG_TERM_KEY,
    )


def watch_data(known: Sequence[str]) -> tuple[Watch, ...]:
    """What data events tell. `known` are the unique ids of the roles that work on items."""
    return (
        Watch(
            "ForeignUse",
            "foreign-use",
            "An identity outside this system touched items of the tables or records of their streams.",
            (patterns.foreign_use(known),),
        ),
        Watch(
            "BulkRead",
            "bulk-read",
            "An identity outside this system read many items at once.",
            (patterns.bulk_read(known),),
        ),
        _LONG_TERM_KEY,
    )


def alarm_on(alarms: Alarms, watched: Sequence[tuple[ILogGroup, Watch]]) -> None:
    """A metric filter for each pattern, and one alarm for each thing to look for, in however many log groups it is."""
    for log_group, watch in watched:
        for number, pattern in enumerate(watch.patterns, start=1):
            MetricFilter(
                alarms.scope,
                f"{watch.id}{number if number > 1 else ''}In{log_group.node.id}",
                log_group=log_group,
                filter_pattern=FilterPattern.literal(pattern),
                metric_namespace=_namespace(alarms.stage.name),
                metric_name=watch.id,
                metric_value="1",
            )
    for watch in {watch.id: watch for _, watch in watched}.values():
        alarms.when(
            watch.id,
            count(_namespace(alarms.stage.name), watch.id),
            reaches=1,
            name=watch.name,
            page=watch.name,
            says=watch.says,
        )


def _namespace(stage: str) -> str:
    # A metric filter cannot give a metric the dimension `stage` and count nothing as nothing at once.
    return f"{deployment.METRICS_NAMESPACE}/{stage}"


_LONG_TERM_KEY: Final = Watch(
    "LongTermKey", "long-term-key", "Somebody used a key that does not expire.", (patterns.long_term_key(),)
)
