"""Whether a table may be backfilled, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.errors import InvalidInput, RecoveryOff
from switchboard.backfill.job import SetAttribute, Table, checked_value, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

_SHARE_OF_PROVISIONED: Final = 0.5
"""What a backfill may take of a provisioned table or index: the rest is the writers' and readers'."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The job, its units per second, and the table's size when AWS last counted (every six hours or so).

    `most_…` units are half of what the weakest provisioned table or index has; None where everything is on demand.
    """

    job: SetAttribute
    write_units: float
    read_units: float
    items: int
    table_bytes: int = 0
    most_write_units: float | None = None
    most_read_units: float | None = None


def planned(
    client: DynamoDBClient,
    table: str,
    *,
    attribute: str,
    value: Any,
    prefix: str | None,
    max_write_units: float,
    max_read_units: float,
) -> Plan:
    """The plan of a `set_attribute`, its units at most half of the weakest provisioned table or index.

    Raises `Refused`: `InvalidInput` for an attribute that is a key or cannot be quoted, a value that cannot be stored,
    a prefix of a key that is no text, a binary key; `RecoveryOff` without point-in-time recovery, which alone could
    take back a mistake. Raises what the client raises.
    """
    stored = checked_value(value)
    description: Any = client.describe_table(TableName=table)["Table"]
    job = SetAttribute(_checked(description, attribute), attribute, stored, prefix)
    if prefix is not None and _kinds(description)[job.table.key_names[0]] != "S":
        raise InvalidInput("prefix: expected a table whose partition key is text: leave the prefix out")
    require_recovery(client, table)
    most_write, most_read = most_units(description)
    return Plan(
        job,
        max_write_units if most_write is None else min(max_write_units, most_write),
        max_read_units if most_read is None else min(max_read_units, most_read),
        description.get("ItemCount", 0),
        description.get("TableSizeBytes", 0),
        most_write,
        most_read,
    )


def require_recovery(client: DynamoDBClient, table: str) -> None:
    """Raise `RecoveryOff` unless the table's point-in-time recovery is on; raises what the client raises."""
    recovery: Any = client.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    if recovery.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") != "ENABLED":
        raise RecoveryOff("table: expected point-in-time recovery to be on: switch it on, and start again")


def most_units(description: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Write and read units per second that a backfill may take of a table as `DescribeTable` describes it.

    Half of what is provisioned, of the weakest of table and indexes for writes; None for both where it is on demand.
    """
    if description.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
        return None, None
    parts = (description, *description.get("GlobalSecondaryIndexes", ()))
    writes = min(float(part["ProvisionedThroughput"]["WriteCapacityUnits"]) for part in parts)
    return _SHARE_OF_PROVISIONED * writes, _SHARE_OF_PROVISIONED * float(
        description["ProvisionedThroughput"]["ReadCapacityUnits"]
    )


def described(client: DynamoDBClient, table: str, attribute: str) -> Table:
    """The table's key, where `attribute` may be one of its attributes.

    Raises `Refused` (`InvalidInput`) for an attribute that is a key or cannot be quoted, and what the client raises.
    """
    return _checked(client.describe_table(TableName=table)["Table"], attribute)


def _checked(description: Any, attribute: str) -> Table:
    quoted(attribute)
    kinds = _kinds(description)
    if attribute in kinds:
        raise InvalidInput("attribute: expected one that is no key of the table or of an index: name another")
    keys = sorted(description["KeySchema"], key=lambda key: str(key["KeyType"]))  # HASH, RANGE
    names = tuple(key["AttributeName"] for key in keys)
    if any(kinds[name] == "B" for name in names):
        raise InvalidInput("table: expected keys of text or numbers: binary keys are not supported")
    return Table(description["TableName"], names)


def _kinds(description: Mapping[str, Any]) -> dict[str, str]:
    """Types by name; a table defines exactly those attributes that are keys of it or of an index."""
    return {each["AttributeName"]: each["AttributeType"] for each in description["AttributeDefinitions"]}
