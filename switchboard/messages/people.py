"""A person's own profile, put whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from switchboard.messages import keys
from switchboard.messages.directory import replace_profile
from switchboard.messages.errors import ErrorCode, FieldCode, FieldError, Refused, throttled
from switchboard.messages.profiles import CONTACTS, shown_profile
from switchboard.messages.rename import show_name
from switchboard.messages.table import Canceled
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.messages.runtime import Runtime
    from switchboard.messages.table import MessagesTable

_FIELDS: Final = (schema.HANDLE, schema.DISPLAY_NAME, *CONTACTS)


def put_user(runtime: Runtime, request: Mapping[str, Any]) -> dict[str, Any]:
    """The operation `put_user`: the profile is what the request says, and every conversation shows its names.

    Nothing is written where it is so already. Raises `Refused`: `handle_taken`, `conflict` for another's subject or a
    profile of another version than the request names, `throttled` where time or patience ended before all was done; the
    same request goes on from there.
    """
    caller = request[schema.USER_UUID]
    wanted = {name: request[name] for name in _FIELDS if name in request}
    wanted[schema.HANDLE] = wanted[schema.HANDLE].lower()
    known, profile = _stored(runtime.table, caller, wanted, expected=request.get(schema.PROFILE_VERSION))
    if known and not show_name(runtime.table, caller, profile).complete:
        raise throttled()
    return shown_profile(caller, profile, to=caller)


def _stored(
    table: MessagesTable, user_uuid: str, wanted: Mapping[str, str], *, expected: int | None
) -> tuple[bool, Mapping[str, Any]]:
    """Whether there was a profile before, and the profile now that it is what is wanted."""
    for _ in table.attempts():
        before = table.get(keys.profile_key(user_uuid))
        if before and {name: before[name] for name in _FIELDS if name in before} == wanted:
            return True, before
        # Asked after the comparison: a request that is sent again has made a newer version by itself.
        if expected is not None and expected != (before[schema.PROFILE_VERSION] if before else 0):
            raise _overtaken()
        try:
            return before is not None, replace_profile(table, user_uuid, before, wanted)
        except Canceled:
            continue
    raise throttled()


def _overtaken() -> Refused:
    return Refused(
        ErrorCode.CONFLICT,
        "The profile was changed since it was read: read it again and decide anew.",
        [FieldError(f"/{schema.PROFILE_VERSION}", FieldCode.TAKEN, "is not the profile's version any more")],
    )
