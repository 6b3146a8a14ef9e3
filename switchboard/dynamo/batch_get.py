"""Items by key, any number of them: DynamoDB takes 100 keys a request and may leave some of them unread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.dynamo.budget import Budget
    from switchboard.dynamo.values import AttributeValue

KEYS_PER_REQUEST: Final = 100
ATTEMPTS: Final = 5


class Unread(Exception):  # noqa: N818 - it names the keys' state
    """DynamoDB kept leaving keys unread: the table is throttled. Later the same request may succeed."""


def batch_get(
    client: DynamoDBClient,
    table: str,
    keys: Sequence[dict[str, AttributeValue]],
    *,
    attributes: Sequence[str],
    budget: Budget,
) -> Iterator[dict[str, AttributeValue]]:
    """The items of `keys` (each key at most once) that exist, in no order, with `attributes` only; strongly consistent.

    What DynamoDB leaves unread is asked for again, in up to `ATTEMPTS` requests while the budget lasts. Raises
    `Unread`, and what the client raises.
    """
    names = {f"#{index}": attribute for index, attribute in enumerate(attributes)}
    for start in range(0, len(keys), KEYS_PER_REQUEST):
        request: dict[str, Any] = {
            "Keys": list(keys[start : start + KEYS_PER_REQUEST]),
            "ConsistentRead": True,
            "ProjectionExpression": ", ".join(names),
            "ExpressionAttributeNames": names,
        }
        for attempt in range(ATTEMPTS):
            if attempt:
                budget.pause(attempt - 1)
            answer: Any = client.batch_get_item(RequestItems={table: request})  # type: ignore[dict-item]  # built above
            yield from answer["Responses"].get(table, [])
            unread = answer.get("UnprocessedKeys", {}).get(table)
            if not unread:
                break
            if budget.spent() or attempt == ATTEMPTS - 1:
                raise Unread("DynamoDB left keys unread: send the request again later")
            request = {**request, "Keys": unread["Keys"]}
