"""The messages table: keys, attributes, index and limits."""

from __future__ import annotations

from typing import Final

# --- attributes ------------------------------------------------------------------------------------------------------
PK: Final = "pk"
SK: Final = "sk"
EXPIRES_AT: Final = "expires_at"
"""The TTL attribute, epoch seconds. A message past it is not shown, deleted or not."""

MESSAGE_UUID: Final = "message_uuid"
USER_UUID: Final = "user_uuid"
MESSAGE: Final = "message"
OPENING: Final = "opening"
"""Set on the message that a new group's transaction writes: its previews are already in the memberships."""

GROUP_UUID: Final = "group_uuid"
KIND: Final = "kind"
TITLE: Final = "title"
MEMBERS: Final = "members"
CREATED_BY: Final = "created_by"
CREATED_AT: Final = "created_at"
JOINED_AT: Final = "joined_at"

OTHER_USER_UUID: Final = "other_user_uuid"
OTHER_DISPLAY_NAME: Final = "other_display_name"
OTHER_HANDLE: Final = "other_handle"
LAST_MESSAGE_SK: Final = "last_message_sk"
LAST_MESSAGE: Final = "last_message"
LAST_SENDER_UUID: Final = "last_sender_uuid"
LAST_READ_SK: Final = "last_read_sk"
INBOX_USER: Final = "inbox_user"
TEXT: Final = "text"
"""In `last_message`, which is a map of this and `expires_at` where the message expires, and else the text itself."""

HANDLE: Final = "handle"
DISPLAY_NAME: Final = "display_name"
EMAIL: Final = "email"
COGNITO_SUB: Final = "cognito_sub"
PROFILE_VERSION: Final = "profile_version"
NAME_FOLLOWS: Final = "name_follows"
"""On a profile whose new name may not yet be in every conversation: `put_user` and `rename_user` go on from there."""

# --- index -----------------------------------------------------------------------------------------------------------
INBOX_BY_RECENCY: Final = "inbox_by_recency"
"""Memberships by user and recency. Sparse: only memberships carry `inbox_user`."""

INBOX_PROJECTION: Final = (
    GROUP_UUID,
    KIND,
    TITLE,
    OTHER_USER_UUID,
    OTHER_DISPLAY_NAME,
    OTHER_HANDLE,
    LAST_MESSAGE,
    LAST_SENDER_UUID,
    LAST_READ_SK,
)
"""What a list of message groups shows, beside the keys."""

# --- values ----------------------------------------------------------------------------------------------------------
DM: Final = "dm"
GROUP: Final = "group"

# --- limits ----------------------------------------------------------------------------------------------------------
MIN_MEMBERS: Final = 2
MAX_MEMBERS: Final = 98
"""A group's transaction holds two items beside the memberships, and DynamoDB takes 100."""
MAX_TEXT_CHARACTERS: Final = 1_024
MAX_TEXT_BYTES: Final = 4_096
MAX_PREVIEW_BYTES: Final = 140
MAX_PAGE: Final = 100
DEFAULT_PAGE: Final = 50
MAX_UNREAD: Final = 99
MAX_MESSAGE_AGE_SECONDS: Final = 120
MAX_MESSAGE_AHEAD_SECONDS: Final = 1
HANDLE_PATTERN: Final = r"^[a-z0-9_.-]{3,30}$"
MAX_ID_BYTES: Final = 128
"""A group's or a user's id as it stands in keys: UTF-8 bytes, at least one."""

# --- keys ------------------------------------------------------------------------------------------------------------
MESSAGE_PREFIX: Final = "MSG#"
USER_PREFIX: Final = "USER#"
GROUP_PREFIX: Final = "GROUP#"
MEMBERSHIP_PREFIX: Final = "GRP#"
META: Final = "META"
PAIR: Final = "PAIR"
PROFILE: Final = "PROFILE"


def messages_key(group_uuid: str) -> str:
    """`pk` of a group's messages."""
    return f"{MESSAGE_PREFIX}{group_uuid}"


def message_sort_key(sent_at: str, message_uuid: str) -> str:
    """`sk` of a message; `sent_at` is the UUIDv7's own time as `YYYY-MM-DDTHH:MM:SS.mmmZ`."""
    return f"{sent_at}#{message_uuid}"


def user_key(user_uuid: str) -> str:
    """`pk` of a user's profile and memberships."""
    return f"{USER_PREFIX}{user_uuid}"


def membership_sort_key(group_uuid: str) -> str:
    """`sk` of a user's membership in a group. It holds no time, so that a group's row is updated in place."""
    return f"{MEMBERSHIP_PREFIX}{group_uuid}"


def group_key(group_uuid: str) -> str:
    """`pk` of a group; its `sk` is `META`."""
    return f"{GROUP_PREFIX}{group_uuid}"


def pair_key(one: str, other: str) -> str:
    """`pk` of the one conversation of two people, whoever begins; its `sk` is `PAIR`."""
    low, high = sorted((one, other))
    return f"PAIR#{low}#{high}"


def handle_key(handle: str) -> str:
    """`pk` and `sk` of a handle's directory entry."""
    return f"HANDLE#{handle}"


def subject_key(cognito_sub: str) -> str:
    """`pk` and `sk` of a Cognito subject's directory entry."""
    return f"SUB#{cognito_sub}"
