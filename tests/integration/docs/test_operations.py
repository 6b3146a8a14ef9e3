"""The operator's page, typed; and the data model compared with the tables and with every item that the page wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from switchboard.backfill.sample import SAMPLE_PREFIX
from switchboard.schema import deployment
from tests.integration.docs.desk import OPERATIONS, PAGES, check_page
from tools.docs.data_model_page import KEYS
from tools.docs.entities import ENTITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_cloud.stage import DeployedStage
    from tests.integration.docs.desk import Desk

NOT_ON_THE_PAGE = {"subject", "what operators ask of a run"}
"""Kinds of items that its commands do not write: of a user pool, and of a run that somebody slows down or pauses."""
GIVEN = {"test"}
"""The attribute that the examples of backfills give to every item."""


def items(own: DeployedStage) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every item of the stage's tables, with its table's short name."""
    for short, path in deployment.TABLE_PATHS.items():
        pages = (
            own.client("dynamodb").get_paginator("scan").paginate(TableName=own.parameter(path), ConsistentRead=True)
        )
        yield from ((short, item) for page in pages for item in page["Items"])


def described(own: DeployedStage, short: str) -> dict[str, Any]:
    name = own.parameter(deployment.TABLE_PATHS[short])
    table: dict[str, Any] = own.client("dynamodb").describe_table(TableName=name)["Table"]
    return table


def test_the_commands_of_the_page_work_one_after_another(desk: Desk) -> None:
    assert OPERATIONS in PAGES
    check_page(desk, OPERATIONS)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: f"{key[0]} {key[1]}".strip())
def test_a_table_has_the_keys_that_the_data_model_says(own: DeployedStage, key: tuple[str, ...]) -> None:
    short, index, pk, sk, projected, stream, _ = key
    table = described(own, short)
    found = next((each for each in table.get("GlobalSecondaryIndexes", []) if each["IndexName"] == index), table)
    assert [part["AttributeName"] for part in found["KeySchema"]] == [pk, sk]
    if index:
        projection = found["Projection"]
        listed = [f"`{name}`" for name in projection.get("NonKeyAttributes", [])]
        assert (", ".join(listed) or projection["ProjectionType"].lower()) == projected
    else:
        assert table.get("StreamSpecification", {}).get("StreamViewType", "") == stream.strip("`")


def test_the_indexes_of_the_data_model_are_all_there_are(own: DeployedStage) -> None:
    for short in deployment.TABLE_PATHS:
        indexes = {each["IndexName"] for each in described(own, short).get("GlobalSecondaryIndexes", [])}
        assert indexes == {index for name, index, *_ in KEYS if name == short and index}


def test_every_item_is_one_of_the_data_model(own: DeployedStage, desk: Desk) -> None:
    """After the operator's page every kind of item has been written by the code itself."""
    check_page(desk, OPERATIONS)
    seen = set()
    for short, item in items(own):
        pk, sk = item["pk"]["S"], item["sk"]["S"]
        if pk.startswith(SAMPLE_PREFIX):
            continue
        fitting = [each for each in ENTITIES if each.table == short and each.holds(pk, sk)]
        assert len(fitting) == 1, (short, pk, sk, [each.name for each in fitting])
        (entity,) = fitting
        seen.add(entity.name)
        attributes = set(item) - {"pk", "sk"} - GIVEN
        assert set(entity.attributes) <= attributes <= {*entity.attributes, *entity.optional}, (pk, sk)
    assert seen >= {each.name for each in ENTITIES} - NOT_ON_THE_PAGE
