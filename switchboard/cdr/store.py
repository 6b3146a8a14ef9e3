"""The CDR table as the writer sees it: insert only, and strongly consistent reads by key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from switchboard.dynamo.batch_get import KEYS_PER_REQUEST
from switchboard.dynamo.rounds import Refusal, settle
from switchboard.schema import cdr

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.cdr.record import Item, Record
    from switchboard.dynamo.budget import Budget

Key = tuple[str, str]
"""`pk` and `sk`."""

STATEMENTS_PER_REQUEST: Final = 25
"""What `BatchExecuteStatement` takes at most (docs: its API reference)."""

KEY_TAKEN: Final = frozenset({"DuplicateItem", "DuplicateItemException"})
"""Codes of an insert whose key is taken."""
_JUDGED_BY: Final = (cdr.PK, cdr.SK, cdr.SOURCE, cdr.ID, cdr.OCCURRED_AT, cdr.RECORDED_AT, cdr.PAYLOAD_HASH)


@dataclass(frozen=True, slots=True)
class Stored:
    """What a verdict needs to know of an item in the table; times are fixed-width text."""

    source: str
    id: str
    occurred_at: str
    recorded_at: str
    payload_hash: str


@cache
def insert_statement(table: str, attributes: tuple[str, ...]) -> str:
    """The PartiQL `INSERT` of an item with these attributes, as parameters in their order."""
    values = ", ".join(f"'{name}': ?" for name in attributes)
    return f'INSERT INTO "{table}" VALUE {{{values}}}'


def inserted_item(statement: Mapping[str, Any]) -> Item:
    """The item of a member of a batch: its `Statement` is an `insert_statement`."""
    names = statement["Statement"].split("'")[1::2]
    return dict(zip(names, statement["Parameters"], strict=True))


class CdrStore:
    """Two DynamoDB actions on one table: `PartiQLInsert`, which can only create, and `BatchGetItem`."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def insert(self, items: Mapping[Key, Item], budget: Budget) -> dict[Key, bool | Refusal]:
        """Create each item under its key: True where it was created, False where the key is taken."""

        def send(keys: Sequence[Key]) -> Mapping[Key, bool | Refusal]:
            answer = self._client.batch_execute_statement(
                Statements=[
                    {
                        "Statement": insert_statement(self._table, tuple(items[key])),
                        "Parameters": list(items[key].values()),
                    }
                    for key in keys
                ]
            )
            return {
                key: _outcome(response.get("Error", {}).get("Code"))
                for key, response in zip(keys, answer["Responses"], strict=True)
            }

        return settle(list(items), send, per_request=STATEMENTS_PER_REQUEST, budget=budget)

    def read(self, keys: Sequence[Key], budget: Budget) -> dict[Key, Stored | Refusal | None]:
        """What stands under each of these distinct keys, read with strong consistency; None where nothing does."""

        def send(wanted: Sequence[Key]) -> Mapping[Key, Stored | Refusal | None]:
            answer = self._client.batch_get_item(
                RequestItems={
                    self._table: {
                        "Keys": [{cdr.PK: {"S": pk}, cdr.SK: {"S": sk}} for pk, sk in wanted],
                        "ConsistentRead": True,
                        "ProjectionExpression": ", ".join(f"#{name}" for name in _JUDGED_BY),
                        "ExpressionAttributeNames": {f"#{name}": name for name in _JUDGED_BY},
                    }
                }
            )
            found: dict[Key, Stored | Refusal | None] = dict.fromkeys(wanted)
            items: Sequence[Any] = answer["Responses"].get(self._table, ())
            unread: Mapping[str, Any] = answer.get("UnprocessedKeys", {})
            for item in items:
                found[_key(item)] = _stored(item)
            for key in unread.get(self._table, {}).get("Keys", ()):
                found[_key(key)] = Refusal("ProvisionedThroughputExceeded")
            return found

        return settle(keys, send, per_request=KEYS_PER_REQUEST, budget=budget)


def _outcome(code: str | None) -> bool | Refusal:
    if code is None:
        return True
    return False if code in KEY_TAKEN else Refusal(code)


def _key(item: Mapping[str, Mapping[str, str]]) -> Key:
    return item[cdr.PK]["S"], item[cdr.SK]["S"]


def _stored(item: Mapping[str, Mapping[str, str]]) -> Stored:
    return Stored(
        source=item[cdr.SOURCE]["S"],
        id=item[cdr.ID]["S"],
        occurred_at=item[cdr.OCCURRED_AT]["S"],
        recorded_at=item[cdr.RECORDED_AT]["S"],
        payload_hash=item[cdr.PAYLOAD_HASH]["S"],
    )


def stored_as(record: Record, recorded_at: str) -> Stored:
    """The same facts of a record this call has just inserted."""
    return Stored(record.source, record.id, record.occurred_at, recorded_at, record.payload_hash)
