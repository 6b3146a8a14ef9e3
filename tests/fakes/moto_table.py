"""The messages table on moto: another implementation than the one in memory, slower and not ours."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws

from switchboard.schema import messages as schema
from tests.fakes.messages_table import INDEX_KEYS, TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def moto_table() -> Iterator[Any]:
    """A DynamoDB client with an empty messages table and its index."""
    with mock_aws():
        client: Any = boto3.client("dynamodb", region_name="us-east-1")
        client.create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=_key_schema(schema.PK, schema.SK),
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in (schema.PK, schema.SK, *INDEX_KEYS)
            ],
            GlobalSecondaryIndexes=[
                {
                    "IndexName": schema.INBOX_BY_RECENCY,
                    "KeySchema": _key_schema(*INDEX_KEYS),
                    "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(schema.INBOX_PROJECTION)},
                }
            ],
        )
        yield client


def _key_schema(partition_key: str, sort_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": partition_key, "KeyType": "HASH"},
        {"AttributeName": sort_key, "KeyType": "RANGE"},
    ]
