"""The tables on an engine where nothing is deployed, built, listed and dropped as a person types it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from local_cloud.cloud import LocalCloud
from switchboard.schema import deployment
from switchboard.schema import messages as schema
from tests.integration.commands import LINES, Done, environment, json_lines, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_cloud.stage import DeployedStage
    from tests.integration.commands import Switchboard


@pytest.fixture(scope="module")
def bare() -> Iterator[LocalCloud]:
    """An engine without a deployment."""
    with LocalCloud.start() as cloud:
        yield cloud


def test_tables_are_built_and_dropped_where_nothing_is_deployed(bare: LocalCloud, assembly: Path) -> None:
    def do(*words: str) -> Done:
        return run(bare, environment(bare), *words)

    assert do("schema", "list").returncode == 4
    loaded = do("schema", "load", "--assembly", str(assembly), "--json")
    assert loaded.returncode == 0, loaded.stderr
    assert {row["state"] for row in json_lines(loaded)} == {"created"}
    assert {row["state"] for row in json_lines(do("schema", "load", "--assembly", str(assembly), "--json"))} == {
        "exists"
    }
    tables = {row["table"]: row for row in json_lines(do("schema", "list", "--json"))}
    assert list(tables) == list(deployment.TABLE_PATHS)
    assert tables["messages"]["indexes"] == {schema.INBOX_BY_RECENCY: [schema.INBOX_USER, schema.LAST_MESSAGE_SK]}
    client, name = bare.client("dynamodb"), tables["messages"]["name"]
    assert (
        client.describe_table(TableName=name)["Table"]["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    )
    assert client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "ENABLED"
    recovery = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert recovery["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"

    assert json.loads(do("seed", "--json").stdout)["written"] == LINES
    assert json.loads(do("seed", "--json").stdout)["written"] == 0
    assert do("schema", "drop", "messages", "--confirm", "messages").returncode == 3
    assert do("schema", "drop", "messages").returncode == 3
    assert do("schema", "drop", "messages", "--confirm", name).returncode == 0
    assert do("schema", "drop", "messages", "--confirm", name).returncode == 4
    assert do("scan", "messages").returncode == 4


def test_a_protected_table_is_not_dropped(bare: LocalCloud, assembly: Path) -> None:
    shell = environment(bare)
    loaded = run(bare, shell, "schema", "load", "--assembly", str(assembly), "--template-of", "prod")
    assert loaded.returncode == 0, loaded.stderr
    name = deployment.table_name("prod", "cdr")
    done = run(bare, shell, "schema", "drop", name, "--confirm", name)
    assert done.returncode == 3
    assert "protected" in done.stderr
    assert bare.client("dynamodb").describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"


def test_the_tables_of_a_deployed_stage_are_not_the_operator_s_to_build_or_drop(
    local: DeployedStage, refused: Switchboard
) -> None:
    name = local.parameter(deployment.RUNS_TABLE_PATH)
    assert refused("schema", "load").returncode == 3
    assert refused("schema", "drop", name, "--confirm", name).returncode == 3
    assert local.client("dynamodb").describe_table(TableName=name)["Table"]["TableStatus"] == "ACTIVE"
