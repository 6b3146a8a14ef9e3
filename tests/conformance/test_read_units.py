from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.scenarios import table

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

ITEM_BYTES = 1_000
ITEMS = 40


def units(cloud: LocalCloud) -> list[float]:
    """Units of a strong and an eventual query of 40,000 bytes, a query of nothing, and a strong get of 1,000 bytes."""
    name, client = table(cloud), cloud.client("dynamodb")
    for n in range(ITEMS):
        keys = {"pk": {"S": "p"}, "sk": {"S": f"{n:02}"}}
        filler = ITEM_BYTES - len("pk" + "p" + "sk" + "00" + "filler")
        client.put_item(TableName=name, Item=keys | {"filler": {"S": "x" * filler}})

    def query(pk: str, *, strong: bool) -> float:
        answer = client.query(
            TableName=name,
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": pk}},
            ProjectionExpression="sk",
            ConsistentRead=strong,
            ReturnConsumedCapacity="TOTAL",
        )
        return float(answer["ConsumedCapacity"]["CapacityUnits"])

    one = client.get_item(
        TableName=name,
        Key={"pk": {"S": "p"}, "sk": {"S": "00"}},
        ConsistentRead=True,
        ReturnConsumedCapacity="TOTAL",
    )
    got = float(one["ConsumedCapacity"]["CapacityUnits"])
    return [query("p", strong=True), query("p", strong=False), query("nobody", strong=False), got]


def test_reads_cost_what_they_read(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    assert units(corrected) == [10.0, 5.0, 0.5, 1.0]
    assert units(as_it_comes) == [1.0, 0.5, 0.5, 1.0]
