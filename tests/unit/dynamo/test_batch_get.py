from __future__ import annotations

from typing import Any

import pytest

from switchboard.dynamo.batch_get import ATTEMPTS, KEYS_PER_REQUEST, Unread, batch_get
from switchboard.dynamo.budget import Budget

TABLE = "table"


def key(number: int) -> dict[str, Any]:
    return {"pk": {"S": f"item {number}"}}


class Leaving:
    """Reads the first `reads` keys of each request and leaves the others unread."""

    def __init__(self, reads: int) -> None:
        self.requests: list[dict[str, Any]] = []
        self._reads = reads

    def batch_get_item(self, **request: Any) -> dict[str, Any]:
        wanted = request["RequestItems"][TABLE]
        self.requests.append(wanted)
        read, left = wanted["Keys"][: self._reads], wanted["Keys"][self._reads :]
        unread = {TABLE: {**wanted, "Keys": left}} if left else {}
        return {"Responses": {TABLE: read} if read else {}, "UnprocessedKeys": unread}


class Waiting:
    """A budget whose pauses are remembered; it is spent after `pauses` of them."""

    def __init__(self, pauses: int = 100) -> None:
        self.slept: list[float] = []
        self.budget = Budget(
            remaining_seconds=lambda: 60.0 if len(self.slept) < pauses else 0.0,
            sleep=self.slept.append,
            jitter=lambda: 1.0,
        )


def read(client: Leaving, count: int, waiting: Waiting) -> list[dict[str, Any]]:
    keys = [key(number) for number in range(count)]
    return list(batch_get(client, TABLE, keys, attributes=("pk", "name"), budget=waiting.budget))  # type: ignore[arg-type]


def test_any_number_of_keys_is_read_in_requests_of_a_hundred() -> None:
    client, waiting = Leaving(reads=100), Waiting()

    assert read(client, 250, waiting) == [key(number) for number in range(250)]
    assert [len(request["Keys"]) for request in client.requests] == [KEYS_PER_REQUEST, KEYS_PER_REQUEST, 50]
    assert not waiting.slept


def test_no_key_is_no_request() -> None:
    client = Leaving(reads=100)

    assert read(client, 0, Waiting()) == []
    assert not client.requests


def test_reads_are_strongly_consistent_and_of_the_attributes_asked_for() -> None:
    client = Leaving(reads=100)

    read(client, 1, Waiting())

    (request,) = client.requests
    assert request["ConsistentRead"] is True
    names = request["ExpressionAttributeNames"]
    assert [names[name] for name in request["ProjectionExpression"].split(", ")] == ["pk", "name"]


def test_what_was_left_unread_is_asked_for_again_after_a_pause() -> None:
    client, waiting = Leaving(reads=40), Waiting()

    assert read(client, 100, waiting) == [key(number) for number in range(100)]
    assert [len(request["Keys"]) for request in client.requests] == [100, 60, 20]
    assert waiting.slept == [0.05, 0.1]


def test_a_table_that_leaves_keys_unread_again_and_again_is_given_up() -> None:
    client = Leaving(reads=0)

    with pytest.raises(Unread):
        read(client, 3, Waiting())
    assert len(client.requests) == ATTEMPTS


def test_without_time_nothing_is_asked_for_again() -> None:
    client = Leaving(reads=0)

    with pytest.raises(Unread):
        read(client, 3, Waiting(pauses=0))
    assert len(client.requests) == 1
