from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from switchboard.backfill.engine import Checkpoint, Counters
from switchboard.backfill.errors import Systemic
from tests.fakes.backfill_table import BackfillTable, Clock
from tests.fakes.messages_table import client_error
from tests.unit.backfill.runs_of import OTHER, VALUE, holds, run, thing, things


def test_what_lacks_the_attribute_gets_it_and_the_report_adds_up() -> None:
    table = BackfillTable(things(3_000), page=400)
    before = holds(table)
    report = run(table)
    assert report.as_answer() == {
        "run_id": "run-1",
        "status": "succeeded",
        "counters": {"scanned": 3_000, "updated": 2_000, "already": 1_000, "deleted": 0, "failed": 0},
        "missing_after": 0,
        "write_units": 2_000.0,
        "read_units": 3_000 * 0.5 + 3_000,
        "seconds": 0.0,
        "passes": 1,
    }
    assert holds(table) == {key: value or VALUE for key, value in before.items()}
    assert table.calls["batch_execute_statement"] == 7 * 11 + 6


def test_a_second_run_writes_nothing() -> None:
    table = BackfillTable(things(100))
    run(table)
    again = run(table)
    assert again.at.counters == Counters(scanned=100, already=100)
    assert (again.status, again.at.write_units) == ("succeeded", 0)
    assert set(table.updated.values()) == {1}


def test_a_key_that_a_page_names_twice_is_sent_once() -> None:
    class Twice(BackfillTable):
        def scan(self, **request: Any) -> dict[str, Any]:
            answer = super().scan(**request)
            items = answer.get("Items", []) * 2
            return {**answer, "Items": items, "ScannedCount": 2 * answer["ScannedCount"]}

    table = Twice([thing(number) for number in range(10)])
    report = run(table)
    assert report.at.counters == Counters(scanned=20, updated=10, already=10)
    assert report.status == "succeeded"


def test_a_prefix_leaves_other_partitions_as_they_are() -> None:
    table = BackfillTable(things(100))
    report = run(table, prefix="p2")
    assert report.status == "succeeded"
    assert {pk for pk, _ in table.updated} == {"p2"}
    assert report.at.counters.scanned == 100
    assert report.at.counters.updated == len(table.updated) == 14


@pytest.mark.parametrize("told", [True, False], ids=["item in the error", "read by key"])
def test_what_writers_do_between_scan_and_update_stands(told: bool) -> None:
    table = BackfillTable([thing(number) for number in range(10)], told=told)

    def write(name: str, _request: dict[str, Any]) -> None:
        if name == "scan":
            table.after = lambda _name, _request: None
            table.items[("p1", "0000001")]["test"] = OTHER
            del table.items[("p2", "0000002")]

    table.after = write
    report = run(table)
    assert report.at.counters == Counters(scanned=10, updated=8, already=1, deleted=1)
    assert report.status == "succeeded"
    assert table.items[("p1", "0000001")]["test"] == OTHER
    assert ("p2", "0000002") not in table.items
    assert report.at.write_units == 10
    # The gone item's error never holds an item, so that one is always read.
    assert table.calls["batch_get_item"] == 1


def test_an_item_made_anew_between_update_and_read_is_updated() -> None:
    table = BackfillTable([thing(1)])
    gone = table.items.pop(("p1", "0000001"))

    def come_and_go(name: str, _request: dict[str, Any]) -> None:
        if name == "batch_execute_statement":
            table.items.pop(("p1", "0000001"), None)
        else:
            table.items[("p1", "0000001")] = gone
        if table.calls["batch_get_item"]:
            table.before = lambda _name, _request: None

    table.before = come_and_go
    report = run(table)
    assert report.at.counters == Counters(scanned=1, updated=1)
    assert report.status == "succeeded"


def test_writers_that_never_stop_end_it_incomplete() -> None:
    table = BackfillTable([thing(number) for number in range(10)])
    numbers = iter(range(10, 1_000))

    def add(name: str, _request: dict[str, Any]) -> None:
        if name == "scan":
            table.items |= BackfillTable([thing(next(numbers))]).items

    table.after = add
    report = run(table)
    assert (report.status, report.missing_after, report.at.passes) == ("incomplete", 1, 3)
    assert report.at.counters.add_up


def test_an_item_added_meanwhile_is_caught_by_a_further_pass() -> None:
    table = BackfillTable([thing(number) for number in range(10)])

    def add(name: str, _request: dict[str, Any]) -> None:
        if name == "scan":
            table.items |= BackfillTable([thing(77)]).items
            table.after = lambda _name, _request: None

    table.after = add
    report = run(table)
    assert (report.status, report.missing_after, report.at.passes) == ("succeeded", 0, 2)
    assert report.at.counters == Counters(scanned=21, updated=11, already=10)
    # A further pass looks for what the first one, at half the price, may have been too early to see.
    assert report.at.read_units == 10 * 0.5 + 11 + 11 + 11


def test_an_item_that_dynamodb_refuses_is_counted_and_fails_the_run() -> None:
    table = BackfillTable([thing(number) for number in range(30)])
    table.refuse = lambda key: "ValidationError" if key[1] == "0000007" else None
    report = run(table)
    assert report.at.counters == Counters(scanned=30, updated=29, failed=1)
    assert (report.status, report.missing_after, report.at.passes) == ("failed", 1, 1)


