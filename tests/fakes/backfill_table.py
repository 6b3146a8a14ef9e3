"""A table in memory that a backfill reads and writes: scans in pages, conditional PartiQL updates, reads by key.

`before` and `after` are told of every call and may change the table, fail the call or end the program. `refuse` may
give a member of a batch its error instead of carrying it out. Every other engine detail is tested on the local cloud.
"""

from __future__ import annotations

import re
from collections import Counter
from copy import deepcopy
from threading import Lock
from typing import TYPE_CHECKING, Any
from zlib import crc32

from tests.fakes.messages_table import client_error

if TYPE_CHECKING:
    from collections.abc import Callable

TABLE = "things"
UPDATE = re.compile(r'UPDATE "things" SET "([^"]+)"=\? WHERE "pk"=\? AND "sk"=\? AND "([^"]+)" IS MISSING')

Key = tuple[str, str]
Item = dict[str, dict[str, Any]]


def key_of(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _segment(key: Key, request: dict[str, Any]) -> bool:
    """Whether a parallel scan finds the item in its segment: items of one partition are never apart."""
    return bool(crc32(key[0].encode()) % request.get("TotalSegments", 1) == request.get("Segment", 0))


class BackfillTable:
    """A DynamoDB client with one table of `items`, whose scans take at most `page` items at once."""

    def __init__(self, items: list[Item], *, page: int = 1_000, told: bool = True) -> None:
        """Where it is not `told`, errors of conditions hold no item."""
        self.items: dict[Key, Item] = {key_of(item): deepcopy(item) for item in items}
        self.calls: Counter[str] = Counter()
        self.updated: Counter[Key] = Counter()
        self.recovery = "ENABLED"
        self.description: dict[str, Any] = {
            "TableName": TABLE,
            "KeySchema": [{"AttributeName": "sk", "KeyType": "RANGE"}, {"AttributeName": "pk", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "seen")],
            "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
            "ItemCount": len(items),
        }
        self.before: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None
        self.after: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None
        self.refuse: Callable[[Key], str | None] = lambda _key: None
        self._page = page
        self._told = told
        self._lock = Lock()

    def describe_table(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803 - the API's own names
        if TableName != TABLE:
            raise client_error("ResourceNotFoundException", "DescribeTable")
        return {"Table": self.description}

    def describe_continuous_backups(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803
        assert TableName == TABLE
        status = {"PointInTimeRecoveryStatus": self.recovery}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": status}}

    def scan(self, **request: Any) -> dict[str, Any]:
        self._begin("scan", request)
        attribute = request.get("ExpressionAttributeNames", {}).get("#attribute")
        start = key_of(request["ExclusiveStartKey"]) if "ExclusiveStartKey" in request else ("", "")
        prefix = request.get("ExpressionAttributeValues", {}).get(":prefix", {"S": ""})["S"]
        with self._lock:
            keys = sorted(key for key in self.items if key > start and _segment(key, request))
            page = keys[: min(self._page, request.get("Limit", self._page))]
            found = [
                {"pk": {"S": key[0]}, "sk": {"S": key[1]}}
                for key in page
                if attribute not in self.items[key] and key[0].startswith(prefix)
            ]
            if attribute is None:
                found = deepcopy([self.items[key] for key in page])
        units = len(page) * (1.0 if request.get("ConsistentRead") else 0.5)
        answer: dict[str, Any] = {
            "Count": len(found),
            "ScannedCount": len(page),
            "ConsumedCapacity": {"CapacityUnits": units},
        }
        if request.get("Select") != "COUNT":
            answer["Items"] = found
        if len(keys) > len(page):
            answer["LastEvaluatedKey"] = {"pk": {"S": page[-1][0]}, "sk": {"S": page[-1][1]}}
        return self._end("scan", request, answer)

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        self._begin("batch_execute_statement", request)
        keys = [tuple(value["S"] for value in each["Parameters"][1:]) for each in request["Statements"]]
        if not 1 <= len(keys) <= 25 or len(set(keys)) < len(keys):
            raise client_error("ValidationException", "BatchExecuteStatement")
        with self._lock:
            responses = [self._update(statement) for statement in request["Statements"]]
        written = sum("Error" not in response for response in responses)
        consumed = [{"CapacityUnits": float(written)}] if written else []
        answer = {"Responses": responses, "ConsumedCapacity": consumed}
        return self._end("batch_execute_statement", request, answer)

    def _update(self, statement: dict[str, Any]) -> dict[str, Any]:
        match = UPDATE.fullmatch(statement["Statement"])
        assert match
        assert match[1] == match[2]
        value, pk, sk = statement["Parameters"]
        key = pk["S"], sk["S"]
        code = self.refuse(key)
        if code is not None:
            return {"Error": {"Code": code}}
        item = self.items.get(key)
        if item is None or match[1] in item:
            told = self._told and item is not None
            return {"Error": {"Code": "ConditionalCheckFailed"} | ({"Item": deepcopy(item)} if told else {})}
        item[match[1]] = value
        self.updated[key] += 1
        return {"TableName": TABLE}

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        self._begin("batch_get_item", request)
        wanted = request["RequestItems"][TABLE]
        assert wanted["ConsistentRead"] is True
        names = set(wanted["ExpressionAttributeNames"].values())
        found = [self.items[key_of(key)] for key in wanted["Keys"] if key_of(key) in self.items]
        shown = [{name: value for name, value in item.items() if name in names} for item in found]
        return self._end("batch_get_item", request, {"Responses": {TABLE: shown}, "UnprocessedKeys": {}})

    def _begin(self, name: str, request: dict[str, Any]) -> None:
        self.calls[name] += 1
        self.before(name, request)

    def _end(self, name: str, request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        self.after(name, request)
        return answer


class Clock:
    """Seconds that pass only while somebody sleeps; the sleepers of a moment sleep side by side."""

    def __init__(self) -> None:
        self.now = 0.0
        self._lock = Lock()

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        until = self.now + seconds
        with self._lock:
            self.now = max(self.now, until)
