"""Who may read and write in a group: its members, each by an item of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from switchboard.messages.errors import not_a_member
from switchboard.messages.keys import membership_key

if TYPE_CHECKING:
    from switchboard.messages.table import MessagesTable


def require_membership(table: MessagesTable, user_uuid: str, group_uuid: str) -> dict[str, Any]:
    """The user's membership in the group, strongly consistent. Raises `Refused` (`not_a_member`)."""
    membership = table.get(membership_key(user_uuid, group_uuid))
    if membership is None:
        raise not_a_member()
    return membership
