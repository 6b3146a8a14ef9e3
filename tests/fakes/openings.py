"""New groups: requests that make them, and what must be true of them afterwards."""

from __future__ import annotations

from typing import Any

from switchboard.dynamo.values import from_item
from switchboard.messages import keys
from switchboard.schema import messages as schema
from tests.fakes.messages_table import MessagesTable
from tests.fakes.talks import ANN, BEN, CAT, DAN, EVE, Talk

PAIR = {"other_user_uuid": BEN}
FIVE = {"member_uuids": [BEN, CAT, DAN, EVE], "title": "Lunch"}


def stored(table: MessagesTable, key: keys.Key) -> dict[str, Any]:
    return from_item(table.items[key])


def introduced() -> tuple[MessagesTable, Talk]:
    table = MessagesTable()
    talk = Talk(table)
    talk.introduce(ANN, BEN, CAT, DAN, EVE)
    return table, talk


def groups(table: MessagesTable) -> list[str]:
    return [pk.removeprefix("GROUP#") for pk, sk in table.items if sk == schema.META]


def assert_whole(table: MessagesTable, group_uuid: str) -> None:
    """Every group has a membership for each member and its message, and there is nothing beyond that."""
    members = stored(table, keys.group_key(group_uuid))[schema.MEMBERS]
    memberships = {pk for pk, sk in table.items if sk == schema.membership_sort_key(group_uuid)}
    assert memberships == {schema.user_key(member) for member in members}
    assert any(pk == schema.messages_key(group_uuid) for pk, _ in table.items)
