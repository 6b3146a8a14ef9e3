"""Primary keys of the messages table, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from switchboard.dynamo.values import AttributeValue


class Key(NamedTuple):
    """The primary key of an item."""

    pk: str
    sk: str

    def attributes(self) -> dict[str, AttributeValue]:
        """The key in DynamoDB's JSON form."""
        return {schema.PK: {"S": self.pk}, schema.SK: {"S": self.sk}}


def message_key(group_uuid: str, sort_key: str) -> Key:
    """The key of a message."""
    return Key(schema.messages_key(group_uuid), sort_key)


def membership_key(user_uuid: str, group_uuid: str) -> Key:
    """The key of a user's membership in a group."""
    return Key(schema.user_key(user_uuid), schema.membership_sort_key(group_uuid))


def group_key(group_uuid: str) -> Key:
    """The key of a group."""
    return Key(schema.group_key(group_uuid), schema.META)


def pair_key(one: str, other: str) -> Key:
    """The key of the one conversation of two people, in either order."""
    return Key(schema.pair_key(one, other), schema.PAIR)


def profile_key(user_uuid: str) -> Key:
    """The key of a user's profile."""
    return Key(schema.user_key(user_uuid), schema.PROFILE)


def handle_key(handle: str) -> Key:
    """The key of a handle's directory entry; `handle` is in lower case."""
    return Key(schema.handle_key(handle), schema.handle_key(handle))


def subject_key(cognito_sub: str) -> Key:
    """The key of a Cognito subject's directory entry."""
    return Key(schema.subject_key(cognito_sub), schema.subject_key(cognito_sub))
