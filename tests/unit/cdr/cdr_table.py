"""An in-memory CDR table that behaves as DynamoDB's documentation says, and fails on request."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from switchboard.cdr.store import CdrStore
from switchboard.cdr.validation import RecordContract
from switchboard.cdr.writer import CdrWriter
from switchboard.dynamo.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from switchboard.cdr.record import Record
    from switchboard.cdr.results import Failed, Settled
    from switchboard.cdr.store import Key

TABLE = "cdr-table"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)

_INSERT = re.compile(r"INSERT INTO \"(?P<table>[^\"]+)\" VALUE \{(?P<pairs>.+)\}")
_PAIR = re.compile(r"'(?P<name>[a-z_]+)': \?")


class Crash(BaseException):
    """The process dies: nothing may catch this."""


def refused(code: str, status: int = 400, operation: str = "BatchExecuteStatement") -> ClientError:
    """The error botocore raises when the service refuses a whole request."""
    return ClientError(
        {"Error": {"Code": code, "Message": "refused"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item] # the keys a caller reads
        operation,
    )


def cut() -> ReadTimeoutError:
    """The error botocore raises when no answer comes."""
    return ReadTimeoutError(endpoint_url="http://dynamodb.invalid")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request: members refused before they run, or an error before or after they ran."""

    before: BaseException | None = None
    after: BaseException | None = None
    members: Mapping[int, str] = field(default_factory=dict)
    unprocessed: frozenset[int] = frozenset()


@dataclass(slots=True)
class FakeTable:
    """The DynamoDB client as the writer uses it. `fault` is asked before each request, with its operation."""

    items: dict[Key, dict[str, Any]] = field(default_factory=dict)
    fault: Callable[[str], Fault | None] = lambda _: None
    requests: list[tuple[str, int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def batch_execute_statement(self, *, Statements: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803 - the API's name
        with self._lock:
            fault = self._begin("BatchExecuteStatement", len(Statements), most=25)
            items = [_parsed(statement) for statement in Statements]
            _distinct(items)
            responses = [self._insert(item, fault.members.get(index)) for index, item in enumerate(items)]
            if fault.after:
                raise fault.after
            return {"Responses": responses}

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803 - the API's name
        with self._lock:
            ((table, asked),) = RequestItems.items()
            assert table == TABLE
            assert asked["ConsistentRead"] is True
            fault = self._begin("BatchGetItem", len(asked["Keys"]), most=100)
            _distinct(asked["Keys"])
            names = [asked["ExpressionAttributeNames"][name] for name in asked["ProjectionExpression"].split(", ")]
            read = [key for index, key in enumerate(asked["Keys"]) if index not in fault.unprocessed]
            unread = [key for index, key in enumerate(asked["Keys"]) if index in fault.unprocessed]
            found = [self.items[_key(key)] for key in read if _key(key) in self.items]
            return {
                "Responses": {TABLE: [{name: item[name] for name in names} for item in found]},
                "UnprocessedKeys": {TABLE: {"Keys": unread}} if unread else {},
            }

    def _begin(self, operation: str, members: int, *, most: int) -> Fault:
        self.requests.append((operation, members))
        if not 1 <= members <= most:
            raise refused("ValidationException", operation=operation)
        fault = self.fault(operation) or Fault()
        if fault.before:
            raise fault.before
        return fault

    def _insert(self, item: dict[str, Any], refusal: str | None) -> dict[str, Any]:
        if refusal:
            return {"Error": {"Code": refusal, "Message": "refused"}}
        if _key(item) in self.items:
            return {"Error": {"Code": "DuplicateItem", "Message": "Duplicate primary key exists in table"}}
        self.items[_key(item)] = item
        return {"TableName": TABLE}


def _parsed(statement: Mapping[str, Any]) -> dict[str, Any]:
    match = _INSERT.fullmatch(statement["Statement"])
    assert match
    assert match["table"] == TABLE
    names = _PAIR.findall(match["pairs"])
    return dict(zip(names, statement["Parameters"], strict=True))


def _distinct(keyed: Sequence[Mapping[str, Any]]) -> None:
    if len({_key(each) for each in keyed}) != len(keyed):
        raise refused("ValidationException")


def _key(item: Mapping[str, Any]) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def in_turn(*faults: Fault | None) -> Callable[[str], Fault | None]:
    """The first request meets the first fault, and so on; later ones meet none."""
    left: Iterator[Fault | None] = iter(faults)
    return lambda _: next(left, None)


@dataclass(slots=True)
class Time:
    """A clock that only moves when something sleeps or asks for `now`, with `left` seconds until the call ends."""

    left: float = 60.0
    slept: list[float] = field(default_factory=list)
    calls: int = 0

    def now(self) -> datetime:
        """Every call is at a microsecond of its own."""
        self.calls += 1
        return NOW + timedelta(microseconds=self.calls)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.left -= seconds

    def budget(self) -> Budget:
        return Budget(remaining_seconds=lambda: self.left, sleep=self.sleep, jitter=lambda: 0.5)


def raw(**fields: Any) -> dict[str, Any]:
    """A request's record, valid unless `fields` say otherwise; a field given as None is left out."""
    record = {
        "source": "qm/reporting-api",
        "id": "r-1",
        "type": "consume",
        "time": "2026-11-21T00:08:12.345678Z",
        "sponsor_id": "s-12",
        "sponsorship_id": "sp-901",
        "subscriber_id": "p-77",
        "data": {"bytes_down": 9_876_543},
        **fields,
    }
    return {name: value for name, value in record.items() if value is not None}


def record(**fields: Any) -> Record:
    """The same, read."""
    read = RecordContract(retention=None).read(raw(**fields), now=NOW)
    assert not hasattr(read, "errors"), read
    return read


def write(
    table: FakeTable, *records: Record, time: Time | None = None, retention: timedelta | None = None
) -> list[Settled | Failed]:
    """What one call makes of `records`."""
    time = time or Time()
    writer = CdrWriter(CdrStore(table, TABLE), retention=retention)  # type: ignore[arg-type] # the two calls it uses
    return writer.write(records, now=time.now(), budget=time.budget())
