"""The stream handler against the handler it replaces, which deletes and puts a row for every message and member.

Both follow the same batches on the same emulator in one run, taking turns. Written as a table in Markdown:

    .venv/bin/python -m benchmarks.stream_handler

Times are of this machine and worth only as ratios. Requests are counted at the client, write units are those DynamoDB's
answers state, one unit for each message of the batch included. The last line is a new group with its first message.
Exits with 1 where the stream handler misses its aim.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.delete_and_put import delete_and_put, old_row, open_group
from lambdas.stream_handler.handler import Follower
from local_cloud.cloud import LocalCloud
from switchboard.dynamo.budget import Budget
from switchboard.dynamo.client import dynamodb_client
from switchboard.ids import Uuid7Source, compose_uuid7
from switchboard.messages.keys import group_key, membership_key, message_key, profile_key
from switchboard.messages.opening import create_message_group
from switchboard.messages.previews import IN_FLIGHT, RESERVE_SECONDS
from switchboard.messages.runtime import Runtime
from switchboard.messages.sort_keys import sort_key
from switchboard.messages.table import MessagesTable
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from switchboard.quarantine import Unprocessable

    Record = dict[str, Any]

CASES: Final = ((1, 1), (10, 1), (100, 1), (10, 10), (100, 10), (100, 100))
"""Messages in one batch, and the groups of two people over which they are spread evenly."""
BURST: Final = (100, 1)
ROUNDS: Final = 3
LEAST_FEWER_REQUESTS: Final = 5.0
LEAST_FASTER: Final = 4.0
START_MS: Final = 1_795_219_200_000
WRITES: Final = frozenset({"PutItem", "UpdateItem", "TransactWriteItems"})
TEXT: Final = "See you at the station at eight"


@dataclass(frozen=True)
class Figures:
    """One round of one handler."""

    seconds: float
    requests: float
    write_units: float


@dataclass
class Meter:
    """Counts what goes through a client, and takes the time of rounds."""

    requests: int = 0
    write_units: float = 0.0
    seconds: list[float] = field(default_factory=list)

    def of_one_round(self, more_units: int = 0) -> Figures:
        """The median time and the mean counts, with `more_units` written by somebody else."""
        rounds = len(self.seconds)
        return Figures(median(self.seconds), self.requests / rounds, self.write_units / rounds + more_units)

    def attach(self, client: Any) -> None:
        """Ask DynamoDB for the capacity of every write of this client, and count."""
        for operation in WRITES:
            client.meta.events.register(f"provide-client-params.dynamodb.{operation}", _ask_for_capacity)
        client.meta.events.register("after-call.dynamodb", self._count)

    def _count(self, parsed: dict[str, Any], model: Any, **_: object) -> None:
        self.requests += 1
        if model.name in WRITES:
            consumed = parsed["ConsumedCapacity"]
            for each in consumed if isinstance(consumed, list) else [consumed]:
                self.write_units += each["CapacityUnits"]


def _ask_for_capacity(params: dict[str, Any], **_: object) -> dict[str, Any]:
    return {**params, "ReturnConsumedCapacity": "TOTAL"}


class Refusing:
    """A quarantine that nothing of this benchmark may reach."""

    def keep(self, entries: Sequence[Unprocessable], *, now: datetime, budget: Budget) -> list[bool]:
        """Raises, whatever is to be kept."""
        raise AssertionError(f"{len(entries)} records were refused at {now}, {budget}")


@dataclass
class Contender:
    """One of the two handlers, with a table and a meter of its own."""

    name: str
    table: str
    client: Any
    follow: Callable[[list[Record]], object]
    row: Callable[[str, str, str], Record]
    meter: Meter = field(default_factory=Meter)

    def fill(self, groups: int) -> None:
        """Groups of two people, each showing its opening message."""
        _create_table(self.client, self.table)
        first = _message_uuid(0)
        for group in range(groups):
            members = _members(group)
            meta = {**group_key(f"g{group}").attributes(), schema.MEMBERS: {"SS": members}}
            for item in (meta, *(self.row(member, f"g{group}", sort_key(first)) for member in members)):
                self.client.put_item(TableName=self.table, Item=item)

    def run(self, batch: list[Record]) -> None:
        """Follow one batch, and take the time."""
        started = time.perf_counter()
        self.follow(batch)
        self.meter.seconds.append(time.perf_counter() - started)


def membership(member: str, group: str, newest: str) -> Record:
    """A row of the stream handler: one for each group, updated in place, ordered by an index."""
    return {
        **membership_key(member, group).attributes(),
        schema.GROUP_UUID: {"S": group},
        schema.KIND: {"S": schema.DM},
        schema.LAST_MESSAGE_SK: {"S": newest},
        schema.LAST_MESSAGE: {"S": "hello"},
        schema.LAST_SENDER_UUID: {"S": member},
        schema.INBOX_USER: {"S": member},
    }


def contenders(threads: ThreadPoolExecutor) -> tuple[Contender, Contender]:
    """The handler that is replaced, and the one that replaces it."""
    old_client, new_client = dynamodb_client(), dynamodb_client(connections=IN_FLIGHT)
    follower = Follower(client=new_client, table="in_place", executor=threads, quarantine=Refusing())
    budget = Budget(
        remaining_seconds=lambda: 600.0, sleep=time.sleep, jitter=lambda: 1.0, reserve_seconds=RESERVE_SECONDS
    )

    def follow(batch: list[Record]) -> None:
        if follower.follow(batch, now=START_MS / 1_000, budget=budget).stopped_at is not None:
            raise AssertionError("the emulator failed a request: run the benchmark again")

    def follow_the_old_way(batch: list[Record]) -> None:
        for record in batch:
            delete_and_put(old_client, "delete_and_put", record)

    old = Contender("delete and put", "delete_and_put", old_client, follow_the_old_way, old_row)
    return old, Contender("stream handler", "in_place", new_client, follow, membership)


def measure(messages: int, groups: int, threads: ThreadPoolExecutor) -> tuple[Figures, Figures]:
    """Both contenders on the same batches, in turn."""
    old, new = contenders(threads)
    for contender in (old, new):
        contender.fill(groups)
        contender.run(_batch(0, groups, groups))
        contender.meter = Meter()
        contender.meter.attach(contender.client)
    for number in range(ROUNDS):
        batch = _batch(1 + number, messages, groups)
        for contender in (old, new):
            contender.run(batch)
    figures = old.meter.of_one_round(messages), new.meter.of_one_round(messages)
    for contender in (old, new):
        contender.client.delete_table(TableName=contender.table)
    return figures


def measure_new_group(threads: ThreadPoolExecutor) -> tuple[Figures, Figures]:
    """A new group with its first message, up to the moment at which both people see it in their lists."""
    old, new = contenders(threads)
    budget = Budget(remaining_seconds=lambda: 600.0, sleep=time.sleep, jitter=lambda: 1.0)
    runtime = Runtime(
        MessagesTable(new.client, new.table, budget=budget),
        clock=lambda: datetime.fromtimestamp(START_MS / 1_000, UTC),
        new_uuid7=Uuid7Source(lambda _: 1),
    )

    def open_both(number: int) -> None:
        members, record = _members(number), _record(f"g{number}", number)
        started = time.perf_counter()
        open_group(old.client, old.table, record, members)
        delete_and_put(old.client, old.table, record)
        turned = time.perf_counter()
        create_message_group(
            runtime, {schema.USER_UUID: members[0], schema.OTHER_USER_UUID: members[1], schema.MESSAGE: TEXT}
        )
        old.meter.seconds.append(turned - started)
        new.meter.seconds.append(time.perf_counter() - turned)

    for contender in (old, new):
        contender.fill(0)
    for number in range(ROUNDS + 1):
        for member in _members(number):
            new.client.put_item(TableName=new.table, Item=_profile(member))
    open_both(0)
    for contender in (old, new):
        contender.meter = Meter()
        contender.meter.attach(contender.client)
    for number in range(ROUNDS):
        open_both(1 + number)
    return old.meter.of_one_round(), new.meter.of_one_round()


def _profile(member: str) -> Record:
    names = {schema.HANDLE: {"S": member}, schema.DISPLAY_NAME: {"S": member}}
    return {**profile_key(member).attributes(), **names, schema.PROFILE_VERSION: {"N": "1"}}


def _batch(number: int, messages: int, groups: int) -> list[Record]:
    return [_record(f"g{index % groups}", number * 1_000 + index + 1) for index in range(messages)]


def _record(group: str, number: int) -> Record:
    message_uuid = _message_uuid(number)
    key = message_key(group, sort_key(message_uuid)).attributes()
    image = {**key, schema.USER_UUID: {"S": "somebody"}, schema.MESSAGE: {"S": TEXT}}
    change = {"Keys": key, "NewImage": image, "SequenceNumber": str(number)}
    return {"eventName": "INSERT", "dynamodb": change}


def _message_uuid(number: int) -> str:
    return compose_uuid7(START_MS + number, number)


def _members(group: int) -> list[str]:
    return [f"user-{group}-a", f"user-{group}-b"]


def _create_table(client: Any, name: str) -> None:
    index = schema.INBOX_USER, schema.LAST_MESSAGE_SK
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=_key_schema(schema.PK, schema.SK),
        AttributeDefinitions=[{"AttributeName": part, "AttributeType": "S"} for part in (schema.PK, schema.SK, *index)],
        GlobalSecondaryIndexes=[
            {
                "IndexName": schema.INBOX_BY_RECENCY,
                "KeySchema": _key_schema(*index),
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": list(schema.INBOX_PROJECTION)},
            }
        ],
    )


def _key_schema(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]


def _line(what: str, old: Figures, new: Figures) -> str:
    return (
        f"| {what} | {old.seconds * 1e3:.1f} | {new.seconds * 1e3:.1f} | {old.seconds / new.seconds:.1f} "
        f"| {old.requests:.0f} | {new.requests:.0f} | {old.requests / new.requests:.1f} "
        f"| {old.write_units:.0f} | {new.write_units:.0f} |"
    )


def _reached(case: tuple[int, int], old: Figures, new: Figures) -> bool:
    faster, fewer = (LEAST_FASTER, LEAST_FEWER_REQUESTS) if case == BURST else (1.0, 1.0)
    return (
        old.seconds >= faster * new.seconds
        and old.requests >= fewer * new.requests
        and old.write_units >= new.write_units
    )


def main() -> None:
    """Print the table, and exit with 1 where an aim is missed."""
    missed = []
    print("| Messages, groups | ms, old | new | times faster | requests, old | new | times fewer | units, old | new |")
    print("|---|" + "---:|" * 8)
    with LocalCloud.start() as cloud, ThreadPoolExecutor(IN_FLIGHT) as threads:
        os.environ.update(cloud.environment())
        for case in CASES:
            old, new = measure(*case, threads)
            print(_line(f"{case[0]}, {case[1]}", old, new), flush=True)
            if not _reached(case, old, new):
                missed.append(case)
        print(_line("a new group", *measure_new_group(threads)))
    if missed:
        sys.exit(f"missed the aim for (messages, groups): {missed}")


if __name__ == "__main__":
    main()
