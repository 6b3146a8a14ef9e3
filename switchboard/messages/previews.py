"""Previews follow messages: of a batch of new messages, the newest of each group goes to each member's membership.

Every write is one `UpdateItem` that succeeds only where the membership shows an older message. So a batch may come
again, in any order, whole or in part, and a write is repeated without effect; there is no moment at which a membership
is gone; and the names in it are never touched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError

from switchboard.dynamo.batch_get import KEYS_PER_REQUEST, Unread, batch_get
from switchboard.dynamo.values import to_attribute
from switchboard.messages.keys import group_key, membership_key
from switchboard.messages.stored import MalformedItem, StoredMessage, read_members, read_message
from switchboard.messages.stored_preview import stored_preview
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Executor, Future

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.dynamo.budget import Budget
    from switchboard.dynamo.values import AttributeValue
    from switchboard.messages.keys import Key

IN_FLIGHT: Final = 16
"""Updates on their way at once: the size of the executor that the caller brings."""
RESERVE_SECONDS: Final = 10.0
"""With less time left than this nothing is begun: the reserve of the budget that the caller brings."""

CONDITION_FAILED: Final = "ConditionalCheckFailedException"
REFUSED: Final = "ValidationException"
ONLY_NEWER: Final = f"attribute_exists({schema.PK}) AND {schema.LAST_MESSAGE_SK} < :sk"
SET_PREVIEW: Final = (
    f"SET {schema.LAST_MESSAGE_SK} = :sk, {schema.LAST_MESSAGE} = :preview, {schema.LAST_SENDER_UUID} = :sender"
)


class Code(StrEnum):
    """Why a message can never reach a preview."""

    MALFORMED_MESSAGE = "MalformedMessage"
    GROUP_MISSING = "GroupMissing"
    """A group and its first message are one transaction, so a message without its group was not written by us."""
    MALFORMED_GROUP = "MalformedGroup"
    REFUSED = "Refused"


class Stop(StrEnum):
    """Why a batch stopped where no error of AWS did it; an error stops it under its own code."""

    OUT_OF_TIME = "OutOfTime"
    UNREAD = "Unread"
    """DynamoDB kept leaving keys of groups unread."""
    NOT_KEPT = "NotKept"
    """The quarantine did not take what can never succeed."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A new message on its way: `position` names it to whoever delivers it, `item` is in DynamoDB's JSON form."""

    position: str
    item: Mapping[str, AttributeValue]


Keep: TypeAlias = "Callable[[Arrival, Code, str], bool]"
"""Puts a message that can never succeed where a person finds it, with the reason; whether that succeeded."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch. It must be delivered again from the position `stopped_at`; None where it is done.

    `why` is what stopped it first: a `Stop`, or the code of an error, never its message.
    """

    stopped_at: str | None
    updated: int
    kept: int
    why: str | None = None


class _Result(Enum):
    UPDATED = auto()
    NEWER = auto()
    REFUSED = auto()
    LEFT = auto()


@dataclass(slots=True)
class _Burst:
    """A group's messages of one batch, and the index of the first of them, on which the group's checkpoint rests."""

    first: int
    messages: list[tuple[StoredMessage, int]] = field(default_factory=list)


