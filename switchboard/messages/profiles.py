"""Profiles: who somebody is, to others and to themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from switchboard.messages import keys
from switchboard.messages.errors import not_found
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.messages.runtime import Runtime
    from switchboard.messages.table import MessagesTable

CONTACTS: Final = (schema.EMAIL, schema.COGNITO_SUB)
"""What of a profile is shown to the person alone."""


def get_user(runtime: Runtime, request: Mapping[str, Any]) -> dict[str, Any]:
    """The operation `get_user`. Raises `Refused` (`not_found`)."""
    caller, handle = request[schema.USER_UUID], request.get(schema.HANDLE)
    user_uuid = caller if handle is None else user_of_handle(runtime.table, handle)
    profile = runtime.table.get(keys.profile_key(user_uuid)) if user_uuid else None
    if profile is None or user_uuid is None:
        path = f"/{schema.USER_UUID if handle is None else schema.HANDLE}"
        raise not_found(path, "is not a user: put their profile first")
    return shown_profile(user_uuid, profile, to=caller)


def user_of_handle(table: MessagesTable, handle: str) -> str | None:
    """Whose handle this is, upper case counting as lower case; None where nobody's."""
    entry = table.get(keys.handle_key(handle.lower()))
    return entry[schema.USER_UUID] if entry else None


def shown_profile(user_uuid: str, profile: Mapping[str, Any], *, to: str) -> dict[str, Any]:
    """A stored profile as `to` may see it: e-mail and subject are for the person themselves."""
    shown = (schema.HANDLE, schema.DISPLAY_NAME, schema.PROFILE_VERSION, *(CONTACTS if to == user_uuid else ()))
    return {schema.USER_UUID: user_uuid, **{name: profile[name] for name in shown if name in profile}}
