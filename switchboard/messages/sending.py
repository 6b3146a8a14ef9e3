"""A message in an existing group: one conditional put, the same message however often it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from switchboard.ids import milliseconds_of
from switchboard.messages.errors import ErrorCode, FieldCode, FieldError, Refused, invalid
from switchboard.messages.keys import message_key
from switchboard.messages.membership import require_membership
from switchboard.messages.sort_keys import sort_key, time_of
from switchboard.messages.table import item
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.dynamo.values import AttributeValue
    from switchboard.messages.runtime import Runtime

_AGE: Final = schema.MAX_MESSAGE_AGE_SECONDS
_AHEAD: Final = schema.MAX_MESSAGE_AHEAD_SECONDS


def create_message(runtime: Runtime, request: Mapping[str, Any]) -> dict[str, Any]:
    """The operation `create_message`. Raises `Refused` (`not_a_member`, `invalid`, `conflict`)."""
    message_uuid = send(
        runtime,
        sender=request[schema.USER_UUID],
        group_uuid=request[schema.GROUP_UUID],
        text=request[schema.MESSAGE],
        message_uuid=request.get(schema.MESSAGE_UUID),
    )
    return {schema.MESSAGE_UUID: message_uuid, schema.CREATED_AT: time_of(sort_key(message_uuid))}


def send(runtime: Runtime, *, sender: str, group_uuid: str, text: str, message_uuid: str | None) -> str:
    """Store a message of a member and answer its id; one that is stored already, unchanged, is simply answered again.

    Raises `Refused`: `not_a_member`; `conflict` for the id of another message; `invalid` for an id of another time.
    """
    require_membership(runtime.table, sender, group_uuid)
    now = runtime.now()
    message_uuid = message_uuid or runtime.new_uuid7(now)
    timely = is_timely(message_uuid, now)
    if timely and runtime.table.put_new(message_item(group_uuid, message_uuid, sender, text)):
        return message_uuid
    stored = runtime.table.get(message_key(group_uuid, sort_key(message_uuid)))
    if stored is None:
        raise untimely()
    if not same_message(stored, sender, text):
        raise message_conflict()
    return message_uuid


def message_item(
    group_uuid: str, message_uuid: str, sender: str, text: str, *, opening: bool | None = None
) -> dict[str, AttributeValue]:
    """A message in DynamoDB's JSON form, under the key that its id gives it."""
    attributes = {
        schema.MESSAGE_UUID: message_uuid,
        schema.USER_UUID: sender,
        schema.MESSAGE: text,
        schema.OPENING: opening,
    }
    return item(message_key(group_uuid, sort_key(message_uuid)), attributes)


def same_message(stored: Mapping[str, Any], sender: str, text: str) -> bool:
    """Whether a stored message is what the sender sends."""
    return bool(stored[schema.USER_UUID] == sender and stored[schema.MESSAGE] == text)


def is_timely(message_uuid: str, now: int) -> bool:
    """Whether an id was made near `now` (milliseconds since 1970), so that its time may be a new message's."""
    return -_AGE * 1_000 <= milliseconds_of(message_uuid) - now <= _AHEAD * 1_000


def untimely() -> Refused:
    """Refuse a new message whose id was made at another time."""
    expected = (
        f"must be made at most {_AGE} seconds before and {_AHEAD} after the message is first sent: make a new one"
    )
    return invalid(FieldError(f"/{schema.MESSAGE_UUID}", FieldCode.RANGE, expected))


def message_conflict() -> Refused:
    """Refuse a message under the id of another one, which stands."""
    expected = "is the id of another message: make a new one"
    return Refused(
        ErrorCode.CONFLICT,
        "Something else was sent under this id, and it stands.",
        [FieldError(f"/{schema.MESSAGE_UUID}", FieldCode.TAKEN, expected)],
    )