def test_throttled_members_alone_are_sent_again() -> None:
    table = BackfillTable([thing(number) for number in range(25)])
    refused = {("p3", "0000003"): 4, ("p4", "0000009"): 2}
    sent: list[int] = []
    table.before = lambda _name, request: sent.append(len(request["Statements"])) if "Statements" in request else None

    def refuse(key: tuple[str, str]) -> str | None:
        refused[key] = refused.get(key, 0) - 1
        return "ThrottlingError" if refused[key] >= 0 else None

    table.refuse = refuse
    clock = Clock()
    report = run(table, clock=clock)
    assert report.at.counters == Counters(scanned=25, updated=25)
    assert sent == [25, 2, 2, 1, 1]
    assert clock.now > 0


def test_a_table_that_throttles_for_ever_ends_failed() -> None:
    table = BackfillTable([thing(number) for number in range(3)])
    table.refuse = lambda key: "ProvisionedThroughputExceeded" if key[1] == "0000001" else None
    report = run(table)
    assert (report.status, report.at.counters) == ("failed", Counters(scanned=3, updated=2, failed=1))


def test_a_lost_answer_loses_no_item() -> None:
    table = BackfillTable([thing(number) for number in range(3)])

    def lose(name: str, _request: dict[str, Any]) -> None:
        if name == "batch_execute_statement":
            table.after = lambda _name, _request: None
            raise ReadTimeoutError(endpoint_url="here")

    table.after = lose
    report = run(table)
    assert (report.status, report.at.counters) == ("succeeded", Counters(scanned=3, already=3))
    assert set(table.updated.values()) == {1}


def test_a_throttled_scan_is_repeated() -> None:
    table = BackfillTable([thing(1)])

    def refuse(_name: str, _request: dict[str, Any]) -> None:
        if table.calls["scan"] < 4:
            raise client_error("ProvisionedThroughputExceededException", "Scan")

    table.before = refuse
    assert run(table).status == "succeeded"
    table.before = lambda _name, _request: (_ for _ in ()).throw(client_error("ThrottlingException", "Scan"))
    with pytest.raises(ClientError):
        run(table)


@pytest.mark.parametrize("call", ["scan", "batch_execute_statement"])
def test_a_request_that_is_throttled_whole_slows_the_run(call: str) -> None:
    def seconds(*, throttled: bool) -> float:
        table, clock = BackfillTable([thing(number) for number in range(500)], page=25), Clock()

        def refuse(name: str, _request: dict[str, Any]) -> None:
            if throttled and name == call and table.calls[call] == 1:
                raise client_error("ThrottlingException", call, ResponseMetadata={"HTTPStatusCode": 400})

        table.before = refuse
        assert run(table, clock=clock, write_units=100, read_units=100).status == "succeeded"
        return clock.now

    assert seconds(throttled=True) > 1.1 * seconds(throttled=False)


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException", "KMSDisabledException"])
@pytest.mark.parametrize("call", ["scan", "batch_execute_statement", "batch_get_item"])
def test_an_error_of_the_whole_table_stops_the_run_at_once(call: str, code: str) -> None:
    table = BackfillTable([thing(number) for number in range(100)], page=10)

    def refuse(name: str, _request: dict[str, Any]) -> None:
        if name == "batch_execute_statement" and table.calls[name] == 3:
            table.items = {key: item for key, item in table.items.items() if key not in list(table.items)[20:25]}
        if name == call and table.calls[name] == (1 if call == "batch_get_item" else 3):
            raise client_error(code)

    table.before = refuse
    told: list[Checkpoint] = []
    with pytest.raises(Systemic) as stopped:
        run(table, told=told)
    assert stopped.value.code == code
    assert [at.counters.updated for at in told] == [10, 20]
    assert table.calls["batch_execute_statement"] <= 3


@pytest.mark.parametrize("code", ["AccessDenied", "ResourceNotFound"])
def test_an_error_of_the_whole_table_that_a_member_tells_stops_the_run(code: str) -> None:
    table = BackfillTable([thing(number) for number in range(30)], page=10)
    table.refuse = lambda key: code if key[1] == "0000013" else None
    with pytest.raises(Systemic):
        run(table)


def test_a_run_goes_on_where_another_one_was_told_to() -> None:
    table = BackfillTable(things(50), page=10)
    told: list[Checkpoint] = []
    whole = run(table, told=told)
    assert [at.passes for at in told] == [0, 0, 0, 0, 1]
    assert [at.cursor is None for at in told] == [False, False, False, False, True]

    table = BackfillTable(things(50), page=10)
    for key in sorted(table.items)[:30]:
        table.items[key].setdefault("test", VALUE)
    rest = run(table, start=told[2])
    assert rest.at.counters == whole.at.counters
    assert (rest.at.read_units, rest.at.write_units) == (whole.at.read_units, whole.at.write_units)
    assert len(table.updated) == whole.at.counters.updated - told[2].counters.updated
    assert table.calls["scan"] == 2 + 5
    assert run(table, start=rest.at).at.counters == whole.at.counters
