"""A bounded look at a table, and the dry run that is made of it."""

from __future__ import annotations

import random
from typing import Any

import pytest

from switchboard.backfill.amplification import reached_indexes, update_units
from switchboard.backfill.dry_run import estimated
from switchboard.backfill.errors import Systemic
from switchboard.backfill.job import SetAttribute
from switchboard.backfill.sampling import PAGE_ITEMS, PAGES, Sample, sampled
from switchboard.backfill.waiting import Waiting
from switchboard.dynamo.values import item_size
from tests.fakes.backfill_table import TABLE, Clock, Item
from tests.fakes.messages_table import client_error
from tests.unit.backfill.runs_of import OTHER, VALUE, thing, waiting
from tests.unit.backfill.undone import SET, THINGS, unlimited

KEYS = [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]


def index(kind: str, *included: str, keys: tuple[str, ...] = ("seen",)) -> dict[str, Any]:
    schema = [{"AttributeName": name, "KeyType": "HASH"} for name in keys]
    return {"KeySchema": schema, "Projection": {"ProjectionType": kind, "NonKeyAttributes": list(included)}}


class Scanned:
    """A table of these items, which parallel scans divide by position; `requests` are the scans asked for."""

    def __init__(self, items: list[Item], **described: Any) -> None:
        self.requests: list[dict[str, Any]] = []
        self.description = {
            "TableName": TABLE,
            "KeySchema": KEYS,
            "ItemCount": len(items),
            "BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"},
            **described,
        }
        self._items = items

    def describe_table(self, *, TableName: str) -> dict[str, Any]:  # noqa: N803 - the API's own names
        assert TableName == TABLE
        return {"Table": self.description}

    def scan(self, **request: Any) -> dict[str, Any]:
        self.requests.append(dict(request))
        of, part = request.get("TotalSegments", 1), request.get("Segment", 0)
        assert 0 <= part < of
        share = self._items[len(self._items) * part // of : len(self._items) * (part + 1) // of]
        start = int(request.get("ExclusiveStartKey", {}).get("place", 0))
        page = share[start : start + request["Limit"]]
        units = sum(map(item_size, page)) / 8_192
        answer: dict[str, Any] = {"Items": page, "ConsumedCapacity": {"CapacityUnits": units}}
        if start + len(page) < len(share):
            answer["LastEvaluatedKey"] = {"place": start + len(page)}
        return answer


def look(table: Any, job: SetAttribute = SET, *, seed: int = 1) -> Sample:
    draw = random.Random(seed).random
    return sampled(table, job, table.description, units=unlimited(), draw=draw)


def dry_run(table: Any, **options: Any) -> dict[str, Any]:
    given = {"write_units": 100.0, "read_units": 50.0, "segments": 1, "concurrency": 1, **options}
    return estimated(table, SET, run_id="run-1", waiting=waiting(Clock()), **given)


def test_a_small_table_is_read_whole_and_its_answer_is_exact() -> None:
    table = Scanned([thing(number, **({"test": OTHER} if number % 5 < 2 else {})) for number in range(1_000)])
    sample = look(table)
    assert (sample.scanned, sample.missing, sample.whole) == (1_000, 600, True)
    assert len(table.requests) == 4
    assert sample.update_units == 1
    assert sample.key_bytes == 4 + 2 + 7
    assert sample.items(counted=77) == 1_000, "what was counted hours ago is outdated"
    assert sample.to_change(counted=77) == 600


def test_of_a_large_table_a_page_is_read_in_each_part_however_large_it_is() -> None:
    items = [thing(number, **({"test": OTHER} if number % 5 < 2 else {})) for number in range(100_000)]
    table = Scanned(items)
    sample = look(table)
    assert sample.scanned == PAGES * PAGE_ITEMS
    assert not sample.whole
    assert sample.to_change(100_000) == 60_000
    assert sample.read_units == pytest.approx(sample.item_bytes * sample.scanned / 8_192)
    segments = [request["Segment"] for request in table.requests]
    assert len(segments) == PAGES
    assert {request["TotalSegments"] for request in table.requests} == {400}
    assert [segment // 25 for segment in segments] == list(range(PAGES)), "one in each sixteenth"
    assert segments != [request["Segment"] for request in again(items, seed=2)]


def again(items: list[Item], *, seed: int) -> list[dict[str, Any]]:
    table = Scanned(items)
    look(table, seed=seed)
    return table.requests


def test_a_table_that_was_not_counted_yet_is_read_to_a_bound() -> None:
    table = Scanned([thing(number) for number in range(PAGES * PAGE_ITEMS + 1)], ItemCount=0)
    sample = look(table)
    assert len(table.requests) == PAGES
    assert (sample.whole, sample.items(0)) == (False, PAGES * PAGE_ITEMS)


def test_an_empty_table_has_nothing_to_change() -> None:
    answer = dry_run(Scanned([]))
    assert (answer["items"], answer["items_to_change"], answer["write_units"], answer["seconds"]) == (0, 0, 0, 0)


def test_a_prefix_leaves_items_out() -> None:
    table = Scanned([thing(number) for number in range(50)])
    sample = look(table, SetAttribute(THINGS, "test", VALUE, prefix="p3"))
    assert (sample.scanned, sample.missing) == (50, 10)


def test_a_refused_look_stops() -> None:
    table = Scanned([thing(1)])

    def scan(**_request: Any) -> dict[str, Any]:
        raise client_error("AccessDeniedException", "Scan")

    table.scan = scan  # type: ignore[method-assign]
    with pytest.raises(Systemic):
        look(table)


def test_the_answer_counts_units_of_the_items_and_of_the_indexes_that_hold_the_attribute() -> None:
    large = {"text": {"S": "x" * 1_500}}
    indexes = {"GlobalSecondaryIndexes": [index("ALL"), index("KEYS_ONLY")]}
    table = Scanned([thing(number, **large, seen={"S": "1"}) for number in range(30)], **indexes)

    answer = dry_run(table, write_units=30.0)

    assert answer["write_units"] == 30 * (2 + 2)
    assert answer["read_units"] == round(1.5 * 30 * item_size(thing(1, **large, seen={"S": "1"})) / 4_096)
    assert answer["seconds"] == 4
    assert (answer["run_id"], answer["status"], answer["segments"]) == ("run-1", "planned", 1)


def test_only_indexes_that_hold_the_attribute_are_reached() -> None:
    description = {
        "KeySchema": KEYS,
        "GlobalSecondaryIndexes": [
            index("ALL"),
            index("KEYS_ONLY"),
            index("INCLUDE", "other"),
            index("INCLUDE", "test", "other"),
        ],
        "LocalSecondaryIndexes": [index("ALL", keys=("pk", "later"))],
    }
    reached = reached_indexes(description, "test")
    assert [each.projected for each in reached] == [None, {"seen", "pk", "sk", "test", "other"}, None]

    text = {"S": "x" * 3_000}
    item = thing(1, text=text)
    assert update_units(item, "test", VALUE, reached) == 3, "it is in none of them"
    assert update_units({**item, "seen": {"S": "1"}}, "test", VALUE, reached) == 3 + 3 + 1
    both = {**item, "seen": {"S": "1"}, "later": {"N": "1"}, "other": text}
    assert update_units(both, "test", VALUE, reached) == 6 + 6 + 3 + 6


def test_an_attribute_may_tip_an_item_over_a_kilobyte() -> None:
    room = 1_024 - item_size(thing(1, text={"S": ""})) - item_size({"test": VALUE})
    assert update_units(thing(1, text={"S": "x" * room}), "test", VALUE, ()) == 1
    assert update_units(thing(1, text={"S": "x" * (room + 1)}), "test", VALUE, ()) == 2


def test_draws_come_from_the_jitter_that_a_run_waits_with() -> None:
    table = Scanned([thing(number) for number in range(10_000)])
    still = Waiting(clock=Clock(), sleep=Clock().sleep, jitter=lambda: 0.0)
    estimated(
        table,  # type: ignore[arg-type]  # a fake
        SET,
        run_id="run-1",
        write_units=1,
        read_units=1e9,
        segments=1,
        concurrency=1,
        waiting=still,
    )
    assert [request["Segment"] for request in table.requests] == [part * 40 // PAGES for part in range(PAGES)]