class PreviewUpdate:
    """Brings memberships up to date with one batch of new messages."""

    def __init__(
        self,
        arrivals: Sequence[Arrival],
        *,
        client: DynamoDBClient,
        table: str,
        executor: Executor,
        keep: Keep,
        now: float,
        budget: Budget,
    ) -> None:
        self._arrivals = arrivals
        self._client = client
        self._table = table
        self._executor = executor
        self._keep_arrival = keep
        self._now = now
        self._budget = budget
        self._stop = len(arrivals)
        self._why: str | None = None
        self._faulty = False
        self._updated = 0
        self._kept = 0

    def run(self) -> Outcome:
        """Do what the time allows, in the order of arrival, and stop at the first transient fault.

        `stopped_at` is the lowest position whose message, or a newer one of its group, is not yet in every member's
        membership: nothing before it is outstanding, and what was done behind it may be done again.
        """
        bursts = self._coalesce()
        for start in range(0, len(bursts), KEYS_PER_REQUEST):
            page = [burst for burst in bursts[start : start + KEYS_PER_REQUEST] if burst.first < self._stop]
            if page:
                self._settle(page)
        stopped_at = self._arrivals[self._stop].position if self._stop < len(self._arrivals) else None
        return Outcome(stopped_at=stopped_at, updated=self._updated, kept=self._kept, why=self._why)

    def _coalesce(self) -> list[_Burst]:
        bursts: dict[str, _Burst] = {}
        for index, arrival in enumerate(self._arrivals):
            try:
                message = read_message(arrival.item)
            except MalformedItem as malformed:
                if not self._keep(index, Code.MALFORMED_MESSAGE, str(malformed)):
                    break
                continue
            # Reconciling moves a preview back when its message expired: a late delivery must not bring that one back.
            if not message.expired(self._now):
                bursts.setdefault(message.group_uuid, _Burst(index)).messages.append((message, index))
        for burst in bursts.values():
            burst.messages.sort(key=lambda pair: pair[0].sort_key)
        return list(bursts.values())

    def _settle(self, page: list[_Burst]) -> None:
        groups = self._read_groups(page)
        if groups is None:
            self._stop_at(page[0].first)
            return
        waiting = [(burst, members) for burst in page if (members := self._members(burst, groups))]
        while waiting:
            sent = [(burst, members, self._send(burst.messages[-1][0], members)) for burst, members in waiting]
            waiting = []
            for burst, members, futures in sent:
                results = [future.result() for future in futures]
                self._updated += results.count(_Result.UPDATED)
                if _Result.LEFT in results:
                    self._stop_at(burst.first)
                elif _Result.REFUSED in results and self._set_newest_aside(burst):
                    waiting.append((burst, members))

    def _read_groups(self, page: list[_Burst]) -> dict[str, dict[str, AttributeValue]] | None:
        if self._spent():
            return None
        keys = [group_key(burst.messages[-1][0].group_uuid).attributes() for burst in page]
        try:
            items = batch_get(
                self._client, self._table, keys, attributes=(schema.PK, schema.MEMBERS), budget=self._budget
            )
            return {item[schema.PK]["S"]: item for item in items}
        except (ClientError, BotoCoreError, Unread) as error:
            self._note(_code(error))
            return None

    def _members(self, burst: _Burst, groups: Mapping[str, Mapping[str, AttributeValue]]) -> tuple[str, ...]:
        meta = groups.get(schema.group_key(burst.messages[-1][0].group_uuid))
        if meta is None:
            self._keep_all(burst, Code.GROUP_MISSING, "the group does not exist; restore it, or delete the message")
            return ()
        try:
            return read_members(meta)
        except MalformedItem as malformed:
            self._keep_all(burst, Code.MALFORMED_GROUP, str(malformed))
            return ()

    def _send(self, message: StoredMessage, members: Iterable[str]) -> list[Future[_Result]]:
        change = preview_change(message, condition=ONLY_NEWER)
        rows = [membership_key(member, message.group_uuid) for member in members]
        return [self._executor.submit(self._update, row, change) for row in rows]

    def _update(self, row: Key, change: Mapping[str, Any]) -> _Result:
        if self._faulty or self._spent():
            return _Result.LEFT
        try:
            self._client.update_item(TableName=self._table, Key=row.attributes(), **change)
        except ClientError as error:
            code = _code(error)
            if code == CONDITION_FAILED:
                return _Result.NEWER
            if code == REFUSED:
                return _Result.REFUSED
            return self._fault(code)
        except BotoCoreError as error:
            return self._fault(_code(error))
        return _Result.UPDATED

    def _fault(self, code: str) -> _Result:
        self._note(code)
        self._faulty = True
        return _Result.LEFT

    def _set_newest_aside(self, burst: _Burst) -> bool:
        """Keep the message that DynamoDB refused; whether an older one of its group is left to be shown instead."""
        _, index = burst.messages[-1]
        if not self._keep(index, Code.REFUSED, "DynamoDB refused the update as invalid"):
            self._stop_at(burst.first)
            return False
        burst.messages.pop()
        return bool(burst.messages)

    def _keep_all(self, burst: _Burst, code: Code, reason: str) -> None:
        for index in sorted(index for _, index in burst.messages):
            if not self._keep(index, code, reason):
                return

    def _keep(self, index: int, code: Code, reason: str) -> bool:
        if self._spent() or not self._keep_arrival(self._arrivals[index], code, reason):
            self._note(Stop.NOT_KEPT)
            self._stop_at(index)
            return False
        self._kept += 1
        return True

    def _spent(self) -> bool:
        spent = self._budget.spent()
        if spent:
            self._note(Stop.OUT_OF_TIME)
        return spent

    def _note(self, why: str) -> None:
        # What follows a fault is most often its consequence.
        self._why = self._why or why

    def _stop_at(self, index: int) -> None:
        self._stop = min(self._stop, index)


def _code(error: Exception) -> str:
    """What names an error, without a word of what it is about."""
    if isinstance(error, ClientError):
        return error.response["Error"]["Code"]
    return Stop.UNREAD if isinstance(error, Unread) else type(error).__name__


def preview_change(message: StoredMessage, *, condition: str) -> dict[str, Any]:
    """What makes an `UpdateItem` show `message` in a membership; `condition` may use `:sk`."""
    return {
        "UpdateExpression": SET_PREVIEW,
        "ConditionExpression": condition,
        "ExpressionAttributeValues": {
            ":sk": {"S": message.sort_key},
            ":preview": to_attribute(stored_preview(message)),
            ":sender": {"S": message.sender_uuid},
        },
    }
