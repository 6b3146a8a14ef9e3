"""The messages table: single items, pages and transactions, each request safe to repeat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from switchboard.dynamo.batch_get import batch_get
from switchboard.dynamo.values import from_item, to_attribute
from switchboard.messages.errors import throttled
from switchboard.messages.keys import Key
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.dynamo.budget import Budget
    from switchboard.dynamo.values import AttributeValue

ATTEMPTS: Final = 8
"""How often a write that meets others is begun: each of two colliding writers is done after two."""

FOLLOWING_PAGE: Final = 100
"""Items that a query reads at once after its first page."""

CONDITION_FAILED: Final = "ConditionalCheckFailed"
_CONDITION_FAILED_EXCEPTION: Final = "ConditionalCheckFailedException"
_CONFLICT_EXCEPTION: Final = "TransactionConflictException"
_CANCELED_EXCEPTION: Final = "TransactionCanceledException"
_DECIDED: Final = frozenset(
    {"None", CONDITION_FAILED, "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}
)
"""Reasons after which the table may be read again and the transaction begun anew; any other is a fault of ours."""
_BUSY: Final = frozenset(
    {
        _CONFLICT_EXCEPTION,
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "TransactionInProgressException",
    }
)

ABSENT: Final = f"attribute_not_exists({schema.PK})"
PRESENT: Final = f"attribute_exists({schema.PK})"


class Canceled(Exception):  # noqa: N818 - DynamoDB's own word for it
    """A transaction was canceled, and nothing of it written: its conditions failed, or it met others.

    `reasons` holds a code for each of its actions, in their order (API reference of TransactWriteItems).
    """

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("the transaction was canceled")
        self.reasons = tuple(reasons)


def busy(error: ClientError) -> bool:
    """Whether an error says that the same request may succeed later."""
    return error.response["Error"]["Code"] in _BUSY


class MessagesTable:
    """Requests to one messages table within the time of one call."""

    def __init__(self, client: DynamoDBClient, name: str, *, budget: Budget) -> None:
        self.client = client
        self.name = name
        self.budget = budget
        self.consumed_read_units = 0.0
        """Read capacity units of the items and pages so far, as DynamoDB reports them."""

    def get(self, key: Key) -> dict[str, Any] | None:
        """The item as Python values, or None; strongly consistent."""
        answer = self.client.get_item(
            TableName=self.name, Key=key.attributes(), ConsistentRead=True, ReturnConsumedCapacity="TOTAL"
        )
        self._count(answer)
        return from_item(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Sequence[Key], attributes: Sequence[str]) -> dict[Key, dict[str, Any]]:
        """Those of the items that exist, with these attributes; strongly consistent. Raises `Unread`."""
        found = batch_get(
            self.client,
            self.name,
            [key.attributes() for key in keys],
            attributes=(schema.PK, schema.SK, *attributes),
            budget=self.budget,
        )
        items = map(from_item, found)
        return {Key(item[schema.PK], item[schema.SK]): item for item in items}

    def query(self, request: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Every page of a query, `TableName` added. A page is asked for when it is needed.

        A `Limit` is the first page's. Where that was not enough, most of what is read is being filtered out, so pages
        that follow are at least `FOLLOWING_PAGE` long. Raises `Refused` (`throttled`) where a further page is needed
        and there is no time left for it.
        """
        following: dict[str, Any] = {}
        while True:
            page: Mapping[str, Any] = self.client.query(
                TableName=self.name, ReturnConsumedCapacity="TOTAL", **{**request, **following}
            )
            self._count(page)
            yield page
            if "LastEvaluatedKey" not in page:
                return
            if self.budget.spent():
                raise throttled()
            following = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
            if "Limit" in request:
                following["Limit"] = max(request["Limit"], FOLLOWING_PAGE)

    def put_new(self, item: Mapping[str, AttributeValue]) -> bool:
        """Create an item; False where there is one with its key."""
        return self._once(self.client.put_item, Item=item, ConditionExpression=ABSENT)

    def update(self, key: Key, **request: Any) -> bool:
        """Change an item as the other parameters of `UpdateItem` say; False where its condition fails."""
        return self._once(self.client.update_item, Key=key.attributes(), **request)

    def write_together(self, actions: Sequence[Mapping[str, Any]]) -> None:
        """Write all or nothing: actions of `TransactWriteItems`, `TableName` added to each. Raises `Canceled`."""
        named = [{kind: {"TableName": self.name, **action} for kind, action in single.items()} for single in actions]
        try:
            self.client.transact_write_items(TransactItems=named)  # type: ignore[arg-type]  # built above
        except ClientError as error:
            reasons = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", ())]
            if error.response["Error"]["Code"] != _CANCELED_EXCEPTION or not _DECIDED.issuperset(reasons):
                raise
            raise Canceled(reasons) from error

    def attempts(self) -> Iterator[None]:
        """Rounds of reading and writing until one succeeds or the time is up; a pause lies between two."""
        yield
        for retry in range(ATTEMPTS - 1):
            if self.budget.spent():
                return
            self.budget.pause(retry)
            yield

    def _count(self, answer: Mapping[str, Any]) -> None:
        self.consumed_read_units += answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0)

    def _once(self, call: Callable[..., object], **request: Any) -> bool:
        for _ in self.attempts():
            try:
                call(TableName=self.name, **request)
            except ClientError as error:
                code = error.response["Error"]["Code"]
                if code == _CONDITION_FAILED_EXCEPTION:
                    return False
                if code != _CONFLICT_EXCEPTION:
                    raise
            else:
                return True
        raise throttled()


def put(key: Key, attributes: Mapping[str, Any], condition: str, **values: Any) -> dict[str, Any]:
    """A `Put` of a transaction; attributes that are None are left out. `values` are the condition's, without colons."""
    return {"Put": {"Item": item(key, attributes), "ConditionExpression": condition, **_named(values)}}


def delete(key: Key, condition: str, **values: Any) -> dict[str, Any]:
    """A `Delete` of a transaction."""
    return {"Delete": {"Key": key.attributes(), "ConditionExpression": condition, **_named(values)}}


def check(key: Key, condition: str, **values: Any) -> dict[str, Any]:
    """A `ConditionCheck` of a transaction."""
    return {"ConditionCheck": {"Key": key.attributes(), "ConditionExpression": condition, **_named(values)}}


def item(key: Key, attributes: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """An item in DynamoDB's JSON form. Attributes that are None are left out; a frozenset is a set of texts."""
    written = {name: _attribute(value) for name, value in attributes.items() if value is not None}
    return {**key.attributes(), **written}


def _attribute(value: Any) -> AttributeValue:
    return {"SS": sorted(value)} if isinstance(value, frozenset) else to_attribute(value)


def _named(values: Mapping[str, Any]) -> dict[str, Any]:
    named = {f":{name}": to_attribute(value) for name, value in values.items()}
    return {"ExpressionAttributeValues": named} if named else {}
