"""`switchboard schema`, on another implementation of DynamoDB than ours."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from cli import building
from switchboard.schema import deployment
from tests.fakes.stage import FakeStage, aws_error

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

CDR, MESSAGES, LEGACY = "switchboard-local-cdr", "switchboard-local-messages", "legacy_cdr"


def keys(partition_key: str, sort_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition_key, "KeyType": "HASH"},
        {"AttributeName": sort_key, "KeyType": "RANGE"},
    ]


def table(protected: bool = False, **more: Any) -> dict[str, Any]:
    properties = {
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
        "BillingMode": "PAY_PER_REQUEST",
        "DeletionProtectionEnabled": protected,
        "KeySchema": keys("pk", "sk"),
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"KMSMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]}, "SSEEnabled": True},
        "Tags": [{"Key": "stage", "Value": "local"}],
        **more,
    }
    return {"Type": "AWS::DynamoDB::Table", "Properties": properties}


def published(stage: str, path: str, logical_id: str) -> dict[str, Any]:
    name = deployment.parameter_name(stage, path)
    return {"Type": "AWS::SSM::Parameter", "Properties": {"Name": name, "Value": {"Ref": logical_id}}}


INDEX = {"IndexName": "by_day", "KeySchema": keys("day", "sk"), "Projection": {"ProjectionType": "ALL"}}
INDEXED = {
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "day")],
    "GlobalSecondaryIndexes": [INDEX],
    "StreamSpecification": {"StreamViewType": "OLD_IMAGE"},
}


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    """What `cdk synth` writes, of two stages with three tables."""
    for stage in ("local", "prod"):
        folder = tmp_path / f"assembly-{stage}"
        folder.mkdir()
        artifacts = {
            name: {
                "type": "aws:cloudformation:stack",
                "properties": {
                    "templateFile": f"{name}.json",
                    "stackName": deployment.stack_name(stage, name),
                },
            }
            for name in ("data", "functions")
        }
        manifest = {"artifacts": {**artifacts, "Tree": {"type": "cdk:tree", "properties": {}}}}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        ttl = {"TimeToLiveSpecification": {"AttributeName": "expires_at", "Enabled": True}}
        resources = {
            "Cdr0": table(stage == "prod", **INDEXED),
            "Messages0": table(stage == "prod", **ttl),
            "Legacy0": table(TableName=LEGACY),
            "P1": published(stage, "cdr/table", "Cdr0"),
            "P2": published(stage, "messages/table", "Messages0"),
            "P3": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Name": "/else", "Value": {"Fn::GetAtt": ["K", "Arn"]}},
            },
        }
        (folder / "data.json").write_text(json.dumps({"Resources": resources}))
    return tmp_path


@pytest.fixture(autouse=True)
def client(stage: FakeStage) -> Iterator[Any]:
    """An engine without a deployment."""
    with mock_aws():
        stage.published.clear()
        stage.dynamodb = boto3.client("dynamodb", region_name="us-east-1")
        yield stage.dynamodb


def load(stage: FakeStage, assembly: Path, *words: str) -> dict[str, str]:
    result = stage.do("schema", "load", "--assembly", str(assembly), "--json", *words)
    return {row["name"]: row["state"] for row in map(json.loads, result.stdout.splitlines())}


def test_tables_are_built_with_everything_that_the_template_says(stage: FakeStage, client: Any, assembly: Path) -> None:
    assert load(stage, assembly) == dict.fromkeys((CDR, MESSAGES, LEGACY), "created")
    described = client.describe_table(TableName=CDR)["Table"]
    assert described["KeySchema"] == keys("pk", "sk")
    (index,) = described["GlobalSecondaryIndexes"]
    assert (index["IndexName"], index["KeySchema"]) == ("by_day", keys("day", "sk"))
    assert described["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"}
    assert described["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    expiry = client.describe_time_to_live(TableName=MESSAGES)["TimeToLiveDescription"]
    assert expiry == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    for name in (CDR, MESSAGES, LEGACY):
        backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_a_second_load_changes_nothing(stage: FakeStage, client: Any, assembly: Path) -> None:
    load(stage, assembly)
    client.put_item(TableName=CDR, Item={"pk": {"S": "x"}, "sk": {"S": "x"}})
    assert load(stage, assembly) == dict.fromkeys((CDR, MESSAGES, LEGACY), "exists")
    assert client.scan(TableName=CDR)["Count"] == 1


def test_what_was_interrupted_is_completed(stage: FakeStage, client: Any, assembly: Path) -> None:
    load(stage, assembly)
    off = {"Enabled": False, "AttributeName": "expires_at"}
    client.update_time_to_live(TableName=MESSAGES, TimeToLiveSpecification=off)
    client.delete_table(TableName=LEGACY)
    assert load(stage, assembly) == {CDR: "exists", MESSAGES: "exists", LEGACY: "created"}
    assert client.describe_time_to_live(TableName=MESSAGES)["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"


def test_a_table_of_other_keys_is_left_alone_and_ends_with_5(stage: FakeStage, client: Any, assembly: Path) -> None:
    client.create_table(
        TableName=CDR,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=keys("pk", "sk"),
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    )
    result = stage.run("schema", "load", "--assembly", str(assembly))
    assert result.exit_code == 5
    assert CDR in result.stderr
    assert MESSAGES in result.stdout
    assert "StreamSpecification" not in client.describe_table(TableName=CDR)["Table"]


def test_an_engine_that_lacks_something_is_told_of(stage: FakeStage, assembly: Path) -> None:
    real = stage.dynamodb

    class Simple:
        def __getattr__(self, name: str) -> Any:
            if "backups" in name or "time_to_live" in name:
                return self.refuse
            return getattr(real, name)

        def refuse(self, **_request: Any) -> Any:
            raise aws_error("UnknownOperationException")

    stage.dynamodb = Simple()
    result = stage.do("schema", "load", "--assembly", str(assembly))
    assert f"{MESSAGES}: this engine has no expiry (TTL) and no point-in-time recovery" in result.stderr
    assert f"{CDR}: this engine has no point-in-time recovery" in result.stderr


def test_load_waits_until_a_table_is_ready(stage: FakeStage, assembly: Path) -> None:
    real = stage.dynamodb
    states = iter(["CREATING"] * 3)

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return self.describe if name == "describe_table" else getattr(real, name)

        def describe(self, *, TableName: str) -> Any:  # noqa: N803 - the API's own name
            described = real.describe_table(TableName=TableName)
            described["Table"]["TableStatus"] = next(states, "ACTIVE")
            return described

    stage.dynamodb = Slow()
    load(stage, assembly)
    assert stage.pauses == [building.PAUSE_SECONDS] * 3


def test_a_table_that_is_never_ready_ends_with_6(stage: FakeStage, client: Any, assembly: Path) -> None:
    load(stage, assembly)

    class Stuck:
        def __getattr__(self, name: str) -> Any:
            return getattr(client, name) if name != "delete_table" else lambda **_: None

    stage.dynamodb = Stuck()
    assert stage.run("schema", "drop", CDR, "--confirm", CDR).exit_code == 6
    assert len(stage.pauses) == building.PATIENCE


def test_the_template_of_another_stage_is_built_under_its_names(stage: FakeStage, client: Any, assembly: Path) -> None:
    assert set(load(stage, assembly, "--template-of", "prod")) == {
        "switchboard-prod-cdr",
        "switchboard-prod-messages",
        LEGACY,
    }
    assert client.describe_table(TableName="switchboard-prod-cdr")["Table"]["DeletionProtectionEnabled"] is True


@pytest.mark.parametrize("name", ["Prod", "pro", "", "organisation"])
def test_stages_are_matched_exactly(stage: FakeStage, client: Any, assembly: Path, name: str) -> None:
    assert stage.run("schema", "load", "--assembly", str(assembly), "--template-of", name).exit_code == 2
    assert client.list_tables()["TableNames"] == []


def test_a_deployed_stage_has_its_tables(stage: FakeStage, client: Any, assembly: Path) -> None:
    stage.published[deployment.CDR_TABLE_PATH] = "generated"
    result = stage.run("schema", "load", "--assembly", str(assembly))
    assert result.exit_code == 3
    assert "is deployed there" in result.stderr
    assert client.list_tables()["TableNames"] == []


def test_a_stage_at_aws_gets_its_tables_by_deployment(rng: random.Random, client: Any, assembly: Path) -> None:
    stage = FakeStage(rng, name="prod")
    stage.published.clear()
    stage.dynamodb = client
    assert stage.run("schema", "load", "--assembly", str(assembly)).exit_code == 3
    assert client.list_tables()["TableNames"] == []


@pytest.mark.parametrize("damage", ["manifest.json", "data.json", None])
def test_an_app_that_was_not_synthesized_ends_with_4(stage: FakeStage, assembly: Path, damage: str | None) -> None:
    folder = assembly / "assembly-local"
    if damage:
        (folder / damage).write_text("{")
    else:
        folder.rename(assembly / "elsewhere")
    result = stage.run("schema", "load", "--assembly", str(assembly))
    assert result.exit_code == 4
    assert "make synth" in result.stderr


# --- list and drop ---------------------------------------------------------------------------------------------------


def test_tables_are_listed_with_keys_indexes_and_items(stage: FakeStage, client: Any, assembly: Path) -> None:
    load(stage, assembly)
    client.put_item(TableName=MESSAGES, Item={"pk": {"S": "x"}, "sk": {"S": "x"}})
    rows = [json.loads(line) for line in stage.do("schema", "list", "--json").stdout.splitlines()]
    common = {"keys": ["pk", "sk"], "protected": False}
    assert rows == [
        {"table": "cdr", "name": CDR, "indexes": {"by_day": ["day", "sk"]}, "items": 0, **common},
        {"table": "messages", "name": MESSAGES, "indexes": {}, "items": 1, **common},
    ]
    assert "by_day (day, sk)" in stage.do("schema", "list").stdout


def test_a_deployed_stage_s_tables_are_listed_by_their_generated_names(
    stage: FakeStage, client: Any, assembly: Path
) -> None:
    load(stage, assembly)
    stage.published[deployment.CDR_TABLE_PATH] = LEGACY
    assert client.describe_table(TableName=LEGACY)
    rows = [json.loads(line) for line in stage.do("schema", "list", "--json").stdout.splitlines()]
    assert [row["name"] for row in rows] == [LEGACY, MESSAGES]


def test_without_tables_list_ends_with_4(stage: FakeStage) -> None:
    assert stage.run("schema", "list").exit_code == 4


@pytest.mark.parametrize("name", ["cdr", CDR])
@pytest.mark.parametrize("typed", [True, False], ids=["typed", "option"])
def test_a_table_is_dropped_after_its_name_was_given(
    stage: FakeStage, client: Any, assembly: Path, name: str, typed: bool
) -> None:
    load(stage, assembly)
    words = ("schema", "drop", name, "--json")
    result = stage.run(*words, typed=CDR + "\n") if typed else stage.run(*words, "--confirm", CDR)
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"name": CDR, "state": "dropped"}
    assert CDR not in client.list_tables()["TableNames"]


@pytest.mark.parametrize("given", ["cdr", "y", "", CDR.upper(), MESSAGES])
@pytest.mark.parametrize("typed", [True, False], ids=["typed", "option"])
def test_anything_but_the_name_deletes_nothing(
    stage: FakeStage, client: Any, assembly: Path, given: str, typed: bool
) -> None:
    load(stage, assembly)
    words = ("schema", "drop", "cdr")
    result = stage.run(*words, typed=given) if typed else stage.run(*words, "--confirm", given)
    assert result.exit_code == 3
    assert CDR in client.list_tables()["TableNames"]


def test_a_protected_table_is_refused_whatever_was_typed(stage: FakeStage, client: Any, assembly: Path) -> None:
    load(stage, assembly, "--template-of", "prod")
    name = "switchboard-prod-messages"
    result = stage.run("schema", "drop", name, "--confirm", name)
    assert result.exit_code == 3
    assert "protected" in result.stderr
    assert name in client.list_tables()["TableNames"]


def test_a_table_that_is_not_there_ends_with_4(stage: FakeStage) -> None:
    assert stage.run("schema", "drop", "runs", "--confirm", "runs").exit_code == 4
