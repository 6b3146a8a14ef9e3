"""The DynamoDB client of the functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from switchboard.clients import client

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def dynamodb_client(
    *, connect_timeout: float = 1.0, read_timeout: float = 2.0, attempts: int = 3, connections: int = 10
) -> DynamoDBClient:
    """A DynamoDB client with explicit limits; see `switchboard.clients.client` for their units.

    DynamoDB answers within milliseconds, so a request without an answer after two seconds is better sent again.
    """
    made: DynamoDBClient = client(
        "dynamodb",
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        attempts=attempts,
        connections=connections,
    )
    return made
