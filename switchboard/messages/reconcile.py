"""Previews rebuilt from the messages themselves, where the stream's way of following them left one behind.

A preview goes forwards like the stream handler's: only where the row shows an older message. It also goes back, which
the stream handler never does, where the message it shows is no more: expired, or deleted by its lifetime. Memberships
are read before the messages, so a row that shows a message newer than any found shows one that has gone since. It is
put back only as long as it still shows that one: what the stream handler writes meanwhile stands.

Where a group has no message left, its memberships lose preview and sender and keep their place in the list, because
`last_message_sk` is a key of the index and what the next message is compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from switchboard.messages import keys
from switchboard.messages.previews import preview_change
from switchboard.messages.stored import MalformedItem, read_members, read_message
from switchboard.messages.stored_preview import stored_preview
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from switchboard.messages.keys import Key
    from switchboard.messages.stored import StoredMessage
    from switchboard.messages.table import MessagesTable

_PAGE: Final = 25
_PREVIEW: Final = (schema.LAST_MESSAGE_SK, schema.LAST_MESSAGE, schema.LAST_SENDER_UUID)
_ALIVE: Final = f"attribute_not_exists({schema.EXPIRES_AT}) OR {schema.EXPIRES_AT} > :now"
_SHOWS_NONE: Final = f"attribute_not_exists({schema.LAST_MESSAGE_SK})"
_SHOWS_NONE_OR_OLDER: Final = f"attribute_exists({schema.PK}) AND ({_SHOWS_NONE} OR {schema.LAST_MESSAGE_SK} < :sk)"
_STILL_SHOWS: Final = f"{schema.LAST_MESSAGE_SK} = :seen"
_EMPTY: Final = f"REMOVE {schema.LAST_MESSAGE}, {schema.LAST_SENDER_UUID}"


class GroupMissing(LookupError):  # noqa: N818 - it names the group's state
    """There is no group of that id."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One group: how many members it has, how many rows were changed, and how many members have no row at all."""

    members: int
    changed: int
    missing: int


def group_uuids(table: MessagesTable) -> Iterator[str]:
    """Every group there is, by a scan of the whole table, page by page as they are asked for."""
    request: dict[str, Any] = {
        "TableName": table.name,
        "FilterExpression": f"begins_with({schema.PK}, :groups) AND {schema.SK} = :meta",
        "ProjectionExpression": schema.PK,
        "ExpressionAttributeValues": {":groups": {"S": schema.group_key("")}, ":meta": {"S": schema.META}},
    }
    while True:
        page = table.client.scan(**request)
        for item in page["Items"]:
            yield item[schema.PK]["S"].removeprefix(schema.group_key(""))
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def reconcile_group(table: MessagesTable, group_uuid: str, *, now: float) -> Reconciled:
    """Let every membership of a group show its newest message that has not expired at `now` (epoch seconds).

    May be repeated, interrupted and run beside the stream handler. Raises `GroupMissing`, `MalformedItem` for a group
    whose members cannot be read, `Unread`, and what the client raises.
    """
    answer = table.client.get_item(
        TableName=table.name, Key=keys.group_key(group_uuid).attributes(), ConsistentRead=True
    )
    if "Item" not in answer:
        raise GroupMissing("no group has this id: list the groups, or reconcile all of them")
    members = read_members(answer["Item"])
    rows = table.get_many([keys.membership_key(member, group_uuid) for member in members], _PREVIEW)
    newest = _newest(table, group_uuid, now)
    changed = sum(_settle(table, key, row, newest) for key, row in rows.items())
    return Reconciled(members=len(members), changed=changed, missing=len(members) - len(rows))


def _newest(table: MessagesTable, group_uuid: str, now: float) -> StoredMessage | None:
    request = {
        "KeyConditionExpression": f"{schema.PK} = :group",
        "FilterExpression": _ALIVE,
        "ExpressionAttributeValues": {":group": {"S": schema.messages_key(group_uuid)}, ":now": {"N": str(int(now))}},
        "ScanIndexForward": False,
        "ConsistentRead": True,
        "Limit": _PAGE,
    }
    for page in table.query(request):
        for item in page["Items"]:
            try:
                return read_message(item)
            except MalformedItem:
                # The stream handler does not show it either.
                continue
    return None


def _settle(table: MessagesTable, key: Key, row: Mapping[str, Any], newest: StoredMessage | None) -> bool:
    """Bring one row up to date; whether it was changed. Where a condition fails, something newer was written."""
    seen = row.get(schema.LAST_MESSAGE_SK)
    if newest is None:
        if seen is None or not (schema.LAST_MESSAGE in row or schema.LAST_SENDER_UUID in row):
            return False
        return table.update(
            key,
            UpdateExpression=_EMPTY,
            ConditionExpression=_STILL_SHOWS,
            ExpressionAttributeValues={":seen": {"S": seen}},
        )
    wanted = (newest.sort_key, stored_preview(newest), newest.sender_uuid)
    if tuple(row.get(name) for name in _PREVIEW) == wanted:
        return False
    forwards = seen is None or seen < newest.sort_key
    change = preview_change(newest, condition=_SHOWS_NONE_OR_OLDER if forwards else _STILL_SHOWS)
    if not forwards:
        change["ExpressionAttributeValues"][":seen"] = {"S": seen}
    return table.update(key, **change)
