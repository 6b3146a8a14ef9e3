"""A table as CDRs are stored in, for benchmarks that need no deployment."""

from __future__ import annotations

from typing import Any

from switchboard.schema import cdr


def create_table(client: Any, name: str) -> None:
    """A table with the keys and indexes of the CDR table, so that every write costs what it costs there."""
    indexes = ((cdr.BY_SPONSOR, cdr.SPONSOR_SHARD), (cdr.BY_DAY, cdr.DAY_SHARD))
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_keys(cdr.PK, cdr.SK),
        AttributeDefinitions=[
            {"AttributeName": attribute, "AttributeType": "S"}
            for attribute in (cdr.PK, cdr.SK, cdr.SPONSOR_SHARD, cdr.DAY_SHARD, cdr.OCCURRED_AT)
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": index,
                "KeySchema": _keys(shard, cdr.OCCURRED_AT),
                "Projection": {"ProjectionType": "ALL"},
            }
            for index, shard in indexes
        ],
    )


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
