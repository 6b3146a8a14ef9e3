"""The messages table in memory: small enough for thousands of schedules, strict enough to trust them.

Every call is announced to `before` and `after`, which a test replaces to fail a call, to end the program or to let
another program run; every write goes to `stream` and its cost to `write_units`. `tests/unit/fakes` holds it to moto.
"""

from __future__ import annotations

from collections import Counter
from copy import deepcopy
from threading import Lock
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from switchboard.schema import messages as schema
from tests.fakes.expressions import Item, holds, updated
from tests.models.capacity import check_units, failed_units, transaction_units, write_units

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "messages"
INDEX_KEYS = (schema.INBOX_USER, schema.LAST_MESSAGE_SK)


def client_error(code: str, operation: str = "Call", **details: Any) -> ClientError:
    """The exception botocore raises for an error `code`."""
    response: Any = {"Error": {"Code": code, "Message": code}, **details}
    return ClientError(response, operation)


class MessagesTable:
    """A DynamoDB client whose only table is the messages table."""

    def __init__(self) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.stream: list[dict[str, Any]] = []
        self.calls: Counter[str] = Counter()
        self.write_units = 0
        self._lock = Lock()
        self.before: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None
        self.after: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None

    def put(self, *items: Item) -> None:
        """Write items as somebody else, outside the program under test: streamed and charged, not counted as calls."""
        for item in items:
            self._write(_key(item), deepcopy(item))

    def get_item(self, **request: Any) -> dict[str, Any]:
        self._begin("get_item", request)
        item = self.items.get(_key(request["Key"]))
        return self._end("get_item", request, {"Item": _projected(item, request)} if item else {})

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        self._begin("batch_get_item", request)
        wanted = request["RequestItems"][TABLE]
        keys = [_key(key) for key in wanted["Keys"]]
        if not 1 <= len(keys) <= 100 or len(set(keys)) < len(keys):
            raise client_error("ValidationException", "BatchGetItem")
        found = [_projected(self.items[key], wanted) for key in keys if key in self.items]
        return self._end("batch_get_item", request, {"Responses": {TABLE: found}, "UnprocessedKeys": {}})

    def put_item(self, **request: Any) -> dict[str, Any]:
        self._begin("put_item", request)
        key = _key(request["Item"])
        with self._lock:
            before = self.items.get(key)
            if not holds(request.get("ConditionExpression"), before, request):
                self.write_units += failed_units(before)
                raise client_error("ConditionalCheckFailedException", "PutItem")
            self._write(key, deepcopy(request["Item"]))
        return self._end("put_item", request, {})

    def update_item(self, **request: Any) -> dict[str, Any]:
        self._begin("update_item", request)
        key = _key(request["Key"])
        with self._lock:
            before = self.items.get(key)
            if not holds(request.get("ConditionExpression"), before, request):
                self.write_units += failed_units(before)
                raise client_error("ConditionalCheckFailedException", "UpdateItem")
            self._write(key, _updated(before, request))
        return self._end("update_item", request, {})

    def query(self, **request: Any) -> dict[str, Any]:
        self._begin("query", request)
        indexed = request.get("IndexName") == schema.INBOX_BY_RECENCY
        assert bool(request.get("ConsistentRead")) is not indexed, "only an index is read without strong consistency"
        condition = request["KeyConditionExpression"]
        keys = [key for key, item in sorted(self.items.items()) if holds(condition, item, request)]
        if indexed:
            keys = sorted((key for key in keys if INDEX_KEYS[1] in self.items[key]), key=self._recency)
        return self._end("query", request, self._page(keys, request))

    def scan(self, **request: Any) -> dict[str, Any]:
        self._begin("scan", request)
        return self._end("scan", request, self._page(sorted(self.items), request))

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        self._begin("transact_write_items", request)
        actions = [next(iter(action.items())) for action in request["TransactItems"]]
        keys = [_key(body["Item"] if kind == "Put" else body["Key"]) for kind, body in actions]
        if len(set(keys)) < len(keys) or len(keys) > 100:
            raise client_error("ValidationException", "TransactWriteItems")
        held = [
            holds(body.get("ConditionExpression"), self.items.get(key), body)
            for key, (_, body) in zip(keys, actions, strict=True)
        ]
        if not all(held):
            reasons = [{"Code": "None" if good else "ConditionalCheckFailed"} for good in held]
            raise client_error("TransactionCanceledException", "TransactWriteItems", CancellationReasons=reasons)
        for key, (kind, body) in zip(keys, actions, strict=True):
            if kind == "ConditionCheck":
                self.write_units += check_units(self.items.get(key))
            elif kind == "Put":
                self._write(key, body["Item"], cost=transaction_units)
            elif kind == "Update":
                self._write(key, _updated(self.items.get(key), body), cost=transaction_units)
            elif kind == "Delete":
                self._write(key, None, cost=transaction_units)
        return self._end("transact_write_items", request, {})

    def _begin(self, name: str, request: dict[str, Any]) -> None:
        self.calls[name] += 1
        self.before(name, request)

    def _end(self, name: str, request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        self.after(name, request)
        return deepcopy(answer)

    def _page(self, keys: list[tuple[str, str]], request: dict[str, Any]) -> dict[str, Any]:
        forward = request.get("ScanIndexForward", True)
        place = self._recency if "IndexName" in request else _identity
        if not forward:
            keys.reverse()
        if "ExclusiveStartKey" in request:
            # The start need not exist any more: what counts is where it would stand.
            start = self._start(request["ExclusiveStartKey"])
            keys = [key for key in keys if (place(key) > start if forward else place(key) < start)]
        page = keys[: request.get("Limit", len(keys))]
        found = [item for key in page if holds(request.get("FilterExpression"), item := self.items[key], request)]
        answer: dict[str, Any] = {"Count": len(found), "ScannedCount": len(page)}
        if request.get("Select") != "COUNT":
            answer["Items"] = [_projected(item, request) for item in found]
        if page and len(page) < len(keys):
            names = (schema.PK, schema.SK, *(INDEX_KEYS if "IndexName" in request else ()))
            answer["LastEvaluatedKey"] = {name: self.items[page[-1]][name] for name in names}
        return answer

    def _recency(self, key: tuple[str, str]) -> tuple[str, ...]:
        return (self.items[key][schema.LAST_MESSAGE_SK]["S"], *key)

    @staticmethod
    def _start(start: Item) -> tuple[str, ...]:
        newest = start.get(schema.LAST_MESSAGE_SK)
        return (newest["S"], *_key(start)) if newest else _key(start)

    def _write(
        self,
        key: tuple[str, str],
        after: Item | None,
        cost: Callable[[Item | None, Item | None], int] = write_units,
    ) -> None:
        before = self.items.pop(key, None)
        if after is not None:
            if any(after.get(name, {"S": "-"}) == {"S": ""} for name in INDEX_KEYS):
                raise client_error("ValidationException", "Write")
            self.items[key] = after
        self.write_units += cost(before, after)
        if before != after:
            self.stream.append(_record(len(self.stream) + 1, key, before, after))


def _identity(key: tuple[str, str]) -> tuple[str, ...]:
    return key


def _key(item: Item) -> tuple[str, str]:
    return item[schema.PK]["S"], item[schema.SK]["S"]


def _updated(before: Item | None, request: dict[str, Any]) -> Item:
    return updated(request["UpdateExpression"], before or dict(request["Key"]), request)


def _projected(item: Item, request: dict[str, Any]) -> Item:
    expression = request.get("ProjectionExpression")
    if expression is None:
        return item
    names = request.get("ExpressionAttributeNames", {})
    wanted = [names.get(part.strip(), part.strip()) for part in expression.split(",")]
    return {name: item[name] for name in wanted if name in item}


def _record(number: int, key: tuple[str, str], before: Item | None, after: Item | None) -> dict[str, Any]:
    change: dict[str, Any] = {
        "ApproximateCreationDateTime": 1_795_000_000 + number,
        "Keys": {schema.PK: {"S": key[0]}, schema.SK: {"S": key[1]}},
        "SequenceNumber": f"{number:021d}",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if before is not None:
        change["OldImage"] = before
    if after is not None:
        change["NewImage"] = after
    name = "INSERT" if before is None else "REMOVE" if after is None else "MODIFY"
    return {"eventID": f"{number:032x}", "eventName": name, "eventSource": "aws:dynamodb", "dynamodb": change}
