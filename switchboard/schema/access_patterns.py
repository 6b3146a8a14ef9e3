"""The questions that the tables answer, each with the keys that answer it: a key without a question has no reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from switchboard.schema import cdr, messages


@dataclass(frozen=True, slots=True)
class AccessPattern:
    """One question to a table; `index` is None where the table's own key answers it."""

    table: str
    index: str | None
    question: str
    keys: str
    asked_by: str


_MEMBERSHIPS: Final = f"{messages.MEMBERSHIP_PREFIX}<group>"

ACCESS_PATTERNS: Final = (
    AccessPattern("cdr", None, "What happened to this sponsorship?", "pk = SPONSORSHIP#<id>", "cdr-query: history"),
    AccessPattern(
        "cdr",
        None,
        "Who was first to retrieve or activate, and when did it expire? (strongly consistent)",
        "pk = SPONSORSHIP#<id>, sk between <TYPE>#<scope> and <TYPE>#<scope>#EARLIER$",
        "cdr-query: first",
    ),
    AccessPattern("cdr", None, "Is this event stored already?", "pk and sk of the event's identity", "cdr-writer"),
    AccessPattern(
        "cdr",
        cdr.BY_SPONSOR,
        "What does this sponsor pay for in this time?",
        f"{cdr.SPONSOR_SHARD} = <sponsor>#<0..{cdr.SHARDS - 1}>, {cdr.OCCURRED_AT} between",
        "cdr-query: by_sponsor",
    ),
    AccessPattern(
        "cdr",
        cdr.BY_DAY,
        "What happened in this time?",
        f"{cdr.DAY_SHARD} = <day>#<0..{cdr.SHARDS - 1}>, {cdr.OCCURRED_AT} between",
        "cdr-query: by_time",
    ),
    AccessPattern(
        "messages",
        None,
        "What was said in this group, newest or oldest first, in this time?",
        f"pk = {messages.MESSAGE_PREFIX}<group>, sk by time",
        "messages: list_messages, unread_count",
    ),
    AccessPattern(
        "messages",
        messages.INBOX_BY_RECENCY,
        "Which groups does this person have, the most recent first?",
        f"{messages.INBOX_USER} = <user>, {messages.LAST_MESSAGE_SK} descending",
        "messages: list_message_groups",
    ),
    AccessPattern(
        "messages",
        None,
        "Is this person a member? Which memberships do they have? (strongly consistent)",
        f"pk = {messages.USER_PREFIX}<user>, sk = {_MEMBERSHIPS}",
        "messages: every operation on a group; rename_user",
    ),
    AccessPattern(
        "messages",
        None,
        "Who are the members of this group?",
        f"pk = {messages.GROUP_PREFIX}<group>, sk = META",
        "stream-handler",
    ),
    AccessPattern(
        "messages", None, "Do these two already have a conversation?", "pk = PAIR#<lo>#<hi>", "messages: create"
    ),
    AccessPattern(
        "messages", None, "Who has this handle, or this subject?", "pk = HANDLE#<handle> or SUB#<subject>", "messages"
    ),
    AccessPattern(
        "runs", None, "How far is this run, segment by segment?", "pk = RUN#<run>", "backfill; switchboard backfill"
    ),
    AccessPattern(
        "runs", None, "What did an operator ask of this run?", "pk = CONTROL#<run>", "backfill; switchboard backfill"
    ),
    AccessPattern("runs", None, "Which run holds this table?", "pk = LOCK#<table>", "backfill"),
)
