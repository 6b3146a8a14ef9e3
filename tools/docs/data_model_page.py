"""docs/data-model.md: tables, keys, indexes, items, access patterns and limits, from the schema's constants."""

from __future__ import annotations

from typing import Final

from switchboard.schema import cdr, messages, runs
from switchboard.schema.access_patterns import ACCESS_PATTERNS
from tools.docs.entities import ENTITIES
from tools.docs.regions import table

KEYS: Final = (
    ("cdr", "", cdr.PK, cdr.SK, "", "`OLD_IMAGE`", f"`{cdr.EXPIRES_AT}`, where the stage sets a retention"),
    ("cdr", cdr.BY_SPONSOR, cdr.SPONSOR_SHARD, cdr.OCCURRED_AT, "all", "", ""),
    ("cdr", cdr.BY_DAY, cdr.DAY_SHARD, cdr.OCCURRED_AT, "all", "", ""),
    ("messages", "", messages.PK, messages.SK, "", "`NEW_AND_OLD_IMAGES`", f"`{messages.EXPIRES_AT}`"),
    (
        "messages",
        messages.INBOX_BY_RECENCY,
        messages.INBOX_USER,
        messages.LAST_MESSAGE_SK,
        ", ".join(f"`{name}`" for name in messages.INBOX_PROJECTION),
        "",
        "",
    ),
    ("runs", "", runs.PK, runs.SK, "", "", ""),
)
"""Table, index, partition key, sort key, what the index projects, stream, time to live."""

_LIMITS: Final = (
    ("Records in one request to `cdr-writer`", f"{cdr.MAX_RECORDS:,}", "a call ends within the function's timeout"),
    (
        "Stored size of a record",
        f"{cdr.MAX_STORED_BYTES // 1_024} KB",
        "a record is a report; larger things belong into a bucket, and their names into `data`",
    ),
    ("An id's characters", f"{cdr.MAX_ID_CHARACTERS}", "several share a sort key, of which DynamoDB takes 1,024 bytes"),
    ("A record's time ahead of ours", f"{cdr.MAX_FUTURE_SECONDS // 60} minutes", "clocks differ, years do not"),
    ("Shards of a sponsor and of a day", f"{cdr.SHARDS}", "may only grow: stored records stay where they are"),
    (
        "Members of a group",
        f"{messages.MIN_MEMBERS} to {messages.MAX_MEMBERS}",
        "a transaction holds 100 items, two of which are the group and its first message",
    ),
    (
        "A message",
        f"{messages.MAX_TEXT_CHARACTERS:,} characters, {messages.MAX_TEXT_BYTES:,} bytes",
        "five write units at most",
    ),
    ("A preview", f"{messages.MAX_PREVIEW_BYTES} bytes", "a membership stays within one write unit"),
    ("Messages or groups of a page", f"{messages.DEFAULT_PAGE}, at most {messages.MAX_PAGE}", "one page of DynamoDB"),
    ("Unread messages that are counted", f"{messages.MAX_UNREAD}", "a list shows no more than `99+`"),
    (
        "A message's time",
        f"{messages.MAX_MESSAGE_AGE_SECONDS} s past, {messages.MAX_MESSAGE_AHEAD_SECONDS} s ahead",
        "a retry keeps its place; nobody writes into the past",
    ),
)


def contents() -> dict[str, str]:
    """The regions of the page."""
    return {"tables": _tables(), "items": _items(), "access-patterns": _access_patterns(), "limits": _limits()}


def _tables() -> str:
    head = ("Table", "Index", "Partition key", "Sort key", "The index holds", "Stream", "Time to live")
    return table(
        head,
        [
            (f"`{name}`", f"`{index}`" if index else "", f"`{pk}`", f"`{sk}`", *rest)
            for name, index, pk, sk, *rest in KEYS
        ],
    )


def _items() -> str:
    return "\n\n".join(
        f"### Table {name}\n\n"
        + table(
            ("Item", "pk", "sk", "Attributes", "Not on every one"),
            [
                (
                    entity.name,
                    f"`{entity.pk}`",
                    ", ".join(f"`{sk}`" for sk in entity.sk),
                    _listed(entity.attributes),
                    _listed(entity.optional),
                )
                for entity in ENTITIES
                if entity.table == name
            ],
        )
        for name in ("cdr", "messages", "runs")
    )


def _access_patterns() -> str:
    return table(
        ("Question", "Table", "Index", "Keys", "Asked by"),
        [
            (each.question, f"`{each.table}`", f"`{each.index}`" if each.index else "", f"`{each.keys}`", each.asked_by)
            for each in ACCESS_PATTERNS
        ],
    )


def _limits() -> str:
    return table(("What", "At most", "Why"), _LIMITS)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
