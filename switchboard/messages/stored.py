"""Messages and groups as the table holds them: read strictly, because anybody with a key could have written them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from switchboard.messages.sort_keys import is_sort_key
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Mapping

_Value = TypeVar("_Value")


class MalformedItem(Exception):  # noqa: N818 - it names the item's state, as the codes do
    """An item that no part of this system writes: `attribute` is not what `expected` says. The value is not quoted."""

    def __init__(self, attribute: str, expected: str) -> None:
        super().__init__(f"attribute {attribute}: expected {expected}; write the item through the messages function")
        self.attribute = attribute
        self.expected = expected


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """What a preview needs of a message. `expires_at` is epoch seconds, None where the message stays."""

    group_uuid: str
    sort_key: str
    sender_uuid: str
    text: str
    expires_at: int | None

    def expired(self, now: float) -> bool:
        """Whether the message is past its TTL at `now` (epoch seconds), deleted or not."""
        return self.expires_at is not None and self.expires_at <= now


def read_message(item: Mapping[str, Mapping[str, Any]]) -> StoredMessage:
    """The message in `item` (DynamoDB's JSON form). Raises `MalformedItem`, naming the first wrong attribute."""
    partition = _of_type(item, schema.PK, "S", str)
    if not partition.startswith(schema.MESSAGE_PREFIX):
        raise MalformedItem(schema.PK, f"text that begins with {schema.MESSAGE_PREFIX}")
    sort_key = _of_type(item, schema.SK, "S", str)
    # A key of another shape could sort above every message to come, and would be shown for ever.
    if not is_sort_key(sort_key):
        raise MalformedItem(schema.SK, "the time of a UUIDv7, # and the UUIDv7")
    return StoredMessage(
        group_uuid=_id(schema.PK, partition.removeprefix(schema.MESSAGE_PREFIX)),
        sort_key=sort_key,
        sender_uuid=_id(schema.USER_UUID, _of_type(item, schema.USER_UUID, "S", str)),
        text=_storable(schema.MESSAGE, _of_type(item, schema.MESSAGE, "S", str)),
        expires_at=_epoch_seconds(item),
    )


def read_members(item: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The members of the group whose `META` is `item`, in one fixed order. Raises `MalformedItem`."""
    members = _of_type(item, schema.MEMBERS, "SS", list)
    if not members or len(members) > schema.MAX_MEMBERS:
        raise MalformedItem(schema.MEMBERS, f"a set of 1 to {schema.MAX_MEMBERS} ids")
    return tuple(sorted(_id(schema.MEMBERS, member) for member in members))


def _of_type(item: Mapping[str, Mapping[str, Any]], attribute: str, kind: str, expected: type[_Value]) -> _Value:
    value = item.get(attribute, {}).get(kind)
    if not isinstance(value, expected):
        raise MalformedItem(attribute, f"a value of type {kind}")
    return value


def _id(attribute: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(_storable(attribute, value).encode()) <= schema.MAX_ID_BYTES:
        raise MalformedItem(attribute, f"an id of 1 to {schema.MAX_ID_BYTES} bytes")
    return value


def _storable(attribute: str, text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise MalformedItem(attribute, "valid Unicode") from None
    return text


def _epoch_seconds(item: Mapping[str, Mapping[str, Any]]) -> int | None:
    if schema.EXPIRES_AT not in item:
        return None
    digits = _of_type(item, schema.EXPIRES_AT, "N", str)
    if not (digits.isascii() and digits.isdigit()):
        raise MalformedItem(schema.EXPIRES_AT, "whole epoch seconds")
    return int(digits)
