"""The messages table: keys and index (design: "Messages table")."""

from __future__ import annotations

from typing import Final

PK: Final = "pk"
SK: Final = "sk"
EXPIRES_AT: Final = "expires_at"

INBOX_BY_RECENCY: Final = "inbox_by_recency"
INBOX_USER: Final = "inbox_user"
LAST_MESSAGE_SK: Final = "last_message_sk"

INBOX_PROJECTION: Final = (
    "group_uuid",
    "kind",
    "title",
    "other_user_uuid",
    "other_display_name",
    "other_handle",
    "last_message",
    "last_sender_uuid",
    "last_read_sk",
)
"""What a list of message groups shows, beside the keys."""
