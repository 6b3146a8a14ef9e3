"""Requests carry the condition keys that narrow a role to items and attributes.

Wrong: `dynamodb:LeadingKeys` is on no request, and `dynamodb:Attributes` on projections alone, so a condition with
`ForAllValues` on either holds for every request.

AWS: `LeadingKeys` are the values of the partition keys that a request names, and `Attributes` the top-level attributes
in its key and its expressions. Corrected for requests that name items by key; a query's key condition is left alone.
Source: DynamoDB developer guide, "Using IAM policy conditions for fine-grained access control".
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from ministack.core import iam_actions
from ministack.services import dynamodb

from local_cloud.corrections import _seam

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXPRESSIONS: Final = ("UpdateExpression", "ConditionExpression")
_NAME: Final = re.compile(r"(?<![:.\w#])(#?[A-Za-z_]\w*)(?!\s*\(|\w)")
"""The first segment of a path: no value, no function and no later segment."""
_WORDS: Final = frozenset({"SET", "REMOVE", "ADD", "DELETE", "AND", "OR", "NOT", "IN", "BETWEEN"})


def apply() -> None:
    """Add both keys to what the policies are asked about."""
    context_of = _seam.original(iam_actions, "dynamodb_service_context", "body")

    def dynamodb_service_context(body: bytes) -> dict[str, Any]:
        context: dict[str, Any] = context_of(body)
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return context
        if not isinstance(request, dict):
            return context
        keys = list(_keys(request))
        if keys:
            context["dynamodb:LeadingKeys"] = sorted({next(iter(key[name].values())) for name, key in keys})
        named = {attribute for _, key in keys for attribute in key} | set(_named(request))
        if named:
            context["dynamodb:Attributes"] = sorted({*context.get("dynamodb:Attributes", ()), *named})
        return context

    iam_actions.dynamodb_service_context = dynamodb_service_context


def _keys(request: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each key or item that the request names, with the name of its table's partition key."""
    for table, key in _items(request):
        found = dynamodb._tables.get(str(table).rsplit("/", 1)[-1])
        if found is not None and isinstance(key, dict) and isinstance(key.get(found["pk_name"]), dict):
            yield found["pk_name"], key


def _items(request: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    yield request.get("TableName"), request.get("Key") or request.get("Item")
    batches = request.get("RequestItems")
    for table, batch in batches.items() if isinstance(batches, dict) else ():
        for key in batch.get("Keys", ()) if isinstance(batch, dict) else ():
            yield table, key
        for write in batch if isinstance(batch, list) else ():
            for part in write.values():
                yield table, part.get("Key") or part.get("Item")


def _named(request: dict[str, Any]) -> Iterator[str]:
    names = request.get("ExpressionAttributeNames") or {}
    for expression in _EXPRESSIONS:
        for name in _NAME.findall(request.get(expression) or ""):
            if name.upper() not in _WORDS:
                yield names.get(name, name)
