"""A message to people without a group yet: the group, its memberships and the message in one transaction.

Two people have one conversation, held together by an item of the pair, so whoever comes second continues as a sender. A
group's id is derived from its creator and its first message's id, so that a repeated request finds what it made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from switchboard.ids import derived_uuid
from switchboard.messages import keys
from switchboard.messages.errors import FieldCode, FieldError, invalid, not_found, throttled
from switchboard.messages.preview_text import preview
from switchboard.messages.sending import is_timely, message_conflict, message_item, same_message, send, untimely
from switchboard.messages.sort_keys import sort_key, time_text
from switchboard.messages.table import ABSENT, Canceled, check, put
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from switchboard.messages.keys import Key
    from switchboard.messages.runtime import Runtime

OTHER: Final = schema.OTHER_USER_UUID
MEMBER_UUIDS: Final = "member_uuids"
NAMES: Final = (schema.HANDLE, schema.DISPLAY_NAME, schema.PROFILE_VERSION)
"""What of a profile a membership shows."""
_READ: Final = (*NAMES, schema.GROUP_UUID, schema.KIND, schema.MEMBERS, schema.TITLE)


@dataclass(frozen=True, slots=True)
class Opening:
    """A group to be made, and its first message. `now` is milliseconds since 1970, `title` None for two people."""

    group_uuid: str
    creator: str
    others: tuple[str, ...]
    title: str | None
    message_uuid: str
    text: str
    now: int

    @property
    def kind(self) -> str:
        """Which of the two kinds of groups it is."""
        return schema.DM if self.title is None else schema.GROUP

    @property
    def members(self) -> frozenset[str]:
        """Everybody in it."""
        return frozenset((self.creator, *self.others))

    @property
    def pair_key(self) -> Key | None:
        """Where two people's one conversation is found; None for a titled group."""
        return keys.pair_key(self.creator, self.others[0]) if self.title is None else None


def create_message_group(runtime: Runtime, request: Mapping[str, Any]) -> dict[str, Any]:
    """The operation `create_message_group`.

    Raises `Refused`: `invalid`, `not_found` for people without a profile, `conflict` for the id of another message,
    `throttled` after too many collisions; then nothing was written.
    """
    opening, paths = _read_request(runtime, request)
    pair_key, group_key = opening.pair_key, keys.group_key(opening.group_uuid)
    profile_keys = {user: keys.profile_key(user) for user in (opening.creator, *opening.others)}
    wanted = [*profile_keys.values(), group_key, *([pair_key] if pair_key else [])]
    for _ in runtime.table.attempts():
        found = runtime.table.get_many(wanted, _READ)
        if pair_key in found:
            return _continue(runtime, opening, found[pair_key][schema.GROUP_UUID])
        if group_key in found:
            return _made_before(runtime, opening, found[group_key])
        for user, key in profile_keys.items():
            if key not in found:
                raise not_found(paths[user], "is not a user: put their profile first")
        if not is_timely(opening.message_uuid, opening.now):
            raise untimely()
        try:
            runtime.table.write_together(
                opening_writes(opening, {user: found[key] for user, key in profile_keys.items()})
            )
        except Canceled:
            # Somebody made the group, changed a name or wrote beside us: reading again tells which.
            continue
        return _answer(opening, opening.group_uuid, created=True)
    raise throttled()


def _read_request(runtime: Runtime, request: Mapping[str, Any]) -> tuple[Opening, dict[str, str]]:
    caller, now = request[schema.USER_UUID], runtime.now()
    if OTHER in request:
        paths = {request[OTHER]: f"/{OTHER}"}
    else:
        paths = {user: f"/{MEMBER_UUIDS}/{index}" for index, user in enumerate(request[MEMBER_UUIDS])}
    others = tuple(user for user in paths if user != caller)
    if not others:
        field = next(iter(paths.values()))
        raise invalid(FieldError(field, FieldCode.COMBINATION, "must name somebody other than the caller"))
    if len(others) >= schema.MAX_MEMBERS:
        expected = f"must be, with the caller, at most {schema.MAX_MEMBERS} people"
        raise invalid(FieldError(f"/{MEMBER_UUIDS}", FieldCode.TOO_LONG, expected))
    message_uuid = request.get(schema.MESSAGE_UUID) or runtime.new_uuid7(now)
    opening = Opening(
        group_uuid=derived_uuid(caller, message_uuid),
        creator=caller,
        others=others,
        title=request.get(schema.TITLE),
        message_uuid=message_uuid,
        text=request[schema.MESSAGE],
        now=now,
    )
    return opening, {**paths, caller: f"/{schema.USER_UUID}"}


