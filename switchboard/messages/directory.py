"""The directory: a profile for each person, and one entry for each handle and Cognito subject, changed together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from switchboard.messages import keys
from switchboard.messages.errors import ErrorCode, FieldCode, FieldError, Refused
from switchboard.messages.table import ABSENT, CONDITION_FAILED, Canceled, put
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.messages.keys import Key
    from switchboard.messages.table import MessagesTable

_FREE_OR_OURS: Final = f"{ABSENT} OR {schema.USER_UUID} = :user"
_UNCHANGED: Final = f"{schema.PROFILE_VERSION} = :version"
_NAMES: Final = (schema.HANDLE, schema.DISPLAY_NAME)


def replace_profile(
    table: MessagesTable, user_uuid: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]
) -> dict[str, Any]:
    """Put the profile `after` in the place of `before` (None: a new person) and answer it, with its new version.

    One transaction takes the new handle and subject and releases the old ones, so that each belongs to one person at
    any time. A new name is marked as one that conversations do not show yet: `name_arrived` takes the mark away. Raises
    `Refused` (`handle_taken`, or `conflict` for a subject that is somebody else's), and `Canceled`
    where the profile is no longer `before`: read it again and decide anew. Nothing was written then.
    """
    version = before[schema.PROFILE_VERSION] if before else 0
    profile = {**after, schema.PROFILE_VERSION: version + 1}
    if before and (schema.NAME_FOLLOWS in before or any(before[name] != after[name] for name in _NAMES)):
        profile[schema.NAME_FOLLOWS] = True
    standing = (_UNCHANGED, {"version": version}) if before else (ABSENT, {})
    old, new = _entries(before or {}), _entries(profile)
    taken = [key for key in new if key not in old]
    released = [key for key in old if key not in new]
    try:
        table.write_together(
            [
                put(keys.profile_key(user_uuid), profile, standing[0], **standing[1]),
                *(put(key, {schema.USER_UUID: user_uuid}, _FREE_OR_OURS, user=user_uuid) for key in taken),
                *(_release(key, user_uuid) for key in released),
            ]
        )
    except Canceled as canceled:
        for key, reason in zip(taken, canceled.reasons[1:], strict=False):
            if reason == CONDITION_FAILED:
                raise _taken(new[key]) from canceled
        raise
    return profile


def name_arrived(table: MessagesTable, user_uuid: str, profile: Mapping[str, Any]) -> None:
    """Note that every conversation shows the names of this profile, unless a newer one has been put meanwhile."""
    if schema.NAME_FOLLOWS in profile:
        table.update(
            keys.profile_key(user_uuid),
            UpdateExpression=f"REMOVE {schema.NAME_FOLLOWS}",
            ConditionExpression=_UNCHANGED,
            ExpressionAttributeValues={":version": {"N": str(profile[schema.PROFILE_VERSION])}},
        )


def _entries(profile: Mapping[str, Any]) -> dict[Key, str]:
    """The directory's entries that belong to a profile, each with the field that it stands for."""
    makers = {schema.HANDLE: keys.handle_key, schema.COGNITO_SUB: keys.subject_key}
    return {make(profile[field]): field for field, make in makers.items() if profile.get(field)}


def _release(key: Key, user_uuid: str) -> dict[str, Any]:
    return {
        "Delete": {
            "Key": key.attributes(),
            "ConditionExpression": _FREE_OR_OURS,
            "ExpressionAttributeValues": {":user": {"S": user_uuid}},
        }
    }


def _taken(field: str) -> Refused:
    code = ErrorCode.HANDLE_TAKEN if field == schema.HANDLE else ErrorCode.CONFLICT
    return Refused(
        code,
        "Somebody else has this handle or subject: choose another one.",
        [FieldError(f"/{field}", FieldCode.TAKEN, "is somebody else's")],
    )
