"""What to look for in CloudTrail's events, as filter patterns of CloudWatch Logs.

A pattern never rests on what `!=` says of a field that an event does not have: it asks with `NOT EXISTS` first. Tables
are matched by the end of what a request calls them, because a request names a table by its name or by its ARN.

Sources: CloudWatch Logs User Guide, "Filter pattern syntax"; CloudTrail User Guide, "CloudTrail record contents".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

LONGEST: Final = 1024
"""Characters of a pattern (CloudWatch Logs API, `PutMetricFilter`)."""

SMALLEST_WINDOW_DAYS: Final = 35
"""Days of recovery that every table has; a request may ask for fewer."""

READS: Final = (
    "BatchExecuteStatement",
    "BatchGetItem",
    "ExecuteStatement",
    "GetRecords",
    "Query",
    "Scan",
    "TransactGetItems",
)
"""Data events that hand out many items at once."""

_BUCKET: Final = "$.requestParameters.s3Bucket"


@dataclass(frozen=True, slots=True)
class Guarded:
    """What the patterns speak of: a table of this system, by its name and its ARN."""

    name: str
    arn: str


@dataclass(frozen=True, slots=True)
class Exports:
    """How a backfill reads a table from an export: as which role, by its unique id, and into which bucket."""

    role: str
    bucket: str


def table_deleted(tables: Sequence[Guarded]) -> str:
    """Anybody deletes a table, the deployment too."""
    return _all(_dynamodb("DeleteTable"), _called(tables))


def table_updated(tables: Sequence[Guarded]) -> str:
    """A table is changed by another way than a deployment: capacity, indexes, stream, encryption, or its expiry."""
    return _all(_dynamodb("UpdateTable", "UpdateTimeToLive"), _called(tables), _BY_HAND)


def recovery_off(tables: Sequence[Guarded]) -> str:
    """Point-in-time recovery is switched off, or reaches back less far, by whomever."""
    recovery = "$.requestParameters.pointInTimeRecoverySpecification"
    weaker = _any(
        f"{recovery}.pointInTimeRecoveryEnabled IS FALSE",
        f"{recovery}.recoveryPeriodInDays < {SMALLEST_WINDOW_DAYS}",
    )
    return _all(_dynamodb("UpdateContinuousBackups"), weaker, _called(tables))


def protection_off(tables: Sequence[Guarded]) -> str:
    """Protection from deletion is switched off, by whomever."""
    off = "$.requestParameters.deletionProtectionEnabled IS FALSE"
    return _all(_dynamodb("UpdateTable"), off, _called(tables))


def policy_changed(tables: Sequence[Guarded]) -> str:
    """The policy of a table or of its stream is changed by another way than a deployment."""
    here = _any(*(f'$.requestParameters.resourceArn = "{table.arn}*"' for table in tables))
    return _all(_dynamodb("PutResourcePolicy", "DeleteResourcePolicy"), here, _BY_HAND)


def foreign_use(known: Iterable[str]) -> str:
    """Items of a guarded table, or records of its stream, are touched by another identity than the `known` ones.

    `known` are the unique ids of roles, which nobody can give to another role, unlike a name. Every data event in the
    log is one of a guarded table or stream: the trail records no others.
    """
    return _all('$.eventCategory = "Data"', _outside(known))


def bulk_read(known: Iterable[str]) -> str:
    """Another identity than the `known` ones reads many items at once."""
    return _all('$.eventCategory = "Data"', _named(*READS), _outside(known))


def table_copied(tables: Sequence[Guarded]) -> str:
    """A table's items leave it whole: restored beside it, or sent to a stream of Kinesis."""
    here = _any(_called(tables), _asked(tables, "sourceTableName", "sourceTableArn"))
    return _all(_dynamodb("RestoreTableToPointInTime", "EnableKinesisStreamingDestination"), here)


def table_exported(tables: Sequence[Guarded], ordinary: Exports) -> str:
    """A table's items leave it whole: exported by another identity, or into another bucket, than a backfill does it."""
    foreign = _any(
        _outside((ordinary.role,)),
        f"{_BUCKET} NOT EXISTS",
        f'{_BUCKET} != "{ordinary.bucket}"',
    )
    return _all(_dynamodb("ExportTableToPointInTime"), _asked(tables, "tableArn"), foreign)


def long_term_key() -> str:
    """A key that does not expire is used, for whatever, by a user or by root."""
    return _all('$.userIdentity.accessKeyId = "AKIA*"')


def logging_stopped() -> str:
    """CloudTrail or AWS Config stops, by whomever, or is made to record less by another way than a deployment."""
    stopped = _named("StopLogging", "DeleteTrail", "StopConfigurationRecorder", "DeleteConfigurationRecorder")
    less = _all_of(_named("UpdateTrail", "PutEventSelectors", "DeleteConfigRule", "DeleteDeliveryChannel"), _BY_HAND)
    return _all(_any(stopped, less))


def _dynamodb(*events: str) -> str:
    return _all_of('$.eventSource = "dynamodb.amazonaws.com"', _named(*events))


def _named(*events: str) -> str:
    return _any(*(f'$.eventName = "{event}"' for event in events))


def _called(tables: Sequence[Guarded]) -> str:
    return _asked(tables, "tableName")


def _asked(tables: Sequence[Guarded], *fields: str) -> str:
    return _any(*(f'$.requestParameters.{field} = "*{table.name}"' for field in fields for table in tables))


def _outside(known: Iterable[str]) -> str:
    identity = "$.userIdentity.principalId"
    return _any(f"{identity} NOT EXISTS", _all_of(*(f'{identity} != "{role}:*"' for role in known)))


def _any(*terms: str) -> str:
    return terms[0] if len(terms) == 1 else f"({' || '.join(terms)})"


def _all_of(*terms: str) -> str:
    return f"({' && '.join(terms)})"


def _all(*terms: str) -> str:
    return f"{{ {' && '.join(terms)} }}"


_DEPLOYMENT: Final = "cloudformation.amazonaws.com"
_BY_HAND: Final = _any("$.userIdentity.invokedBy NOT EXISTS", f'$.userIdentity.invokedBy != "{_DEPLOYMENT}"')
"""Not by CloudFormation, which CloudTrail names by itself: no caller can claim it."""
