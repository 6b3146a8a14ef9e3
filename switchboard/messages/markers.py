"""Read markers: how far a member has read, which only ever moves forward."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from switchboard.messages.errors import not_found
from switchboard.messages.keys import membership_key, message_key
from switchboard.messages.membership import require_membership
from switchboard.messages.reading import Messages
from switchboard.messages.sort_keys import MILLISECOND, KeyRange, sort_key, uuid_of
from switchboard.messages.table import PRESENT
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.messages.runtime import Runtime

_FORWARD: Final = f"{PRESENT} AND (attribute_not_exists({schema.LAST_READ_SK}) OR {schema.LAST_READ_SK} < :read)"


def mark_read(runtime: Runtime, request: Mapping[str, Any]) -> dict[str, Any]:
    """The operation `mark_read`. Raises `Refused` (`not_a_member`, `not_found` for a message that is not there)."""
    caller, group_uuid = request[schema.USER_UUID], request[schema.GROUP_UUID]
    membership = require_membership(runtime.table, caller, group_uuid)
    marker = membership.get(schema.LAST_READ_SK)
    target = _target(runtime, membership, group_uuid, request.get(schema.MESSAGE_UUID))
    if target and (marker is None or marker < target):
        moved = runtime.table.update(
            membership_key(caller, group_uuid),
            UpdateExpression=f"SET {schema.LAST_READ_SK} = :read",
            ConditionExpression=_FORWARD,
            ExpressionAttributeValues={":read": {"S": target}},
        )
        marker = target if moved else require_membership(runtime.table, caller, group_uuid).get(schema.LAST_READ_SK)
    return {"last_read_uuid": uuid_of(marker) if marker else None}


def unread_count(runtime: Runtime, request: Mapping[str, Any]) -> dict[str, Any]:
    """The operation `unread_count`. Raises `Refused` (`not_a_member`)."""
    caller, group_uuid = request[schema.USER_UUID], request[schema.GROUP_UUID]
    marker = require_membership(runtime.table, caller, group_uuid).get(schema.LAST_READ_SK)
    messages = Messages(runtime.table, group_uuid, now=runtime.now() // 1_000)
    unread = messages.count_of_others(
        caller, KeyRange().newer_than(marker) if marker else KeyRange(), enough=schema.MAX_UNREAD + 1
    )
    return {"unread": min(unread, schema.MAX_UNREAD), "more": unread > schema.MAX_UNREAD}


def _target(runtime: Runtime, membership: Mapping[str, Any], group_uuid: str, message_uuid: str | None) -> str | None:
    """The sort key to mark: of the message named, else of the newest that is not ahead of the clock.

    The newest is what the list shows as such where that message is gone by now: else it would be unread for ever.
    """
    if message_uuid is not None:
        key = sort_key(message_uuid)
        if runtime.table.get(message_key(group_uuid, key)) is None:
            raise not_found(f"/{schema.MESSAGE_UUID}", "is not a message of this group")
        return key
    now = runtime.clock()
    messages = Messages(runtime.table, group_uuid, now=int(now.timestamp()))
    past = KeyRange().until(now + MILLISECOND)
    newest = messages.newest(past)
    listed = membership.get(schema.LAST_MESSAGE_SK)
    found = [*([newest[schema.SK]] if newest else []), *([listed] if listed and listed <= past.high else [])]
    return max(found, default=None)
