"""The items of the runs table: read strongly consistent, changed under conditions, each request safe to repeat."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from botocore.exceptions import ClientError

from switchboard.backfill.errors import systemic
from switchboard.dynamo.batch_get import Unread, batch_get
from switchboard.dynamo.rounds import Refusal
from switchboard.dynamo.values import from_item, to_attribute
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.waiting import Waiting

Answer = TypeVar("Answer")
ItemKey = tuple[str, str]
"""Partition key and sort key."""

_CONDITION: Final = "ConditionalCheckFailed"
_CONDITION_EXCEPTION: Final = "ConditionalCheckFailedException"
_CANCELED: Final = "TransactionCanceledException"


class Stale(Exception):  # noqa: N818 - it names the state of what was known
    """A condition failed: the items are no longer as they were read. Nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An update of one item, made where it is missing: what is `put`, what is `removed`, and under which condition.

    `when` is a condition expression with `#name` for an attribute and `:name` for one of `values`. `plus` adds to a
    number that is there.
    """

    key: ItemKey
    put: Mapping[str, Any] = field(default_factory=dict)
    plus: Mapping[str, int] = field(default_factory=dict)
    removed: Sequence[str] = ()
    when: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def request(self, table: str) -> dict[str, Any]:
        """The change as `UpdateItem` and `TransactWriteItems` take it."""
        sets = [*(f"#{name} = :{name}" for name in self.put), *(f"#{name} = #{name} + :{name}" for name in self.plus)]
        clauses = [f"SET {', '.join(sets)}"] if sets else []
        if self.removed:
            clauses.append(f"REMOVE {', '.join(f'#{name}' for name in self.removed)}")
        values = {**self.put, **self.plus, **self.values}
        named = {*self.put, *self.plus, *self.removed, *_names(self.when)}
        request: dict[str, Any] = {
            "TableName": table,
            "Key": _key(self.key),
            "UpdateExpression": " ".join(clauses),
            "ExpressionAttributeNames": {f"#{name}": name for name in sorted(named)},
            "ExpressionAttributeValues": {f":{name}": to_attribute(value) for name, value in values.items()},
        }
        return {**request, "ConditionExpression": self.when} if self.when else request


class RunsStore:
    """The runs table by its keys. Every request is tried again while DynamoDB is busy; raises `Systemic` where not."""

    def __init__(self, client: DynamoDBClient, table: str, *, waiting: Waiting) -> None:
        self._client = client
        self._table = table
        self._waiting = waiting

    def get(self, keys: Sequence[ItemKey], names: Sequence[str]) -> dict[ItemKey, dict[str, Any]]:
        """The attributes `names` of those items that exist."""
        found = self._patiently(
            lambda: list(
                batch_get(
                    self._client,
                    self._table,
                    [_key(key) for key in keys],
                    attributes=(runs.PK, runs.SK, *names),
                    budget=self._waiting.patience(),
                )
            )
        )
        items = map(from_item, found)
        return {(item[runs.PK], item[runs.SK]): item for item in items}

    def partition(self, partition_key: str) -> list[dict[str, Any]]:
        """All items of a partition, in the order of their sort keys."""
        found: list[dict[str, Any]] = []
        start: dict[str, Any] = {}
        while True:
            page = self._patiently(partial(self._query, partition_key, start))
            found += [from_item(item) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                return found
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def _query(self, partition_key: str, start: Mapping[str, Any]) -> Any:
        return self._client.query(
            TableName=self._table,
            KeyConditionExpression="#pk = :pk",
            ExpressionAttributeNames={"#pk": runs.PK},
            ExpressionAttributeValues={":pk": {"S": partition_key}},
            ConsistentRead=True,
            **start,
        )

    def apply(self, *changes: Change) -> None:
        """Make all changes, or none. Raises `Stale`, also where an attempt succeeded whose answer was lost."""
        requests: list[Any] = [change.request(self._table) for change in changes]
        if len(requests) == 1:
            self._patiently(lambda: self._client.update_item(**requests[0]))
        else:
            updates: list[Any] = [{"Update": request} for request in requests]
            self._patiently(lambda: self._client.transact_write_items(TransactItems=updates))

    def _patiently(self, call: Callable[[], Answer]) -> Answer:
        budget = self._waiting.patience()
        attempt = 0
        while True:
            try:
                with systemic():
                    return call()
            except ClientError as error:
                if _stale(error):
                    raise Stale from None
                if not _busy(error) or budget.spent():
                    raise
            except Unread:
                if budget.spent():
                    raise
            budget.pause(attempt)
            attempt += 1


def _stale(error: ClientError) -> bool:
    return error.response["Error"]["Code"] == _CONDITION_EXCEPTION or _CONDITION in _reasons(error)


def _busy(error: ClientError) -> bool:
    code = error.response["Error"]["Code"]
    if code != _CANCELED:
        return Refusal(code).transient
    return all(reason == "None" or Refusal(reason).transient for reason in _reasons(error))


def _reasons(error: ClientError) -> list[str]:
    found: Any = error.response.get("CancellationReasons", ())
    return [reason["Code"] for reason in found]


def _key(key: ItemKey) -> dict[str, Any]:
    return {runs.PK: {"S": key[0]}, runs.SK: {"S": key[1]}}


def _names(condition: str) -> set[str]:
    words = condition.replace("(", " ").replace(")", " ").replace(",", " ").split()
    return {word.removeprefix("#") for word in words if word.startswith("#")}
