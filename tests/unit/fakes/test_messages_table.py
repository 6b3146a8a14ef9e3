"""The table in memory against moto's: the same programs, the same answers and the same items in the end."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from switchboard.dynamo.budget import Budget
from switchboard.messages.previews import Arrival, PreviewUpdate
from switchboard.messages.reconcile import group_uuids, reconcile_group
from switchboard.messages.rename import rename_user
from switchboard.messages.runtime import Runtime
from switchboard.messages.table import MessagesTable
from switchboard.schema import messages as schema
from tests.fakes import messages_table as fakes
from tests.fakes.conversations import NOW, message, new_group, person
from tests.fakes.executors import Inline
from tests.fakes.messages_table import TABLE
from tests.fakes.moto_table import moto_table

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from tests.fakes.expressions import Item

BUDGET = Budget(remaining_seconds=lambda: 60.0, sleep=lambda _: None, jitter=lambda: 0.5)


@pytest.fixture
def moto() -> Iterator[Any]:
    with moto_table() as client:
        yield client


def both(moto: Any, run: Callable[[Any], object]) -> None:
    """Run a program on each table: the same outcome, and the same items afterwards."""
    fake = fakes.MessagesTable()
    assert outcome(run, fake) == outcome(run, moto)
    stored = {(item[schema.PK]["S"], item[schema.SK]["S"]): item for item in moto.scan(TableName=TABLE)["Items"]}
    assert stored == fake.items


def outcome(run: Callable[[Any], object], client: Any) -> object:
    try:
        return run(client)
    except ClientError as error:
        reasons: Any = error.response.get("CancellationReasons", ())
        return error.response["Error"]["Code"], [reason["Code"] for reason in reasons]


def fill(client: Any) -> None:
    items: list[Item] = [*new_group("g", "ann", "bob"), *new_group("h", "ann", "bob", "cem"), *person("ann")]
    for item in [*items, *person("bob"), *person("cem")]:
        client.put_item(TableName=TABLE, Item=item)


def domain_table(client: Any) -> MessagesTable:
    return MessagesTable(client, TABLE, budget=BUDGET)


def follow(client: Any, *items: Item) -> object:
    arrivals = [Arrival(str(position), item) for position, item in enumerate(items)]
    return PreviewUpdate(
        arrivals, client=client, table=TABLE, executor=Inline(), keep=lambda *_: True, now=NOW, budget=BUDGET
    ).run()


def test_previews_are_followed_alike(moto: Any) -> None:
    def run(client: Any) -> object:
        fill(client)
        items = message("g", 5), message("h", 3), message("g", 4), message("ghost", 1)
        return follow(client, *items), follow(client, message("g", 2), message("h", 9))

    both(moto, run)


def test_names_are_changed_alike(moto: Any) -> None:
    def run(client: Any) -> object:
        fill(client)
        runtime = Runtime(domain_table(client), clock=lambda: datetime.fromtimestamp(NOW, UTC), new_uuid7=str)
        first = rename_user(runtime, {"user_uuid": "ann", "handle": "annie", "display_name": "Annie"})
        return first, rename_user(runtime, {"user_uuid": "bob", "handle": "ann"})

    both(moto, run)


def test_taken_handles_are_refused_alike(moto: Any) -> None:
    def run(client: Any) -> object:
        fill(client)
        runtime = Runtime(domain_table(client), clock=lambda: datetime.fromtimestamp(NOW, UTC), new_uuid7=str)
        with pytest.raises(Exception, match="Somebody else") as refused:
            rename_user(runtime, {"user_uuid": "ann", "handle": "bob"})
        return type(refused.value)

    both(moto, run)


def test_previews_are_reconciled_alike(moto: Any) -> None:
    def run(client: Any) -> object:
        fill(client)
        gone = {schema.EXPIRES_AT: {"N": str(int(NOW))}}
        for item in (message("g", 4), message("h", 8, more=gone), message("h", 6)):
            client.put_item(TableName=TABLE, Item=item)
        for number, item in enumerate(new_group("e", "ann", "bob")):
            if number != 1:
                client.put_item(TableName=TABLE, Item=item)
        table = domain_table(client)
        return {group: reconcile_group(table, group, now=NOW) for group in sorted(group_uuids(table))}

    both(moto, run)


def test_pages_and_conditions_are_alike(moto: Any, rng: random.Random) -> None:
    numbers = rng.sample(range(1, 30), 20)
    bound = {":group": {"S": "MSG#g"}, ":low": {"S": "2026"}, ":text": {"S": f"message {numbers[3]}"}}

    def put_new(client: Any, item: Item) -> None:
        client.put_item(TableName=TABLE, Item=item, ConditionExpression="attribute_not_exists(pk)")

    def run(client: Any) -> object:
        answers: list[object] = []
        for number in (*numbers, *numbers):
            answers.append(outcome(partial(put_new, item=message("g", number)), client))
        for forward in (True, False):
            request: dict[str, Any] = {
                "TableName": TABLE,
                "KeyConditionExpression": "pk = :group AND sk > :low",
                "FilterExpression": "NOT message = :text",
                "ExpressionAttributeValues": bound,
                "ConsistentRead": True,
                "ScanIndexForward": forward,
                "Limit": 7,
            }
            while request:
                page = client.query(**request)
                answers.append((page["Items"], page["ScannedCount"]))
                more = page.get("LastEvaluatedKey")
                request = {**request, "ExclusiveStartKey": more} if more else {}
        return answers

    both(moto, run)


@pytest.mark.parametrize("stands", [True, False])
def test_a_transaction_is_canceled_alike(moto: Any, stands: bool) -> None:
    def run(client: Any) -> object:
        if stands:
            fill(client)
        version = {":version": {"N": "1"}}
        profile = {schema.PK: {"S": "USER#ann"}, schema.SK: {"S": "PROFILE"}}
        entry = {schema.PK: {"S": "HANDLE#x"}, schema.SK: {"S": "HANDLE#x"}}
        check = {"ConditionExpression": "profile_version = :version", "ExpressionAttributeValues": version}
        client.transact_write_items(
            TransactItems=[
                {"ConditionCheck": {"TableName": TABLE, "Key": profile, **check}},
                {"Put": {"TableName": TABLE, "Item": entry, "ConditionExpression": "attribute_not_exists(pk)"}},
            ]
        )
        return None

    both(moto, run)
