"""A PartiQL batch touches an item once, and either reads or writes.

Wrong: `BatchExecuteStatement` runs one key several times in a request, in order, and mixes reads with writes.

AWS: a batch that names one item twice is refused whole, as the item batches are, and so is a mixed batch; nothing of it
is executed.
Source: DynamoDB developer guide, "Running batch operations with PartiQL for DynamoDB"; the message is that of
`BatchGetItem` and `BatchWriteItem`, on which it rests.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import dynamodb

from local_cloud.corrections import _seam


def apply() -> None:
    """Refuse such batches before any statement runs."""
    execute = _seam.original(dynamodb, "_batch_execute_statement", "data")
    _seam.original(dynamodb, "_parse_partiql", "statement", "parameters")

    def batch_execute_statement(data: dict[str, Any]) -> Any:
        parsed = []
        for statement in data.get("Statements") or []:
            try:
                parsed.append(dynamodb._parse_partiql(statement.get("Statement", ""), statement.get("Parameters", [])))
            except ValueError:
                continue  # an error of this member alone
        if len({statement["op"] == "SELECT" for statement in parsed}) > 1:
            return error_response_json(
                "ValidationException", "Statements in a batch must be either all reads or all writes", 400
            )
        keys = [key for key in map(_key, parsed) if key is not None]
        if len(keys) != len(set(keys)):
            return error_response_json("ValidationException", "Provided list of item keys contains duplicates", 400)
        return execute(data)

    dynamodb._batch_execute_statement = batch_execute_statement


def _key(parsed: dict[str, Any]) -> str | None:
    table = dynamodb._tables.get(parsed["table"])
    if table is None:
        return None
    names = [name for name in (table["pk_name"], table["sk_name"]) if name]
    if parsed["op"] == "INSERT":
        values = {name: parsed["item"].get(name) for name in names}
    else:
        values = {
            name: value for name, operator, value in parsed.get("conditions") or [] if operator == "=" and name in names
        }
    if len(values) < len(names) or None in values.values():
        return None
    return json.dumps([parsed["table"], values], sort_keys=True)
