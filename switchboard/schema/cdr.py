"""The CDR table: keys, attributes, indexes and limits."""

from __future__ import annotations

from typing import Final
from zlib import crc32

# --- attributes ------------------------------------------------------------------------------------------------------
PK: Final = "pk"
SK: Final = "sk"
VERSION: Final = "v"
TYPE: Final = "type"
SOURCE: Final = "source"
ID: Final = "id"
SPONSOR_ID: Final = "sponsor_id"
SPONSORSHIP_ID: Final = "sponsorship_id"
SUBSCRIBER_ID: Final = "subscriber_id"
TIME: Final = "time"
"""What a request calls the instant that is stored as `occurred_at`."""
OCCURRED_AT: Final = "occurred_at"
RECORDED_AT: Final = "recorded_at"
SPONSOR_SHARD: Final = "sponsor_shard"
DAY_SHARD: Final = "day_shard"
PAYLOAD_HASH: Final = "payload_hash"
DATA: Final = "data"
EXPIRES_AT: Final = "expires_at"
"""The TTL attribute: epoch seconds, `recorded_at` + retention; absent where the stage keeps CDRs for ever."""

SCHEMA_MAJOR: Final = 1

# --- indexes ---------------------------------------------------------------------------------------------------------
BY_SPONSOR: Final = "by_sponsor"
BY_DAY: Final = "by_day"

SHARDS: Final = 4
"""Shards per sponsor and per day. May only grow: stored items stay where they are, readers query the most ever used."""

# --- record types ----------------------------------------------------------------------------------------------------
CREATE: Final = "create"
CONSUME: Final = "consume"
EXPIRE: Final = "expire"
FIRST_RETRIEVE: Final = "first_retrieve"
FIRST_ACTIVATE: Final = "first_activate"

RECORD_TYPES: Final = (CREATE, CONSUME, EXPIRE, FIRST_RETRIEVE, FIRST_ACTIVATE)
FIRST_PREFIXES: Final = {FIRST_RETRIEVE: "RETRIEVE", FIRST_ACTIVATE: "ACTIVATE", EXPIRE: "EXPIRE"}
"""The types of which only the earliest event counts, and how their sort keys begin."""

NO_SUBSCRIBER: Final = "-"
"""The scope of a record without `subscriber_id`; no subscriber may be called that."""

# --- limits ----------------------------------------------------------------------------------------------------------
ID_PATTERN: Final = r"^[A-Za-z0-9._:/-]{1,128}$"
MAX_ID_CHARACTERS: Final = 128
MAX_RECORDS: Final = 1_000
MAX_STORED_BYTES: Final = 32 * 1024
MAX_FUTURE_SECONDS: Final = 5 * 60

# --- what became of a record -----------------------------------------------------------------------------------------
STORED: Final = "stored"
DUPLICATE: Final = "duplicate"
NOT_FIRST: Final = "not_first"
EARLIER: Final = "earlier"
CONFLICT: Final = "conflict"
REJECTED: Final = "rejected"
FAILED: Final = "failed"

STATUSES: Final = (STORED, DUPLICATE, NOT_FIRST, EARLIER, CONFLICT, REJECTED, FAILED)

# --- payloads --------------------------------------------------------------------------------------------------------
ENVELOPE_SCHEMA: Final = "switchboard.cdr/1"
RESULT_SCHEMA: Final = "switchboard.cdr.result/1"
RAISE: Final = "raise"
REPORT: Final = "report"
ON_FAILED: Final = (RAISE, REPORT)
"""What a failed record does to the invocation: makes it a function error, or only shows in the results."""
QUERIES: Final = ("history", "first", "by_sponsor", "by_time")


def partition_key(sponsorship_id: str) -> str:
    """`pk` of every record of one sponsorship."""
    return f"SPONSORSHIP#{sponsorship_id}"


def create_key() -> str:
    """`sk` of a sponsorship's one `create`."""
    return "CREATE"


def consume_key(source: str, record_id: str) -> str:
    """`sk` of a `consume`. It holds no time, so that a second delivery is the same item."""
    return f"CONSUME#{source}#{record_id}"


def first_key(record_type: str, subscriber_id: str | None) -> str:
    """`sk` under which the first write of a FIRST type stands."""
    return f"{FIRST_PREFIXES[record_type]}#{subscriber_id or NO_SUBSCRIBER}"


def earlier_key(record_type: str, subscriber_id: str | None, source: str, record_id: str) -> str:
    """`sk` of an event that is earlier than the stored first one and arrived later."""
    return f"{first_key(record_type, subscriber_id)}#EARLIER#{source}#{record_id}"


def first_range(record_type: str, subscriber_id: str | None) -> tuple[str, str]:
    """Bounds of the sort keys among which the minimum is the first event: the stored one and all earlier ones.

    `$` follows `#` and sorts below every character of an id, so the range of `p-7` holds nothing of `p-77`.
    """
    first = first_key(record_type, subscriber_id)
    return first, f"{first}#EARLIER$"


def shard_of(pk: str, sk: str, shards: int = SHARDS) -> int:
    """The shard of an item, from its identity alone: a retry lands in the same one."""
    return crc32(f"{pk}#{sk}".encode()) % shards


def sponsor_shard(sponsor_id: str, shard: int) -> str:
    """Partition key of the index `by_sponsor`."""
    return f"{sponsor_id}#{shard}"


def day_shard(day: str, shard: int) -> str:
    """Partition key of the index `by_day`; `day` is `yyyy-mm-dd` in UTC."""
    return f"{day}#{shard}"
