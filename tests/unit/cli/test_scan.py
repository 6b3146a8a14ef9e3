"""`switchboard scan`, on another implementation of DynamoDB than ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.messages import keys
from switchboard.schema import messages as schema
from tests.fakes.messages_table import TABLE
from tests.fakes.moto_table import moto_table
from tests.fakes.stage import aws_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.stage import FakeStage


@pytest.fixture(autouse=True)
def client(stage: FakeStage) -> Iterator[Any]:
    """Twenty profiles and a pair, on moto."""
    with moto_table() as made:
        for number in range(20):
            item = {**keys.profile_key(f"u-{number:02}").attributes(), "n": {"N": str(number)}}
            made.put_item(TableName=TABLE, Item=item)
        pair = keys.pair_key("u-01", "u-02").attributes()
        made.put_item(TableName=TABLE, Item={**pair, "members": {"SS": ["b", "a"]}, "raw": {"B": b"\x00\xff"}})
        stage.dynamodb = made
        yield made


def printed(result: Any) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_items_are_printed_until_the_limit(stage: FakeStage) -> None:
    result = stage.do("scan", "messages", "--limit", "5", "--json")
    assert len(printed(result)) == 5
    assert "5 items; there are more: raise --limit." in result.stderr
    assert "read capacity units" in result.stderr
    whole = stage.do("scan", "messages", "--limit", "21", "--json")
    assert len(printed(whole)) == 21
    assert "21 items.\n" in whole.stderr


def test_items_are_printed_in_dynamodb_s_form_or_for_a_person(stage: FakeStage) -> None:
    (pair,) = printed(stage.do("scan", "messages", "--prefix", "PAIR#", "--json"))
    assert pair[schema.PK] == {"S": "PAIR#u-01#u-02"}
    assert (sorted(pair["members"]["SS"]), pair["raw"]) == (["a", "b"], {"B": "AP8="})
    (line,) = stage.do("scan", "messages", "--prefix", "PAIR#").stdout.splitlines()
    assert line.startswith("PAIR#u-01#u-02  PAIR  {")
    assert json.loads(line.partition("PAIR  ")[2]) == {"members": ["a", "b"], "raw": "AP8="}


@pytest.mark.parametrize("table", ["my table", "ab", "a/b", "x" * 256, "arn:aws:dynamodb:my table", ""])
def test_what_can_be_no_tables_name_is_wrong_usage(stage: FakeStage, table: str) -> None:
    result = stage.run("scan", table)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "or a table's exact name" in result.stderr


def test_a_table_is_found_by_its_arn(stage: FakeStage, client: Any) -> None:
    arn = client.describe_table(TableName=TABLE)["Table"]["TableArn"]
    assert len(printed(stage.do("scan", arn, "--limit", "3", "--json"))) == 3


def test_pages_are_read_to_the_end(stage: FakeStage, client: Any) -> None:
    for number in range(30):
        big = {**keys.profile_key(f"big-{number:02}").attributes(), "text": {"S": "x" * 100_000}}
        client.put_item(TableName=TABLE, Item=big)
    found = printed(stage.do("scan", "messages", "--prefix", "USER#big", "--json"))
    assert sorted(each[schema.PK]["S"] for each in found) == [f"USER#big-{number:02}" for number in range(30)]


def test_a_prefix_is_of_whatever_the_table_calls_its_partition_key(stage: FakeStage, client: Any) -> None:
    client.create_table(
        TableName="legacy",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "timestamp", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "timestamp", "AttributeType": "S"}],
    )
    for text in ("2020-a", "2021-b"):
        client.put_item(TableName="legacy", Item={"timestamp": {"S": text}})
    assert printed(stage.do("scan", "legacy", "--prefix", "2021", "--json")) == [{"timestamp": {"S": "2021-b"}}]
    assert stage.do("scan", "legacy", "--prefix", "2021").stdout == '{"timestamp": "2021-b"}\n'


@pytest.mark.parametrize("words", [("no-such-table",), ("no-such-table", "--prefix", "x"), ("runs",), ("Messages",)])
def test_a_table_that_is_not_there_ends_with_4(stage: FakeStage, words: tuple[str, ...]) -> None:
    result = stage.run("scan", *words)
    assert (result.exit_code, result.stdout) == (4, "")
    assert "no-such-table" not in result.stderr


def test_a_busy_table_ends_with_6(stage: FakeStage) -> None:
    class Busy:
        def scan(self, **_request: Any) -> Any:
            raise aws_error("ProvisionedThroughputExceededException", "Scan")

    stage.dynamodb = Busy()
    assert stage.run("scan", "messages").exit_code == 6


@pytest.mark.parametrize("words", [(), ("messages", "--limit", "0"), ("messages", "cdr")])
def test_wrong_usage_ends_with_2(stage: FakeStage, words: tuple[str, ...]) -> None:
    assert stage.run("scan", *words).exit_code == 2
