"""An old table and the CDR table in memory, as an import uses them: scans, PartiQL inserts, reads by key.

`before` and `after` are told of every call and may change the tables, fail the call or end the program. `refuse` may
give a member of a batch of inserts its error. What else the engine does is tested on the local cloud.
"""

from __future__ import annotations

import re
from collections import Counter
from copy import deepcopy
from threading import Lock
from typing import TYPE_CHECKING, Any
from zlib import crc32

from switchboard.dynamo.values import MAX_LEVELS
from tests.fakes.messages_table import client_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

OLD = "old-table"
CDR = "cdr-table"

_INSERT = re.compile(r'INSERT INTO "cdr-table" VALUE \{(?P<pairs>.+)\}')
_PAIR = re.compile(r"'(?P<name>[a-z_]+)': \?")

Key = tuple[str, str]
Item = dict[str, dict[str, Any]]


def old_key(item: Mapping[str, Any]) -> Key:
    return item["timestamp"]["N"], item["sponsor_id"]["S"]


def cdr_key(item: Mapping[str, Any]) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


class LegacyTables:
    """A DynamoDB client with the items of an old table and an empty CDR table."""

    def __init__(self, items: Iterable[Item]) -> None:
        self.old: dict[Key, Item] = {old_key(item): deepcopy(item) for item in items}
        self.cdr: dict[Key, Item] = {}
        self.calls: Counter[str] = Counter()
        self.scans: list[dict[str, Any]] = []
        self.before: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None
        self.after: Callable[[str, dict[str, Any]], None] = lambda _name, _request: None
        self.refuse: Callable[[Key], str | None] = lambda _key: None
        self.order: Callable[[Key], Any] = lambda key: crc32("#".join(key).encode())
        self._lock = Lock()

    def scan(self, **request: Any) -> dict[str, Any]:
        assert request["TableName"] == OLD
        self._begin("scan", request)
        self.scans.append(request)
        segment, of = request.get("Segment", 0), request.get("TotalSegments", 1)
        keys = sorted((key for key in self.old if crc32(key[0].encode()) % of == segment), key=self.order)
        if "ExclusiveStartKey" in request:
            start = self.order(old_key(request["ExclusiveStartKey"]))
            keys = [key for key in keys if self.order(key) > start]
        page = keys[: request["Limit"]]
        units = len(page) * (1.0 if request.get("ConsistentRead") else 0.5)
        answer: dict[str, Any] = {
            "Items": [deepcopy(self.old[key]) for key in page],
            "Count": len(page),
            "ScannedCount": len(page),
            "ConsumedCapacity": {"CapacityUnits": units},
        }
        if len(keys) > len(page):
            answer["LastEvaluatedKey"] = {"timestamp": {"N": page[-1][0]}, "sponsor_id": {"S": page[-1][1]}}
        return self._end("scan", request, answer)

    def batch_execute_statement(self, **request: Any) -> dict[str, Any]:
        self._begin("batch_execute_statement", request)
        items = [_parsed(statement) for statement in request["Statements"]]
        if not 1 <= len(items) <= 25 or len(set(map(cdr_key, items))) < len(items):
            raise client_error("ValidationException", "BatchExecuteStatement")
        with self._lock:
            responses = [self._insert(item) for item in items]
        written = sum("Error" not in response for response in responses)
        consumed = [{"CapacityUnits": 3.0 * written}] if written else []
        return self._end("batch_execute_statement", request, {"Responses": responses, "ConsumedCapacity": consumed})

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        self._begin("batch_get_item", request)
        wanted = request["RequestItems"][CDR]
        assert wanted["ConsistentRead"] is True
        keys = list(map(cdr_key, wanted["Keys"]))
        if not 1 <= len(keys) <= 100 or len(set(keys)) < len(keys):
            raise client_error("ValidationException", "BatchGetItem")
        names = set(wanted.get("ExpressionAttributeNames", {}).values())
        with self._lock:
            found = [deepcopy(self.cdr[key]) for key in keys if key in self.cdr]
        if names:
            found = [{name: value for name, value in item.items() if name in names} for item in found]
        answer = {
            "Responses": {CDR: found},
            "UnprocessedKeys": {},
            "ConsumedCapacity": [{"CapacityUnits": float(len(keys))}],
        }
        return self._end("batch_get_item", request, answer)

    def _insert(self, item: Item) -> dict[str, Any]:
        key = cdr_key(item)
        code = self.refuse(key)
        if code is not None:
            return {"Error": {"Code": code}}
        if max(map(_levels, item.values())) > MAX_LEVELS:
            return {"Error": {"Code": "ValidationError"}}
        if key in self.cdr:
            return {"Error": {"Code": "DuplicateItem"}}
        self.cdr[key] = deepcopy(item)
        return {"TableName": CDR}

    def _begin(self, name: str, request: dict[str, Any]) -> None:
        self.calls[name] += 1
        self.before(name, request)

    def _end(self, name: str, request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        self.after(name, request)
        return answer


def _parsed(statement: Mapping[str, Any]) -> Item:
    match = _INSERT.fullmatch(statement["Statement"])
    assert match
    return dict(zip(_PAIR.findall(match["pairs"]), statement["Parameters"], strict=True))


def _levels(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    parts = value.values() if kind == "M" else value if kind == "L" else ()
    return 1 + max(map(_levels, parts), default=0)
