"""Items whose verification has a known answer: the same ones however often they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from switchboard.backfill.errors import InvalidInput, Systemic, systemic
from switchboard.dynamo.rounds import Refusal, settle

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.job import Table
    from switchboard.backfill.waiting import Waiting
    from switchboard.dynamo.values import AttributeValue

SAMPLE_PREFIX: Final = "SAMPLE#"
"""How the partition keys of these items begin: nothing else is ever written or replaced."""

PER_REQUEST: Final = 25
"""What `BatchWriteItem` takes at most (docs: its API reference)."""

_PARTITIONS: Final = 97
_PAGE: Final = 1_000
_OTHER: Final = {"S": "set before"}


def sample(table: Table, attribute: str, number: int, share: float) -> dict[str, AttributeValue]:
    """Item `number`: of all numbers, a `share` between 0 and 1 has another value of the attribute, the others none."""
    keys = (f"{SAMPLE_PREFIX}{number % _PARTITIONS}", f"{SAMPLE_PREFIX}{number:010}")
    if len(table.key_names) == 1:
        keys = (f"{SAMPLE_PREFIX}{number:010}", "")
    item: dict[str, AttributeValue] = {name: {"S": text} for name, text in zip(table.key_names, keys, strict=False)}
    item["number"] = {"N": str(number)}
    return {**item, attribute: _OTHER} if crc32(str(number).encode()) < share * 2**32 else item


def write_samples(
    client: DynamoDBClient,
    table: Table,
    attribute: str,
    *,
    items: int,
    share: float,
    waiting: Waiting,
    written: Callable[[int], None],
) -> dict[str, int]:
    """Write the first `items` samples, anew where they stand; answers how many have the attribute and how many lack it.

    `written` is told how many more are. Raises `Refused` for a table whose keys are no text, and
    `Systemic` where DynamoDB refuses the items for another reason, or for longer than they are tried.
    """
    lacking = 0
    for start in range(0, items, _PAGE):
        samples = [sample(table, attribute, number, share) for number in range(start, min(start + _PAGE, items))]
        put_all(client, table, samples, waiting=waiting)
        lacking += sum(attribute not in item for item in samples)
        written(len(samples))
    return {"items": items, "other_value": items - lacking, "missing": lacking}


def put_all(
    client: DynamoDBClient, table: Table, items: Sequence[Mapping[str, AttributeValue]], *, waiting: Waiting
) -> None:
    """Write these items, anew where they stand. Raises as `write_samples` does."""

    def send(batch: Sequence[int]) -> Mapping[int, bool | Refusal]:
        puts: Any = [{"PutRequest": {"Item": items[number]}} for number in batch]
        with systemic():
            answer = client.batch_write_item(RequestItems={table.name: puts})
        left: Any = answer.get("UnprocessedItems", {}).get(table.name, ())
        unwritten = {table.key(put["PutRequest"]["Item"]) for put in left}
        return {
            number: Refusal("ThrottlingError") if table.key(items[number]) in unwritten else True for number in batch
        }

    for answer in settle(range(len(items)), send, per_request=PER_REQUEST, budget=waiting.patience()).values():
        if isinstance(answer, Refusal):
            raise _stopped(answer)


def _stopped(refusal: Refusal) -> Exception:
    if refusal.retryable:
        return Systemic(refusal.code)
    return InvalidInput("table: expected keys of text: name another table")
