"""What becomes of records, call by call."""

from __future__ import annotations

from datetime import timedelta

import pytest

from switchboard.cdr.results import Settled, Status
from switchboard.schema import cdr
from switchboard.times import to_fixed
from tests.unit.cdr.cdr_table import NOW, FakeTable, Time, record, write

EARLY, MIDDLE, LATE = (f"2026-11-21T0{hour}:00:00Z" for hour in (1, 2, 3))
FIRST_TYPES = sorted(cdr.FIRST_PREFIXES)


def statuses(verdicts: object) -> list[str]:
    assert isinstance(verdicts, list)
    return [verdict.status.value for verdict in verdicts]


def test_a_record_is_stored_whole_and_every_attribute_is_the_contracts() -> None:
    table = FakeTable()
    stored = record(time="2026-11-21T01:08:12.5+01:00", data={"a": [1.0, 0.25, True, None, "ü"]})
    (verdict,) = write(table, stored)
    recorded_at = to_fixed(NOW + timedelta(microseconds=1))
    assert verdict == Settled(Status.STORED, recorded_at)
    shard = cdr.shard_of("SPONSORSHIP#sp-901", "CONSUME#qm/reporting-api#r-1")
    assert table.items == {
        ("SPONSORSHIP#sp-901", "CONSUME#qm/reporting-api#r-1"): {
            "pk": {"S": "SPONSORSHIP#sp-901"},
            "sk": {"S": "CONSUME#qm/reporting-api#r-1"},
            "v": {"N": "1"},
            "type": {"S": "consume"},
            "source": {"S": "qm/reporting-api"},
            "id": {"S": "r-1"},
            "sponsor_id": {"S": "s-12"},
            "sponsorship_id": {"S": "sp-901"},
            "subscriber_id": {"S": "p-77"},
            "occurred_at": {"S": "2026-11-21T00:08:12.500000Z"},
            "data": {"M": {"a": {"L": [{"N": "1"}, {"N": "0.25"}, {"BOOL": True}, {"NULL": True}, {"S": "ü"}]}}},
            "recorded_at": {"S": recorded_at},
            "sponsor_shard": {"S": f"s-12#{shard}"},
            "day_shard": {"S": f"2026-11-21#{shard}"},
            "payload_hash": {"S": stored.payload_hash},
        }
    }


def test_a_stage_with_a_retention_gives_every_item_its_end_never_before_it() -> None:
    table = FakeTable()
    write(table, record(), retention=timedelta(days=30))
    (item,) = table.items.values()
    recorded = NOW + timedelta(microseconds=1)
    assert item[cdr.EXPIRES_AT] == {"N": str(int((recorded + timedelta(days=30)).timestamp()) + 1)}


@pytest.mark.parametrize("kind", cdr.RECORD_TYPES)
def test_a_second_delivery_is_a_duplicate_of_the_item_that_stands(kind: str) -> None:
    table, time = FakeTable(), Time()
    (first,) = write(table, record(type=kind), time=time)
    before = dict(table.items)
    (second,) = write(table, record(type=kind), time=time)
    assert isinstance(first, Settled)
    assert second == Settled(Status.DUPLICATE, first.recorded_at)
    assert table.items == before


@pytest.mark.parametrize("kind", cdr.RECORD_TYPES)
def test_the_same_identity_with_other_content_is_a_conflict_and_the_stored_one_stands(kind: str) -> None:
    table, time = FakeTable(), Time()
    (first,) = write(table, record(type=kind), time=time)
    before = dict(table.items)
    (second,) = write(table, record(type=kind, data={"other": 1}), time=time)
    assert isinstance(first, Settled)
    assert second == Settled(Status.CONFLICT, first.recorded_at)
    assert table.items == before


def test_a_second_create_of_a_sponsorship_is_a_conflict_whoever_sends_it() -> None:
    table, time = FakeTable(), Time()
    (first,) = write(table, record(type="create"), time=time)
    (second,) = write(table, record(type="create", id="r-2", time=EARLY), time=time)
    assert isinstance(first, Settled)
    assert second == Settled(Status.CONFLICT, first.recorded_at)


def test_two_events_of_one_sponsor_in_the_same_instant_are_two_items() -> None:
    table = FakeTable()
    assert statuses(write(table, record(id="r-1"), record(id="r-2"))) == ["stored", "stored"]
    assert len(table.items) == 2


