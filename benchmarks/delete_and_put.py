"""The straightforward handler that the stream handler is compared with: for every message and member a new row.

The row's sort key begins with the time of its newest message, so that a list of groups is one query of the table, and
needs no index. A row can then not be updated: the old one is found, deleted, and put again under another key, in one
transaction, because a reader between the two would miss the group. A new group is made by one put for each item, its
rows under the time at which it was made, and its first message is followed like any other.
"""

from __future__ import annotations

from typing import Any

from switchboard.messages.keys import group_key, pair_key
from switchboard.messages.sort_keys import time_of
from switchboard.schema import messages as schema


def old_row(member: str, group: str, newest: str) -> dict[str, Any]:
    """A member's row of a group whose newest message has the sort key `newest`, or which was made at that time."""
    return {
        schema.PK: {"S": schema.user_key(member)},
        schema.SK: {"S": schema.membership_sort_key(f"{newest}#{group}")},
        schema.GROUP_UUID: {"S": group},
        schema.KIND: {"S": schema.DM},
        schema.LAST_MESSAGE: {"S": "hello"},
        schema.LAST_SENDER_UUID: {"S": member},
    }


def open_group(client: Any, table: str, record: dict[str, Any], members: list[str]) -> None:
    """Make a group of two people whose first message is that of `record`, up to what the handler does."""
    image = record["dynamodb"]["NewImage"]
    group = image[schema.PK]["S"].removeprefix(schema.MESSAGE_PREFIX)
    meta = {**group_key(group).attributes(), schema.MEMBERS: {"SS": members}}
    pair = {**pair_key(*members).attributes(), schema.GROUP_UUID: {"S": group}}
    made_at = time_of(image[schema.SK]["S"])
    for item in (meta, pair, image, *(old_row(member, group, made_at) for member in members)):
        client.put_item(TableName=table, Item=item)


def delete_and_put(client: Any, table: str, record: dict[str, Any]) -> None:
    """Follow one stream record of a new message."""
    image = record["dynamodb"]["NewImage"]
    group = image[schema.PK]["S"].removeprefix(schema.MESSAGE_PREFIX)
    meta = client.get_item(TableName=table, Key=group_key(group).attributes(), ConsistentRead=True)["Item"]
    for member in meta[schema.MEMBERS]["SS"]:
        found = client.query(
            TableName=table,
            KeyConditionExpression=f"{schema.PK} = :user AND begins_with({schema.SK}, :groups)",
            FilterExpression=f"{schema.GROUP_UUID} = :group",
            ExpressionAttributeValues={
                ":user": {"S": schema.user_key(member)},
                ":groups": {"S": schema.MEMBERSHIP_PREFIX},
                ":group": {"S": group},
            },
            ConsistentRead=True,
        )
        (row,) = found["Items"]
        old_key = {schema.PK: row[schema.PK], schema.SK: row[schema.SK]}
        new_row = {
            **old_row(member, group, image[schema.SK]["S"]),
            schema.LAST_MESSAGE: image[schema.MESSAGE],
            schema.LAST_SENDER_UUID: image[schema.USER_UUID],
        }
        client.transact_write_items(
            TransactItems=[
                {"Delete": {"TableName": table, "Key": old_key}},
                {"Put": {"TableName": table, "Item": new_row}},
            ]
        )
