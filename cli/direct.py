"""Tables that a command reads and writes itself: what they are called, and what that consumes."""

from __future__ import annotations

import random
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cli import output
from cli.asking import failure_of_domain
from cli.errors import Code, Failure
from switchboard.dynamo.batch_get import Unread
from switchboard.dynamo.budget import Budget
from switchboard.messages.errors import Refused, throttled
from switchboard.messages.table import MessagesTable
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cli.session import Target
    from cli.tools import Tools

READS: Final = frozenset({"get_item", "batch_get_item", "query", "scan"})
WRITES: Final = frozenset({"put_item", "update_item", "delete_item", "transact_write_items"})

_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{3,255}|arn:[^\s]+:table/[A-Za-z0-9_.-]{3,255}")
"""What DynamoDB takes for `TableName` (API reference, DescribeTable): a name, or the ARN of a table of any account."""

MESSAGES: Final = "messages"
"""The short name of the messages table."""


@dataclass(slots=True)
class Consumed:
    """Capacity units so far."""

    units: dict[str, float] = field(default_factory=lambda: {"read": 0.0, "write": 0.0})

    def add(self, kind: str, reported: Any) -> None:
        """Count what an answer reports: one `ConsumedCapacity`, a list of them, or nothing."""
        for each in reported if isinstance(reported, list) else [reported] if reported else []:
            self.units[kind] += each["CapacityUnits"]

    def say(self) -> None:
        """Tell what was consumed."""
        parts = [f"{units:g} {kind}" for kind, units in self.units.items() if units]
        output.say(f"Consumed {' and '.join(parts) or 'no'} capacity units.")


class Metered:
    """A DynamoDB client whose reads and writes are added up. Failed conditions are charged and not reported."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.consumed = Consumed()

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        kind = "read" if name in READS else "write" if name in WRITES else None
        return call if kind is None else self._metered(call, kind)

    def _metered(self, call: Callable[..., Any], kind: str) -> Callable[..., Any]:
        def metered(**request: Any) -> Any:
            answer = call(**{**request, "ReturnConsumedCapacity": "TOTAL"})
            self.consumed.add(kind, answer.get("ConsumedCapacity"))
            return answer

        return metered


def table_name(target: Target, table: str) -> str:
    """What a table is called there: by its short name as published or as built without a deployment; else `table`.

    Raises `Failure` (usage) for what can be no table's name.
    """
    if table not in deployment.TABLE_PATHS:
        if not _NAME.fullmatch(table):
            raise Failure(
                Code.USAGE,
                "That cannot be a table's name: 3 to 255 characters of a-z, A-Z, 0-9 and _ . -",
                remedy=f"Give {', '.join(deployment.TABLE_PATHS)}, or a table's exact name.",
            )
        return table
    published = target.published(deployment.TABLE_PATHS[table])
    return published or deployment.table_name(target.stage, table)


def messages_table(target: Target, tools: Tools) -> tuple[MessagesTable, Consumed]:
    """The messages table for as long as the command runs, and what that consumes."""
    client = Metered(target.client("dynamodb"))
    budget = Budget(remaining_seconds=lambda: float("inf"), sleep=tools.sleep, jitter=random.SystemRandom().random)
    table: Any = client
    return MessagesTable(table, table_name(target, MESSAGES), budget=budget), client.consumed


@contextmanager
def on_messages() -> Iterator[None]:
    """Work of the messages domain in this command: what it refuses becomes a `Failure`."""
    try:
        yield
    except Refused as refused:
        raise failure_of_domain(refused) from refused
    except Unread as unread:
        raise failure_of_domain(throttled()) from unread
    except ClientError as error:
        raise no_table(MESSAGES) if is_missing(error) else error from error


def is_missing(error: ClientError) -> bool:
    """Whether AWS says that there is no such table."""
    return bool(error.response["Error"]["Code"] == "ResourceNotFoundException")


def no_table(table: str) -> Failure:
    """The end of a command whose table is not there."""
    known = ", ".join(deployment.TABLE_PATHS)
    return Failure(
        Code.NOT_FOUND,
        "There is no such table there.",
        remedy=f"Give {known}, or a table's exact name."
        if table not in deployment.TABLE_PATHS
        else "Deploy the stage, or build its tables: switchboard schema load",
    )
