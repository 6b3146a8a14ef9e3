from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conformance.scenarios import code_of, insert, statement, table

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud


def streamed_table(cloud: LocalCloud) -> str:
    return table(cloud, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})


def stream(cloud: LocalCloud, name: str) -> list[tuple[str, bool, bool]]:
    """Every record: its kind, and whether it holds an old and a new image."""
    client = cloud.client("dynamodbstreams")
    arn = cloud.client("dynamodb").describe_table(TableName=name)["Table"]["LatestStreamArn"]
    shard = client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    start = client.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    records = client.get_records(ShardIterator=start)["Records"]
    return [(one["eventName"], "OldImage" in one["dynamodb"], "NewImage" in one["dynamodb"]) for one in records]


def records_of_three_writes(cloud: LocalCloud) -> list[tuple[str, bool, bool]]:
    name, client = streamed_table(cloud), cloud.client("dynamodb")
    for one in (
        insert(name, "p"),
        statement("UPDATE TABLE SET n = 1 WHERE pk = ? AND sk = ?", name, "p", "a"),
        statement("DELETE FROM TABLE WHERE pk = ? AND sk = ?", name, "p", "a"),
    ):
        answer = client.batch_execute_statement(Statements=[one])
        assert "Error" not in answer["Responses"][0]
    return stream(cloud, name)


def test_every_partiql_write_reaches_the_stream(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    assert records_of_three_writes(corrected) == [
        ("INSERT", False, True),
        ("MODIFY", True, True),
        ("REMOVE", True, False),
    ]
    assert records_of_three_writes(as_it_comes) == []


def test_what_changes_nothing_is_no_modification(corrected: LocalCloud) -> None:
    name, client = streamed_table(corrected), corrected.client("dynamodb")
    update = statement("UPDATE TABLE SET n = 1 WHERE pk = ? AND sk = ?", name, "p", "a")
    missing = statement("UPDATE TABLE SET n = 1 WHERE pk = ? AND sk = ? AND n = 2", name, "p", "a")
    gone = statement("DELETE FROM TABLE WHERE pk = ? AND sk = ?", name, "nobody", "a")
    for one in (insert(name, "p"), insert(name, "p"), update, update, missing, gone):
        client.batch_execute_statement(Statements=[one])
    assert [kind for kind, _, _ in stream(corrected, name)] == ["INSERT", "MODIFY"]


def test_a_cancelled_transaction_leaves_no_record(corrected: LocalCloud) -> None:
    name, client = streamed_table(corrected), corrected.client("dynamodb")
    client.execute_transaction(TransactStatements=[insert(name, "p"), insert(name, "q")])
    cancelled = [insert(name, "r"), insert(name, "p")]
    assert code_of(lambda: client.execute_transaction(TransactStatements=cancelled)) == "TransactionCanceledException"
    assert [kind for kind, _, _ in stream(corrected, name)] == ["INSERT", "INSERT"]
