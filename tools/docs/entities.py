"""What each table holds: every kind of item, how its key is made, and its attributes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from switchboard.backfill.records import Controls, Lock, RunRecord, SegmentRecord
from switchboard.schema import cdr, legacy, messages, runs


@dataclass(frozen=True, slots=True)
class Entity:
    """One kind of item; `attributes` beside the key, and those that some items of the kind go without."""

    table: str
    name: str
    pk: str
    sk: tuple[str, ...]
    attributes: tuple[str, ...]
    optional: tuple[str, ...] = ()

    def holds(self, pk: str, sk: str) -> bool:
        """Whether an item with this key is of this kind."""
        return pk.startswith(_fixed(self.pk)) and any(sk.startswith(_fixed(each)) for each in self.sk)


def _fixed(key: str) -> str:
    return key.partition("<")[0]


_MEMBERSHIP: Final = (
    messages.GROUP_UUID,
    messages.KIND,
    messages.LAST_MESSAGE_SK,
    messages.LAST_MESSAGE,
    messages.LAST_SENDER_UUID,
    messages.JOINED_AT,
    messages.INBOX_USER,
)
_OF_A_PAIR: Final = (
    messages.OTHER_USER_UUID,
    messages.OTHER_DISPLAY_NAME,
    messages.OTHER_HANDLE,
    messages.PROFILE_VERSION,
)
_RUN: Final = tuple(name for name in RunRecord.__dataclass_fields__ if name != "run_id")
_RUN_OPTIONAL: Final = ("most_write_units", "most_read_units", "report", "error", "cause")

ENTITIES: Final = (
    Entity(
        "cdr",
        "record",
        cdr.partition_key("<sponsorship_id>"),
        (
            cdr.create_key(),
            *(cdr.first_key(kind, "<scope>") for kind in cdr.FIRST_PREFIXES),
            cdr.consume_key("<source>", "<id>"),
        ),
        (
            cdr.VERSION,
            cdr.TYPE,
            cdr.SOURCE,
            cdr.ID,
            cdr.SPONSOR_ID,
            cdr.SPONSORSHIP_ID,
            cdr.OCCURRED_AT,
            cdr.RECORDED_AT,
            cdr.SPONSOR_SHARD,
            cdr.DAY_SHARD,
            cdr.PAYLOAD_HASH,
            cdr.DATA,
        ),
        (cdr.SUBSCRIBER_ID, cdr.EXPIRES_AT),
    ),
    Entity(
        "cdr",
        "old item that became no record",
        legacy.kept_key("<sponsor_id>"),
        ("<timestamp>",),
        (cdr.VERSION, legacy.REASON, cdr.RECORDED_AT, legacy.ITEM),
        (legacy.ERRORS, cdr.EXPIRES_AT),
    ),
    Entity(
        "messages",
        "message",
        messages.messages_key("<group>"),
        (messages.message_sort_key("<time>", "<uuidv7>"),),
        (messages.MESSAGE_UUID, messages.USER_UUID, messages.MESSAGE),
        (messages.OPENING, messages.EXPIRES_AT),
    ),
    Entity(
        "messages",
        "membership",
        messages.user_key("<user>"),
        (messages.membership_sort_key("<group>"),),
        _MEMBERSHIP,
        (messages.LAST_READ_SK, messages.TITLE, *_OF_A_PAIR),
    ),
    Entity(
        "messages",
        "group",
        messages.group_key("<group>"),
        (messages.META,),
        (messages.KIND, messages.MEMBERS, messages.CREATED_BY, messages.CREATED_AT),
        (messages.TITLE,),
    ),
    Entity("messages", "pair", messages.pair_key("<one>", "<other>"), (messages.PAIR,), (messages.GROUP_UUID,)),
    Entity(
        "messages",
        "profile",
        messages.user_key("<user>"),
        (messages.PROFILE,),
        (messages.HANDLE, messages.DISPLAY_NAME, messages.PROFILE_VERSION),
        (messages.EMAIL, messages.COGNITO_SUB, messages.NAME_FOLLOWS),
    ),
    Entity(
        "messages",
        "handle",
        messages.handle_key("<handle>"),
        (messages.handle_key("<handle>"),),
        (messages.USER_UUID,),
    ),
    Entity(
        "messages",
        "subject",
        messages.subject_key("<subject>"),
        (messages.subject_key("<subject>"),),
        (messages.USER_UUID,),
    ),
    Entity(
        "runs",
        "run",
        runs.run_key("<run>"),
        (runs.RUN,),
        tuple(name for name in _RUN if name not in _RUN_OPTIONAL),
        _RUN_OPTIONAL,
    ),
    Entity(
        "runs",
        "segment of a run",
        runs.run_key("<run>"),
        (f"{runs.SEGMENT_PREFIX}<number>",),
        tuple(SegmentRecord(segment=0).item()),
    ),
    Entity(
        "runs",
        "what operators ask of a run",
        runs.control_key("<run>"),
        (runs.CONTROL,),
        (),
        tuple(Controls.__dataclass_fields__),
    ),
    Entity("runs", "lock of a table", runs.lock_key("<table>"), (runs.LOCK,), tuple(Lock.__dataclass_fields__)),
)
