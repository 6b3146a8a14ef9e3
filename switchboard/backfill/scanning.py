"""One page of a scan, however long the table throttles it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from switchboard.backfill.errors import systemic
from switchboard.dynamo.rounds import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.units import Units
    from switchboard.backfill.waiting import Waiting


def scanned_page(client: DynamoDBClient, request: Mapping[str, Any], *, units: Units, waiting: Waiting) -> Any:
    """The answer to a `Scan`; `units` are told of each time that it is refused for its rate.

    Raises `Systemic`, and what the client raises once patience ends.
    """
    budget = waiting.patience()
    attempt = 0
    while True:
        try:
            with systemic():
                return client.scan(**request)
        except ClientError as error:
            if not Refusal(error.response["Error"]["Code"]).transient or budget.spent():
                raise
        units.throttled()
        budget.pause(attempt)
        attempt += 1
