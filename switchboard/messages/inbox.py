"""A person's groups, most recent first: from the index, or strongly consistent from the memberships themselves."""

from __future__ import annotations

from heapq import nlargest
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from switchboard.dynamo.values import from_item
from switchboard.ids import is_uuid
from switchboard.messages.cursors import CursorScope
from switchboard.messages.keys import membership_key
from switchboard.messages.sort_keys import is_sort_key, time_of
from switchboard.messages.stored_preview import shown_preview
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from switchboard.messages.runtime import Runtime
    from switchboard.messages.table import MessagesTable

CURSOR: Final = "cursor"
_SHOWN: Final = (
    schema.GROUP_UUID,
    schema.KIND,
    schema.TITLE,
    schema.OTHER_USER_UUID,
    schema.OTHER_DISPLAY_NAME,
    schema.OTHER_HANDLE,
)


def list_message_groups(runtime: Runtime, request: Mapping[str, Any]) -> dict[str, Any]:
    """The operation `list_message_groups`. Raises `Refused` (`invalid` for a foreign cursor)."""
    caller, limit = request[schema.USER_UUID], int(request.get("limit", schema.DEFAULT_PAGE))
    scope = CursorScope(caller, request["operation"])
    position = _position(request, scope)
    reader = _from_memberships if request.get("consistent") else _from_index
    found = list(islice(reader(runtime.table, caller, position, limit + 1), limit + 1))
    now = runtime.now() // 1_000
    answer: dict[str, Any] = {"message_groups": [_shown(caller, membership, now) for membership in found[:limit]]}
    if len(found) > limit:
        answer[CURSOR] = scope.write(*_place(found[limit - 1]))
    return answer


def _from_index(
    table: MessagesTable, user_uuid: str, position: tuple[str, str] | None, wanted: int
) -> Iterator[dict[str, Any]]:
    request: dict[str, Any] = {
        "IndexName": schema.INBOX_BY_RECENCY,
        "KeyConditionExpression": f"{schema.INBOX_USER} = :user",
        "ExpressionAttributeValues": {":user": {"S": user_uuid}},
        "ScanIndexForward": False,
        "Limit": wanted,
    }
    if position:
        last_message_sk, group_uuid = position
        request["ExclusiveStartKey"] = {
            **membership_key(user_uuid, group_uuid).attributes(),
            schema.INBOX_USER: {"S": user_uuid},
            schema.LAST_MESSAGE_SK: {"S": last_message_sk},
        }
    for page in table.query(request):
        yield from map(from_item, page["Items"])


def _from_memberships(
    table: MessagesTable, user_uuid: str, position: tuple[str, str] | None, wanted: int
) -> Iterator[dict[str, Any]]:
    request = {
        "KeyConditionExpression": f"{schema.PK} = :pk AND begins_with({schema.SK}, :groups)",
        "ExpressionAttributeValues": {
            ":pk": {"S": schema.user_key(user_uuid)},
            ":groups": {"S": schema.MEMBERSHIP_PREFIX},
        },
        "ConsistentRead": True,
    }
    memberships = (from_item(each) for page in table.query(request) for each in page["Items"])
    older = (each for each in memberships if position is None or _place(each) < position)
    yield from nlargest(wanted, older, key=_place)


def _place(membership: Mapping[str, Any]) -> tuple[str, str]:
    """Where a membership stands in the list."""
    return membership[schema.LAST_MESSAGE_SK], membership[schema.SK].removeprefix(schema.MEMBERSHIP_PREFIX)


def _position(request: Mapping[str, Any], scope: CursorScope) -> tuple[str, str] | None:
    if CURSOR not in request:
        return None
    last_message_sk, group_uuid = scope.read(request[CURSOR], f"/{CURSOR}", (is_sort_key, is_uuid))
    return last_message_sk, group_uuid


def _shown(caller: str, membership: Mapping[str, Any], now: int) -> dict[str, Any]:
    newest = membership[schema.LAST_MESSAGE_SK]
    # A group whose messages have all expired shows no last message and no sender.
    unread = membership.get(schema.LAST_SENDER_UUID, caller) != caller and newest > membership.get(
        schema.LAST_READ_SK, ""
    )
    shown = {name: membership[name] for name in _SHOWN if name in membership}
    if text := shown_preview(membership.get(schema.LAST_MESSAGE), now=now):
        shown[schema.LAST_MESSAGE] = text
    return {**shown, "last_message_at": time_of(newest), "unread": unread}
