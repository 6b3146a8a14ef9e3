"""Groups, people and messages as the messages function writes them, and the stream that tells of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from switchboard.ids import compose_uuid7
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from tests.fakes.expressions import Item

EPOCH = datetime(2026, 11, 21)  # noqa: DTZ001 - in UTC; its text shall not tell so
EPOCH_MS = 1_795_219_200_000
NOW = EPOCH_MS / 1_000 + 3_600


def sort_key(number: int) -> str:
    """The sort key of the message sent `number` milliseconds after the tests' epoch; text order is number order."""
    sent_at = (EPOCH + timedelta(milliseconds=number)).isoformat(timespec="milliseconds")
    return schema.message_sort_key(f"{sent_at}Z", compose_uuid7(EPOCH_MS + number, number))


def message(group: str, number: int, sender: str = "ann", *, text: str | None = None, more: Item | None = None) -> Item:
    """The item of a message, with `more` attributes; its text tells its number."""
    key = sort_key(number)
    return {
        schema.PK: {"S": schema.messages_key(group)},
        schema.SK: {"S": key},
        schema.MESSAGE_UUID: {"S": key.partition("#")[2]},
        schema.USER_UUID: {"S": sender},
        schema.MESSAGE: {"S": text or f"message {number}"},
        **(more or {}),
    }


def new_group(group: str, *members: str, opened: int = 0) -> list[Item]:
    """The items of a new group's transaction: `META`, the opening message, a membership for each member."""
    kind = schema.DM if len(members) == schema.MIN_MEMBERS else schema.GROUP
    meta: Item = {
        schema.PK: {"S": schema.group_key(group)},
        schema.SK: {"S": schema.META},
        schema.KIND: {"S": kind},
        schema.MEMBERS: {"SS": sorted(members)},
    }
    opening = message(group, opened, members[0], more={schema.OPENING: {"BOOL": True}})
    return [meta, opening, *(membership(group, member, members, opened) for member in members)]


def membership(group: str, member: str, members: tuple[str, ...], opened: int = 0) -> Item:
    """A membership that shows the opening message."""
    item: Item = {
        schema.PK: {"S": schema.user_key(member)},
        schema.SK: {"S": schema.membership_sort_key(group)},
        schema.GROUP_UUID: {"S": group},
        schema.KIND: {"S": schema.DM if len(members) == schema.MIN_MEMBERS else schema.GROUP},
        schema.LAST_MESSAGE_SK: {"S": sort_key(opened)},
        schema.LAST_MESSAGE: {"S": f"message {opened}"},
        schema.LAST_SENDER_UUID: {"S": members[0]},
        schema.LAST_READ_SK: {"S": sort_key(opened)},
        schema.INBOX_USER: {"S": member},
    }
    if len(members) == schema.MIN_MEMBERS:
        (other,) = (name for name in members if name != member)
        item |= {
            schema.OTHER_USER_UUID: {"S": other},
            schema.OTHER_DISPLAY_NAME: {"S": other.title()},
            schema.OTHER_HANDLE: {"S": other},
            schema.PROFILE_VERSION: {"N": "1"},
        }
    return item


def person(user: str) -> list[Item]:
    """A profile and its entry in the directory; the handle is the id."""
    profile: Item = {
        schema.PK: {"S": schema.user_key(user)},
        schema.SK: {"S": schema.PROFILE},
        schema.HANDLE: {"S": user},
        schema.DISPLAY_NAME: {"S": user.title()},
        schema.PROFILE_VERSION: {"N": "1"},
    }
    key = schema.handle_key(user)
    return [profile, {schema.PK: {"S": key}, schema.SK: {"S": key}, schema.USER_UUID: {"S": user}}]


def shown(item: Item) -> tuple[str, str, str]:
    """What a membership shows of its newest message: sort key, preview, sender."""
    held = item[schema.LAST_MESSAGE]
    return (
        item[schema.LAST_MESSAGE_SK]["S"],
        held["S"] if "S" in held else held["M"][schema.TEXT]["S"],
        item[schema.LAST_SENDER_UUID]["S"],
    )