@pytest.mark.parametrize("kind", FIRST_TYPES)
def test_a_later_event_is_not_first_and_an_earlier_one_is_kept_beside_the_first(kind: str) -> None:
    table, time = FakeTable(), Time()
    (first,) = write(table, record(type=kind, id="middle", time=MIDDLE), time=time)
    (later,) = write(table, record(type=kind, id="late", time=LATE), time=time)
    (same,) = write(table, record(type=kind, id="same", time=MIDDLE), time=time)
    (earlier,) = write(table, record(type=kind, id="early", time=EARLY), time=time)
    (again,) = write(table, record(type=kind, id="early", time=EARLY), time=time)
    (other,) = write(table, record(type=kind, id="early", time=EARLY, data={}), time=time)
    assert isinstance(first, Settled)
    assert later == same == Settled(Status.NOT_FIRST, first.recorded_at)
    assert earlier == Settled(Status.EARLIER, to_fixed(NOW + timedelta(microseconds=4)))
    assert again == Settled(Status.DUPLICATE, earlier.recorded_at)
    assert other == Settled(Status.CONFLICT, earlier.recorded_at)
    prefix = cdr.FIRST_PREFIXES[kind]
    assert sorted(sk for _, sk in table.items) == [f"{prefix}#p-77", f"{prefix}#p-77#EARLIER#qm/reporting-api#early"]


def test_subscribers_p_7_and_p_77_have_firsts_of_their_own() -> None:
    table = FakeTable()
    verdicts = write(
        table,
        record(type="first_retrieve", id="a", subscriber_id="p-7", time=LATE),
        record(type="first_retrieve", id="b", subscriber_id="p-77", time=EARLY),
        record(type="first_retrieve", id="c", subscriber_id=None, time=MIDDLE),
    )
    assert statuses(verdicts) == ["stored", "stored", "stored"]
    assert sorted(sk for _, sk in table.items) == ["RETRIEVE#-", "RETRIEVE#p-7", "RETRIEVE#p-77"]


def test_one_identity_several_times_in_a_call_is_written_once_before_any_request() -> None:
    table = FakeTable()
    verdicts = write(table, *[record() for _ in range(1_000)])
    assert statuses(verdicts) == ["stored"] + ["duplicate"] * 999
    assert len({verdict.recorded_at for verdict in verdicts if isinstance(verdict, Settled)}) == 1
    assert table.requests == [("BatchExecuteStatement", 1)]


def test_of_several_events_in_a_call_the_earliest_is_written_and_the_others_judged_against_it() -> None:
    table = FakeTable()
    verdicts = write(
        table,
        record(type="expire", id="late", time=LATE),
        record(type="expire", id="early", time=EARLY),
        record(type="expire", id="tie", time=EARLY),
        record(type="expire", id="early", time=EARLY),
        record(type="expire", id="early", time=MIDDLE),
    )
    assert statuses(verdicts) == ["not_first", "stored", "not_first", "duplicate", "conflict"]
    assert table.requests == [("BatchExecuteStatement", 1)]


def test_two_creates_in_a_call_are_one_and_a_conflict() -> None:
    table = FakeTable()
    assert statuses(write(table, record(type="create", id="b"), record(type="create", id="a"))) == [
        "stored",
        "conflict",
    ]


def test_an_event_stored_before_is_recognised_though_another_of_the_call_went_ahead_of_it() -> None:
    table, time = FakeTable(), Time()
    write(table, record(type="expire", id="middle", time=MIDDLE), time=time)
    verdicts = write(
        table,
        record(type="expire", id="middle", time=MIDDLE),
        record(type="expire", id="early", time=EARLY),
        record(type="expire", id="late", time=LATE),
        time=time,
    )
    assert statuses(verdicts) == ["duplicate", "earlier", "not_first"]
    again = write(
        table,
        record(type="expire", id="earliest", time="2026-11-21T00:00:00Z"),
        record(type="expire", id="early", time=EARLY),
        record(type="expire", id="middle", time=MIDDLE, data={}),
        time=time,
    )
    assert statuses(again) == ["earlier", "duplicate", "conflict"]


def test_a_conflict_ahead_of_an_earlier_event_does_not_hide_it() -> None:
    table, time = FakeTable(), Time()
    write(table, record(type="expire", id="late", time=LATE), time=time)
    verdicts = write(
        table,
        record(type="expire", id="late", time=EARLY),
        record(type="expire", id="middle", time=MIDDLE),
        time=time,
    )
    assert statuses(verdicts) == ["conflict", "earlier"]
    assert min(item["occurred_at"]["S"] for item in table.items.values()) == "2026-11-21T02:00:00.000000Z"


def test_statements_travel_in_twenty_fives_and_reads_in_hundreds() -> None:
    table, time = FakeTable(), Time()
    records = [record(id=f"r-{n}") for n in range(130)]
    write(table, *records, time=time)
    assert sorted(table.requests) == [("BatchExecuteStatement", 5), *[("BatchExecuteStatement", 25)] * 5]
    table.requests.clear()
    assert statuses(write(table, *records, time=time)) == ["duplicate"] * 130
    assert sorted(size for name, size in table.requests if name == "BatchGetItem") == [30, 100]


def test_nothing_to_write_needs_no_request() -> None:
    table = FakeTable()
    assert write(table) == []
    assert table.requests == []
