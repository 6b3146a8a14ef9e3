"""Tables built from blueprints, each step only where it is still missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cli import direct
from cli.errors import Code, Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.blueprints import Blueprint

PAUSE_SECONDS: Final = 1.0
PATIENCE: Final = 300
"""How often a table is asked whether it is ready: five minutes on AWS, where one takes seconds."""

_UNSUPPORTED: Final = frozenset({"UnknownOperationException", "UnknownOperation", "NotImplemented", "501"})
_ON: Final = frozenset({"ENABLED", "ENABLING"})


@dataclass(frozen=True, slots=True)
class Built:
    """What became of a table: whether it is new, whether it is another one than the template's, what is lacking."""

    created: bool
    differs: bool = False
    unsupported: tuple[str, ...] = ()


def describe(client: Any, table: str) -> dict[str, Any] | None:
    """The table as `DescribeTable` describes it; None where there is none."""
    try:
        described: dict[str, Any] = client.describe_table(TableName=table)["Table"]
    except ClientError as error:
        if direct.is_missing(error):
            return None
        raise
    return described


def build(client: Any, blueprint: Blueprint, *, sleep: Callable[[float], None]) -> Built:
    """Create the table where there is none, and turn on its TTL and recovery where they are off.

    What was interrupted is completed by a repetition. A table of other keys or indexes is left alone. Raises `Failure`
    (unavailable) where the table is not ready in time.
    """
    described = describe(client, blueprint.name)
    if described is None:
        client.create_table(**blueprint.request)
        _wait_until(lambda: _is_ready(describe(client, blueprint.name)), sleep)
    elif blueprint.differs_from(described):
        return Built(created=False, differs=True)
    lacking = []
    if blueprint.ttl_attribute and not _attempted(lambda: _expire(client, blueprint)):
        lacking.append("expiry (TTL)")
    if blueprint.recoverable and not _attempted(lambda: _recover(client, blueprint)):
        lacking.append("point-in-time recovery")
    return Built(created=described is None, unsupported=tuple(lacking))


def drop(client: Any, table: str, *, sleep: Callable[[float], None]) -> None:
    """Delete a table and wait until it is gone. Raises `Failure` (unavailable) where that takes too long."""
    client.delete_table(TableName=table)
    _wait_until(lambda: describe(client, table) is None, sleep)


def _expire(client: Any, blueprint: Blueprint) -> None:
    set_to = client.describe_time_to_live(TableName=blueprint.name)["TimeToLiveDescription"]
    if set_to.get("TimeToLiveStatus") not in _ON:
        wanted = {"Enabled": True, "AttributeName": blueprint.ttl_attribute}
        client.update_time_to_live(TableName=blueprint.name, TimeToLiveSpecification=wanted)


def _recover(client: Any, blueprint: Blueprint) -> None:
    backups = client.describe_continuous_backups(TableName=blueprint.name)["ContinuousBackupsDescription"]
    status = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus")
    if status not in _ON:
        wanted = {"PointInTimeRecoveryEnabled": True}
        client.update_continuous_backups(TableName=blueprint.name, PointInTimeRecoverySpecification=wanted)


def _attempted(step: Callable[[], None]) -> bool:
    """Whether the engine knows this at all."""
    try:
        step()
    except ClientError as error:
        if error.response["Error"]["Code"] in _UNSUPPORTED:
            return False
        raise
    return True


def _is_ready(described: dict[str, Any] | None) -> bool:
    if described is None or described["TableStatus"] != "ACTIVE":
        return False
    return all(index.get("IndexStatus", "ACTIVE") == "ACTIVE" for index in described.get("GlobalSecondaryIndexes", []))


def _wait_until(holds: Callable[[], bool], sleep: Callable[[float], None]) -> None:
    for _ in range(PATIENCE):
        if holds():
            return
        sleep(PAUSE_SECONDS)
    raise Failure(Code.UNAVAILABLE, "The table is not ready yet.", remedy="Run the same command again in a moment.")
