"""Whatever the stream does to its records, and wherever the function ends, every member sees the newest message."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from lambdas.stream_handler import handler
from switchboard.dynamo.budget import Budget
from switchboard.messages.previews import IN_FLIGHT, RESERVE_SECONDS
from switchboard.schema import messages as schema
from tests.fakes.conversations import NOW, message, new_group, shown, sort_key
from tests.fakes.executors import Inline
from tests.fakes.messages_table import TABLE, MessagesTable, client_error
from tests.fakes.mishaps import Killed, disturb, kill_after, kill_at, live
from tests.fakes.quarantine import KeptInMemory
from tests.models.poller import Clock, EventSourceMapping

if TYPE_CHECKING:
    import random
    from concurrent.futures import Executor

    from switchboard.messages.previews import Outcome

    Record = dict[str, Any]

SCHEDULES = 1_000
REFUSED = "refuse me"
"""The text of a message that reads well and whose every update DynamoDB refuses."""
PEOPLE = ("ann", "bob", "cem", "dot")


class Refusing(MessagesTable):
    """A table that refuses updates with one text, as DynamoDB refuses those it finds invalid."""

    def update_item(self, **request: Any) -> dict[str, Any]:
        if request["ExpressionAttributeValues"][":preview"] == {"S": REFUSED}:
            raise client_error("ValidationException", "UpdateItem")
        return super().update_item(**request)


@dataclass
class World:
    """Groups, the messages in them, and the function that follows the stream."""

    executor: Executor = field(default_factory=Inline)
    table: Refusing = field(default_factory=Refusing)
    quarantine: KeptInMemory = field(default_factory=KeptInMemory)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    poison: list[Record] = field(default_factory=list)
    refused: list[Record] = field(default_factory=list)

    def open(self, group: str, *members: str) -> None:
        self.table.put(*new_group(group, *members))
        self.members[group], self.newest[group] = members, 0

    def send(self, group: str, number: int) -> None:
        self.table.put(message(group, number))
        self.newest[group] = max(self.newest[group], number)

    def send_poison(self, group: str, number: int) -> None:
        self.table.put({**message(group, number), schema.USER_UUID: {"N": "1"}})
        self.poison.append(self.table.stream[-1])

    def send_refused(self, group: str, number: int) -> None:
        self.table.put(message(group, number, text=REFUSED))
        self.refused.append(self.table.stream[-1])

    def follow(self, records: list[Record]) -> Outcome:
        follower = handler.Follower(
            client=self.table,  # type: ignore[arg-type]  # the fake has the calls that are made, not all of them
            table=TABLE,
            executor=self.executor,
            quarantine=self.quarantine,
        )
        budget = Budget(
            remaining_seconds=lambda: 60.0, sleep=lambda _: None, jitter=lambda: 0.5, reserve_seconds=RESERVE_SECONDS
        )
        return follower.follow(records, now=NOW, budget=budget)

    def assert_settled(self, told: str) -> None:
        for group, members in self.members.items():
            newest = self.newest[group]
            expected = (sort_key(newest), f"message {newest}", members[0] if newest == 0 else "ann")
            for member in members:
                row = self.table.items[schema.user_key(member), schema.membership_sort_key(group)]
                assert shown(row) == expected, told
        kept = [entry.payload for entry, _ in self.quarantine.objects.values()]
        assert all(record in kept for record in self.poison), told
        # Of those that DynamoDB refuses, one that a newer message hid was never tried.
        assert all(record in self.poison + self.refused for record in kept), told

    def shown_over_time(self) -> dict[tuple[str, str], list[str]]:
        """Of each membership, the sort keys it showed, in the order of the writes."""
        history: dict[tuple[str, str], list[str]] = {}
        for record in self.table.stream:
            image = record["dynamodb"].get("NewImage", {})
            if schema.LAST_MESSAGE_SK in image:
                row = image[schema.PK]["S"], image[schema.SK]["S"]
                history.setdefault(row, []).append(image[schema.LAST_MESSAGE_SK]["S"])
        return history


def random_world(rng: random.Random, executor: Executor | None = None) -> World:
    world = World(executor or Inline())
    for group in "ghij"[: rng.randint(1, 4)]:
        world.open(group, *rng.sample(PEOPLE, rng.randint(2, 4)))
    numbers = rng.sample(range(1, 1_000), rng.randint(1, 12))
    for number in numbers:
        (send,) = rng.choices((world.send, world.send_poison, world.send_refused), weights=(8, 1, 2))
        send(rng.choice(sorted(world.members)), number)
    return world


def play(world: World, rng: random.Random) -> None:
    """Deliver every record at least once: in any order and batching, some twice, with faults and kills in between.

    What lies before the checkpoint of a batch is never delivered again on its account.
    """
    outstanding = [*world.table.stream, *rng.choices(world.table.stream, k=rng.randint(0, 6))]
    seen = len(world.table.stream)
    disturb(world.table, rng, faults=0.2, kills=0.1)
    world.quarantine.fails = lambda: rng.random() < 0.2
    while outstanding:
        if rng.random() < 0.7:
            rng.shuffle(outstanding)
        size = rng.randint(1, len(outstanding))
        batch, outstanding = outstanding[:size], outstanding[size:]
        try:
            stopped_at = world.follow(batch).stopped_at
        except Killed:
            outstanding = batch + outstanding
        else:
            if stopped_at is not None:
                positions = [record["dynamodb"]["SequenceNumber"] for record in batch]
                outstanding = batch[positions.index(stopped_at) :] + outstanding
        # The function's own writes come by the same stream.
        outstanding += world.table.stream[seen:]
        seen = len(world.table.stream)
    live(world.table)


def test_any_schedule_ends_with_the_newest_message_and_rests(rng: random.Random) -> None:
    for schedule in range(SCHEDULES):
        world = random_world(rng)

        play(world, rng)

        told = f"schedule {schedule}"
        world.assert_settled(told)
        assert all(history == sorted(set(history)) for history in world.shown_over_time().values()), told
        everything, units = list(world.table.stream), world.table.write_units
        own = [record for record in everything if record["eventName"] == "MODIFY"]
        world.table.calls.clear()
        assert world.follow(own).updated == 0, told
        assert not world.table.calls, told
        assert world.follow(everything).updated == 0, told
        assert world.table.stream == everything, told
        assert world.table.write_units - units <= len(PEOPLE) * len(world.members), told


def test_any_schedule_over_threads(rng: random.Random) -> None:
    with ThreadPoolExecutor(IN_FLIGHT) as threads:
        for schedule in range(50):
            world = random_world(rng, threads)

            play(world, rng)

            world.assert_settled(f"schedule {schedule}")


def scene() -> World:
    world = World()
    world.open("g", "ann", "bob")
    world.open("h", "ann", "cem", "dot")
    world.send("g", 1)
    world.send("h", 2)
    world.send_poison("g", 3)
    world.send("h", 4)
    world.send_refused("h", 5)
    world.send("g", 6)
    return world


@pytest.mark.parametrize("kill", [kill_at, kill_after])
def test_killed_between_any_two_calls_the_next_delivery_completes(kill: Any) -> None:
    undisturbed = scene()
    undisturbed.follow(list(undisturbed.table.stream))
    calls = sum(undisturbed.table.calls.values())
    assert calls == 6

    for call in range(calls):
        world = scene()
        records = list(world.table.stream)
        kill(world.table, call)
        with pytest.raises(Killed):
            world.follow(records)
        live(world.table)

        assert world.follow(records).stopped_at is None
        world.assert_settled(f"killed at call {call}")
        assert world.table.items == undisturbed.table.items


@pytest.mark.parametrize(("groups", "faults"), [(1, 0.2), (40, 0.01), (400, 0.01)])
def test_through_the_event_source_mapping_nothing_is_lost_doubled_or_out_of_order(
    rng: random.Random, groups: int, faults: float
) -> None:
    """One call in a hundred fails; in one group a batch is three calls, so there more of them do."""
    world = World()
    for group in range(groups):
        world.open(f"g{group}", "ann", "bob")
    poisoned = set(rng.sample(range(1, 2_001), 2))
    for number in range(1, 2_001):
        send = world.send_poison if number in poisoned else world.send
        send(f"g{rng.randrange(groups)}", number)
    clock = Clock(now=world.table.stream[-1]["dynamodb"]["ApproximateCreationDateTime"])
    faulty: list[bool] = []

    def function(event: dict[str, Any]) -> dict[str, Any]:
        stopped_at = world.follow(event["Records"]).stopped_at
        faulty.append(stopped_at is not None)
        return {"batchItemFailures": [{"itemIdentifier": stopped_at}] if stopped_at is not None else []}

    mapping = EventSourceMapping(
        function,
        clock,
        batch_size=500,
        maximum_record_age=21_600,
        bisect_on_error=True,
        report_failures=True,
    )
    disturb(world.table, rng, faults=faults)

    mapping.deliver(list(world.table.stream))

    assert any(faulty)
    assert mapping.discarded == []
    world.assert_settled(f"{groups} groups")
    assert len(world.poison) == len(world.quarantine.objects) == 2
    assert all(history == sorted(set(history)) for history in world.shown_over_time().values())
