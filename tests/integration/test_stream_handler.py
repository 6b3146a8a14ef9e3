"""The deployed stream handler under outages and poison: lists end at the newest message, and nothing is lost."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from local_cloud.impersonation import function_credentials
from switchboard.schema import deployment, messages
from tests.fakes.talks import Talk
from tests.integration.calls import eventually, quarantined, refused

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from local_cloud.stage import DeployedStage

SMALL, FULL = (240, 8), (2_000, 40)
"""Messages, and groups of two."""
OUTAGES = 3
OUTAGE_SECONDS = 0.7
DENY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Action": ["dynamodb:UpdateItem", "dynamodb:BatchGetItem"], "Resource": "*"}],
}


@contextmanager
def outages(local: DeployedStage) -> Iterator[None]:
    """Take the handler's access to the table away and give it back, several times."""
    function = local.parameter(deployment.STREAM_HANDLER_PATH)
    role = local.client("lambda").get_function_configuration(FunctionName=function)["Role"].rsplit("/", 1)[-1]
    iam, over = local.client("iam"), threading.Event()

    def run() -> None:
        for _ in range(OUTAGES):
            iam.put_role_policy(RoleName=role, PolicyName="Outage", PolicyDocument=json.dumps(DENY))
            over.wait(OUTAGE_SECONDS)
            iam.delete_role_policy(RoleName=role, PolicyName="Outage")
            over.wait(OUTAGE_SECONDS)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join()


class Lists:
    """What every member's list shows of each group, sampled until told to stop; it may only move forwards."""

    def __init__(self, local: DeployedStage, rows: list[dict[str, Any]]) -> None:
        self._client = local.client("dynamodb")
        self._table = local.parameter(deployment.MESSAGES_TABLE_PATH)
        self._rows = rows
        self.went_back: list[str] = []
        self._seen: dict[str, str] = {}

    def read(self) -> dict[str, str]:
        """The newest message shown, by user and group."""
        shown = {}
        for row in self._rows:
            item = self._client.get_item(TableName=self._table, Key=row, ConsistentRead=True)["Item"]
            name = item[messages.PK]["S"] + item[messages.SK]["S"]
            shown[name] = item[messages.LAST_MESSAGE_SK]["S"]
            if shown[name] < self._seen.get(name, ""):
                self.went_back.append(name)
        self._seen = shown
        return shown


def users(rng: random.Random, count: int) -> list[str]:
    return [str(UUID(int=rng.getrandbits(128), version=4)) for _ in range(count)]


def poison(local: DeployedStage, group: str) -> dict[str, Any]:
    """A message that can never be shown: its sort key is no time."""
    item = {messages.PK: {"S": messages.messages_key(group)}, messages.SK: {"S": "no time"}}
    local.client("dynamodb").put_item(TableName=local.parameter(deployment.MESSAGES_TABLE_PATH), Item=item)
    return item


def test_lists_end_at_the_newest_message_whatever_happens(
    local: DeployedStage, rng: random.Random, stress: bool
) -> None:
    count, pairs = FULL if stress else SMALL
    talk = Talk(local.client("dynamodb"), rng=rng, table=local.parameter(deployment.MESSAGES_TABLE_PATH))
    people = users(rng, 2 * pairs)
    for number, user in enumerate(people):
        talk.do("put_user", user, handle=f"h{rng.getrandbits(40):x}", display_name=f"Person {number}")
    groups = {}
    for one, other in zip(people[::2], people[1::2], strict=True):
        made = talk.do("create_message_group", one, other_user_uuid=other, message="first")
        groups[made["group_uuid"]] = (one, other)
    rows = [
        {messages.PK: {"S": messages.user_key(user)}, messages.SK: {"S": messages.membership_sort_key(group)}}
        for group, members in groups.items()
        for user in members
    ]
    lists, newest, poisoned = Lists(local, rows), {}, []
    with outages(local):
        for number in range(count):
            talk.now += timedelta(milliseconds=rng.randrange(3))
            group = rng.choice(list(groups))
            sender = rng.choice(groups[group])
            sent = talk.do("create_message", sender, group_uuid=group, message=f"message {number}")
            newest[group] = messages.message_sort_key(sent["created_at"], sent["message_uuid"])
            if number in {count // 3, count // 2}:
                poisoned.append(poison(local, group))
            if number % 50 == 0:
                lists.read()
    wanted = {
        messages.user_key(user) + messages.membership_sort_key(group): newest[group]
        for group, members in groups.items()
        if group in newest
        for user in members
    }
    eventually(lambda: lists.read().items() >= wanted.items(), "every list shows the newest message")
    assert lists.went_back == []
    kept = [one["payload"]["dynamodb"]["NewImage"] for one in quarantined(local, deployment.STREAM_HANDLER)]
    assert sorted(map(str, (image for image in kept if image in poisoned))) == sorted(map(str, poisoned))
    assert discarded(local) == []


def discarded(local: DeployedStage) -> list[str]:
    """What the mapping itself gave up: nothing may be."""
    (mapping,) = local.client("lambda").list_event_source_mappings(
        FunctionName=local.parameter(deployment.STREAM_HANDLER_PATH)
    )["EventSourceMappings"]
    found = local.client("s3").list_objects_v2(
        Bucket=local.parameter(deployment.QUARANTINE_PATH), Prefix=f"aws/lambda/{mapping['UUID']}"
    )
    return [one["Key"] for one in found.get("Contents", [])]


def test_the_handler_s_role_writes_previews_and_nothing_else(local: DeployedStage) -> None:
    """The loop guard in IAM: the handler can write neither messages nor names, whatever its code does."""
    credentials = function_credentials(local.cloud, local.parameter(deployment.STREAM_HANDLER_PATH))
    client, table = local.cloud.client("dynamodb", credentials), local.parameter(deployment.MESSAGES_TABLE_PATH)

    def key(pk: str) -> dict[str, Any]:
        return {messages.PK: {"S": pk}, messages.SK: {"S": "x"}}

    def update(pk: str, attribute: str) -> Callable[[], Any]:
        return lambda: client.update_item(
            TableName=table,
            Key=key(pk),
            UpdateExpression=f"SET {attribute} = :v",
            ExpressionAttributeValues={":v": {"S": "v"}},
        )

    member, group = messages.user_key("nobody"), messages.group_key("none")
    allowed = {
        "a preview": update(member, messages.LAST_MESSAGE),
        "a group's members": lambda: client.batch_get_item(RequestItems={table: {"Keys": [key(group)]}}),
    }
    denied = {
        "a name": update(member, messages.OTHER_DISPLAY_NAME),
        "a message": update(messages.messages_key("none"), messages.LAST_MESSAGE),
        "a group": update(group, messages.LAST_MESSAGE),
        "a profile's reading": lambda: client.batch_get_item(RequestItems={table: {"Keys": [key(member)]}}),
        "a put": lambda: client.put_item(TableName=table, Item=key(member)),
        "a removal": lambda: client.delete_item(TableName=table, Key=key(member)),
        "a query": lambda: client.query(
            TableName=table, KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": member}}
        ),
        "a scan": lambda: client.scan(TableName=table),
    }
    assert {name for name, call in (allowed | denied).items() if not refused(call)} == set(allowed)
