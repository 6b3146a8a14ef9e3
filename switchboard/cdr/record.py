"""A valid call data record: its identity, its item, and the digest of its content."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from switchboard.dynamo.values import AttributeValue, to_attribute
from switchboard.schema import cdr

if TYPE_CHECKING:
    from collections.abc import Mapping

Item = dict[str, AttributeValue]

_TEXT_FIELDS: Final = (cdr.TYPE, cdr.SOURCE, cdr.ID, cdr.SPONSOR_ID, cdr.SPONSORSHIP_ID)
_canonical: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode
_DAY_CHARACTERS: Final = len("yyyy-mm-dd")


@dataclass(frozen=True, slots=True)
class Record:
    """What a service reported, checked and normalised.

    `content` holds every field of the request in DynamoDB's form, with `time` as `occurred_at` in fixed-width UTC and
    `data` always there. `canonical` is its canonical JSON in UTF-8: sorted, compact, numbers in DynamoDB's one text, so
    that `1.0` and `1` are one content. `payload_hash` is the SHA-256 of that, in hexadecimal.
    """

    type: str
    source: str
    id: str
    occurred_at: str
    pk: str
    sk: str
    earlier_sk: str | None
    """Where it is kept when it turns out earlier than a stored first one; None for types that have no first."""
    content: Item
    canonical: bytes
    payload_hash: str

    @classmethod
    def of(cls, fields: Mapping[str, Any], occurred_at: str) -> Record:
        """The record with these valid request `fields`. Raises `UnstorableValue` for `data` DynamoDB cannot hold."""
        kind, source, record_id = fields[cdr.TYPE], fields[cdr.SOURCE], fields[cdr.ID]
        subscriber = fields.get(cdr.SUBSCRIBER_ID)
        content: Item = {name: {"S": fields[name]} for name in _TEXT_FIELDS}
        if subscriber is not None:
            content[cdr.SUBSCRIBER_ID] = {"S": subscriber}
        content[cdr.OCCURRED_AT] = {"S": occurred_at}
        content[cdr.DATA] = to_attribute(fields.get(cdr.DATA, {}))
        canonical = _canonical(content).encode()
        earlier = None
        if kind == cdr.CONSUME:
            sk = cdr.consume_key(source, record_id)
        elif kind == cdr.CREATE:
            sk = cdr.create_key()
        else:
            sk = cdr.first_key(kind, subscriber)
            earlier = cdr.earlier_key(kind, subscriber, source, record_id)
        return cls(
            type=kind,
            source=source,
            id=record_id,
            occurred_at=occurred_at,
            pk=cdr.partition_key(fields[cdr.SPONSORSHIP_ID]),
            sk=sk,
            earlier_sk=earlier,
            content=content,
            canonical=canonical,
            payload_hash=hashlib.sha256(canonical).hexdigest(),
        )

    def item(self, sk: str, *, recorded_at: str, expires_at: int | None) -> Item:
        """The item that stores this record under the sort key `sk`; `expires_at` is in epoch seconds."""
        shard = cdr.shard_of(self.pk, sk)
        item = {
            cdr.PK: {"S": self.pk},
            cdr.SK: {"S": sk},
            cdr.VERSION: {"N": str(cdr.SCHEMA_MAJOR)},
            **self.content,
            cdr.RECORDED_AT: {"S": recorded_at},
            cdr.SPONSOR_SHARD: {"S": cdr.sponsor_shard(self.content[cdr.SPONSOR_ID]["S"], shard)},
            cdr.DAY_SHARD: {"S": cdr.day_shard(self.occurred_at[:_DAY_CHARACTERS], shard)},
            cdr.PAYLOAD_HASH: {"S": self.payload_hash},
        }
        if expires_at is not None:
            item[cdr.EXPIRES_AT] = {"N": str(expires_at)}
        return item