def _continue(runtime: Runtime, opening: Opening, group_uuid: str) -> dict[str, Any]:
    """The pair has a conversation: this is one more message in it, or the same as before."""
    send(
        runtime,
        sender=opening.creator,
        group_uuid=group_uuid,
        text=opening.text,
        message_uuid=opening.message_uuid,
    )
    return _answer(opening, group_uuid, created=False)


def _made_before(runtime: Runtime, opening: Opening, group: Mapping[str, Any]) -> dict[str, Any]:
    """The group stands: an earlier try made it, if it is this group and opens with this message."""
    stored = runtime.table.get(keys.message_key(opening.group_uuid, sort_key(opening.message_uuid)))
    same_group = (group[schema.KIND], group.get(schema.TITLE), group[schema.MEMBERS]) == (
        opening.kind,
        opening.title,
        opening.members,
    )
    # An opening message that expired and was deleted cannot be compared any more.
    if not same_group or (stored and not same_message(stored, opening.creator, opening.text)):
        raise message_conflict()
    return _answer(opening, opening.group_uuid, created=False)


def _answer(opening: Opening, group_uuid: str, *, created: bool) -> dict[str, Any]:
    return {schema.GROUP_UUID: group_uuid, schema.MESSAGE_UUID: opening.message_uuid, "created": created}


def opening_writes(opening: Opening, profiles: Mapping[str, Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """The actions of the transaction that makes the group; `profiles` holds at least `NAMES` of every member."""
    group = {
        schema.KIND: opening.kind,
        schema.TITLE: opening.title,
        schema.MEMBERS: opening.members,
        schema.CREATED_BY: opening.creator,
        schema.CREATED_AT: time_text(opening.now),
    }
    message = message_item(opening.group_uuid, opening.message_uuid, opening.creator, opening.text, opening=True)
    writes: list[Mapping[str, Any]] = [
        put(keys.group_key(opening.group_uuid), group, ABSENT),
        {"Put": {"Item": message, "ConditionExpression": ABSENT}},
    ]
    if opening.pair_key is None:
        return [*writes, *(_membership(opening, user, {schema.TITLE: opening.title}) for user in profiles)]
    writes.append(put(opening.pair_key, {schema.GROUP_UUID: opening.group_uuid}, ABSENT))
    for user, other in ((opening.creator, opening.others[0]), (opening.others[0], opening.creator)):
        writes.append(_membership(opening, user, _names_of(other, profiles[other])))
        writes.append(_unchanged(other, profiles[other]))
    return writes


def _names_of(user: str, profile: Mapping[str, Any]) -> dict[str, Any]:
    return {
        schema.OTHER_USER_UUID: user,
        schema.OTHER_DISPLAY_NAME: profile[schema.DISPLAY_NAME],
        schema.OTHER_HANDLE: profile[schema.HANDLE],
        schema.PROFILE_VERSION: profile[schema.PROFILE_VERSION],
    }


def _membership(opening: Opening, user: str, shown: Mapping[str, Any]) -> dict[str, Any]:
    first = sort_key(opening.message_uuid)
    attributes = {
        schema.GROUP_UUID: opening.group_uuid,
        schema.KIND: opening.kind,
        **shown,
        schema.LAST_MESSAGE_SK: first,
        schema.LAST_MESSAGE: preview(opening.text),
        schema.LAST_SENDER_UUID: opening.creator,
        schema.LAST_READ_SK: first if user == opening.creator else None,
        schema.JOINED_AT: time_text(opening.now),
        schema.INBOX_USER: user,
    }
    return put(keys.membership_key(user, opening.group_uuid), attributes, ABSENT)


def _unchanged(user: str, profile: Mapping[str, Any]) -> dict[str, Any]:
    """A rename between reading a name and showing it cancels the transaction: the old name is never shown."""
    expected = profile[schema.PROFILE_VERSION]
    return check(keys.profile_key(user), f"{schema.PROFILE_VERSION} = :version", version=expected)
