"""From a stored item to the record that a query answers, and how much of them one answer can carry."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from switchboard.dynamo.values import from_item
from switchboard.schema import cdr

MAX_ANSWER_BYTES: Final = 5_000_000
"""A synchronous answer of Lambda may hold 6 MB (AWS, "Lambda quotas"); a page ends well before, with a cursor."""

_FIELDS: Final = {
    cdr.SOURCE: "source",
    cdr.ID: "id",
    cdr.TYPE: "type",
    cdr.OCCURRED_AT: "time",
    cdr.SPONSOR_ID: "sponsor_id",
    cdr.SPONSORSHIP_ID: "sponsorship_id",
    cdr.SUBSCRIBER_ID: "subscriber_id",
    cdr.DATA: "data",
    cdr.RECORDED_AT: "recorded_at",
    cdr.EXPIRES_AT: "expires_at",
}

Item = Mapping[str, Any]
"""An item as DynamoDB answers it: attribute name to a typed value such as `{"S": "…"}`."""


def record_of(item: Item) -> dict[str, Any]:
    """Show a stored CDR as a record: the request's fields, `recorded_at` and, where it expires, `expires_at`.

    Keys, shards and hashes stay out. Numbers are int where integral, else float: what JSON can say.
    """
    shown = from_item({name: item[attribute] for attribute, name in _FIELDS.items() if attribute in item})
    return {name: _plain(value) for name, value in shown.items()}


def size_of(record: Mapping[str, Any]) -> int:
    """Bytes of a record in an answer. Counted with every non-ASCII character escaped, the longest that Lambda sends."""
    return len(json.dumps(record)) + len(", ")


def _plain(value: Any) -> Any:
    match value:
        case dict():
            return {name: _plain(part) for name, part in value.items()}
        case list():
            return [_plain(part) for part in value]
        case Decimal():
            return float(value)
    return value
