"""A conversation that was held before: two people, and messages whose ids carry their times.

It is written by the same items and conditions as one that is held now, so a repetition writes nothing, and one that was
interrupted is completed. Previews follow by the stream, or by reconciling the group where nothing follows the stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from switchboard.ids import derived_uuid, milliseconds_of
from switchboard.messages import keys
from switchboard.messages.directory import replace_profile
from switchboard.messages.errors import not_found, throttled
from switchboard.messages.opening import NAMES, Opening, opening_writes
from switchboard.messages.profiles import user_of_handle
from switchboard.messages.sending import message_item
from switchboard.messages.sort_keys import sort_key
from switchboard.messages.table import Canceled
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from switchboard.messages.table import MessagesTable


@dataclass(frozen=True, slots=True)
class PastMessage:
    """One message; its time is that of its UUIDv7."""

    message_uuid: str
    sender_uuid: str
    text: str


@dataclass(frozen=True, slots=True)
class Written:
    """The group that holds the conversation, and how many of its messages were new."""

    group_uuid: str
    new: int


def ensure_person(table: MessagesTable, handle: str, display_name: str) -> tuple[str, bool]:
    """The user who has this handle, and whether their profile was made just now; `handle` is in lower case.

    A new person's id is derived from the handle, so they are found again under any handle that they take later. Raises
    `Refused` (`handle_taken` where somebody else took it meanwhile, `throttled`).
    """
    profile = {schema.HANDLE: handle, schema.DISPLAY_NAME: display_name}
    for _ in table.attempts():
        user_uuid = user_of_handle(table, handle)
        if user_uuid is not None:
            return user_uuid, False
        user_uuid = derived_uuid(schema.HANDLE, handle)
        if table.get(keys.profile_key(user_uuid)) is not None:
            return user_uuid, False
        try:
            replace_profile(table, user_uuid, None, profile)
        except Canceled:
            continue
        return user_uuid, True
    raise throttled()


def write_history(
    table: MessagesTable,
    people: tuple[str, str],
    messages: Sequence[PastMessage],
    *,
    advanced: Callable[[int], None] = lambda _: None,
) -> Written:
    """Let the one conversation of two people hold these messages; `advanced` is told how many more are settled.

    `people` are users with profiles, `messages` at least one, oldest first. Raises `Refused` (`not_found` for somebody
    without a profile, `throttled`), `Unread`, and what the client raises.
    """
    group_uuid, opened = _conversation(table, people, messages[0])
    stored = table.get_many([keys.message_key(group_uuid, sort_key(message.message_uuid)) for message in messages], ())
    advanced(len(stored))
    new = int(opened)
    for message in messages:
        if keys.message_key(group_uuid, sort_key(message.message_uuid)) not in stored:
            new += table.put_new(message_item(group_uuid, message.message_uuid, message.sender_uuid, message.text))
            advanced(1)
    return Written(group_uuid, new)


def _conversation(table: MessagesTable, people: tuple[str, str], first: PastMessage) -> tuple[str, bool]:
    """The group of two people, and whether it was made just now, with the first message."""
    pair = keys.pair_key(*people)
    profile_keys = {user: keys.profile_key(user) for user in people}
    (other,) = (user for user in people if user != first.sender_uuid)
    opening = Opening(
        group_uuid=derived_uuid(first.sender_uuid, first.message_uuid),
        creator=first.sender_uuid,
        others=(other,),
        title=None,
        message_uuid=first.message_uuid,
        text=first.text,
        now=milliseconds_of(first.message_uuid),
    )
    for _ in table.attempts():
        found = table.get_many([pair, *profile_keys.values()], (*NAMES, schema.GROUP_UUID))
        if pair in found:
            return str(found[pair][schema.GROUP_UUID]), False
        for key in profile_keys.values():
            if key not in found:
                raise not_found(f"/{schema.USER_UUID}", "is not a user: put their profile first")
        try:
            table.write_together(opening_writes(opening, {user: found[key] for user, key in profile_keys.items()}))
        except Canceled:
            continue
        return opening.group_uuid, True
    raise throttled()
