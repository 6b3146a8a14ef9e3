"""PartiQL writes are checked like item writes, and reach the table's stream.

Wrong: no PartiQL `INSERT`, `UPDATE` or `DELETE` ever appears in a stream, so what watches the stream misses it; an
`INSERT` is not checked against the types and sizes of keys.

AWS: a stream captures every modification of items, whatever API made it; an update that changes nothing is no
modification. A transaction that is cancelled leaves no trace.
Source: DynamoDB developer guide, "Change data capture for DynamoDB Streams"; API reference, `ExecuteStatement`.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any, Final

from ministack.core.responses import json_response
from ministack.services import dynamodb

from local_cloud.corrections import _seam

_OK: Final = 200
_HELD: Final[ContextVar[list[tuple[Any, ...]] | None]] = ContextVar("held", default=None)
"""Stream records of the transaction that runs, until it is known to succeed."""


def apply() -> None:
    """Insert through `PutItem`'s own code, and tell the stream about updates and deletions."""
    insert = _seam.original(dynamodb, "_partiql_insert", "table", "parsed")
    put = _seam.original(dynamodb, "_put_item", "data")
    emit = _seam.original(
        dynamodb, "_emit_stream_event", "table_name", "event_name", "old_item", "new_item", "replicate"
    )
    transact = _seam.original(dynamodb, "_execute_transaction", "data")
    _seam.original(dynamodb, "_partiql_key_target", "table", "parsed")

    def partiql_insert(table: dict[str, Any], parsed: dict[str, Any]) -> Any:
        item = parsed.get("item") or {}
        if set(item) == {"M"}:
            item = item["M"]
        if _stored(table, item) is not None:
            return insert(table, parsed)  # answers that the key is taken
        response = put({"TableName": table["TableName"], "Item": item})
        return json_response({"Items": []}) if response[0] == _OK else response

    def emit_stream_event(*arguments: Any, **named: Any) -> None:
        held = _HELD.get()
        if held is None:
            emit(*arguments, **named)
        else:
            held.append(arguments)

    def execute_transaction(data: dict[str, Any]) -> Any:
        token = _HELD.set([])
        try:
            response = transact(data)
            records = _HELD.get() or []
        finally:
            _HELD.reset(token)
        if response[0] == _OK:
            for record in records:
                emit(*record)
        return response

    dynamodb._partiql_insert = partiql_insert
    dynamodb._emit_stream_event = emit_stream_event
    dynamodb._execute_transaction = execute_transaction
    for name in ("_partiql_update", "_partiql_delete"):
        setattr(dynamodb, name, _told(_seam.original(dynamodb, name, "table", "parsed", "data")))


def _told(write: Any) -> Any:
    """`write` of one item, followed by its stream record where the item is another than before."""

    def change(table: dict[str, Any], parsed: dict[str, Any], data: dict[str, Any] | None = None) -> Any:
        pk, sk, _, refusal = dynamodb._partiql_key_target(table, parsed)
        if refusal:
            return write(table, parsed, data)
        before = table["items"].get(pk, {}).get(sk)
        response = write(table, parsed, data)
        after = table["items"].get(pk, {}).get(sk)
        if response[0] == _OK and before is not None and after != before:
            dynamodb._emit_stream_event(table["TableName"], "REMOVE" if after is None else "MODIFY", before, after)
        return response

    return change


def _stored(table: dict[str, Any], item: dict[str, Any]) -> Any:
    names = [name for name in (table["pk_name"], table["sk_name"]) if name]
    if any(name not in item for name in names):
        return None
    return dynamodb._get_item_by_key(table, item)
