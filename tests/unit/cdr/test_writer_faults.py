"""Throttling, broken connections, expired credentials, time running out: retried or failed, never wrong."""

from __future__ import annotations

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, NoCredentialsError
from botocore.parsers import ResponseParserError

from local_cloud.paths import ROOT
from switchboard.cdr.results import Failed, Settled, Status
from tests.unit.cdr.cdr_table import FakeTable, Fault, Time, cut, in_turn, record, refused, write

EARLY, MIDDLE, LATE = (f"2026-11-21T0{hour}:00:00Z" for hour in (1, 2, 3))
LOST = [
    cut(),
    ConnectionClosedError(endpoint_url="http://dynamodb.invalid"),
    EndpointConnectionError(endpoint_url="http://dynamodb.invalid"),
    ResponseParserError("half an answer"),
]
MEMBER_CODES = [
    "ThrottlingError",
    "ProvisionedThroughputExceeded",
    "RequestLimitExceeded",
    "InternalServerError",
    "TransactionConflict",
    "ThrottlingException",
]


@pytest.mark.parametrize("code", MEMBER_CODES)
def test_a_throttled_member_is_sent_again_alone_and_after_a_pause(code: str) -> None:
    table, time = FakeTable(fault=in_turn(Fault(members={1: code}))), Time()
    verdicts = write(table, *[record(id=f"r-{n}") for n in range(3)], time=time)
    assert [verdict.status for verdict in verdicts] == [Status.STORED] * 3
    assert table.requests == [("BatchExecuteStatement", 3), ("BatchExecuteStatement", 1)]
    assert time.slept == [pytest.approx(0.025)]


@pytest.mark.parametrize("code", ["ValidationError", "ItemCollectionSizeLimitExceeded"])
def test_a_refused_member_fails_for_good_and_its_neighbours_are_stored(code: str) -> None:
    table = FakeTable(fault=in_turn(Fault(members={1: code})))
    verdicts = write(table, *[record(id=f"r-{n}") for n in range(3)])
    assert verdicts[1] == Failed(code, retryable=False)
    assert [verdict.status for verdict in verdicts] == [Status.STORED, Status.FAILED, Status.STORED]


@pytest.mark.parametrize("code", ["AccessDenied", "ResourceNotFound"])
def test_a_member_that_only_a_person_can_help_is_not_sent_again_at_once(code: str) -> None:
    table, time = FakeTable(fault=in_turn(Fault(members={0: code}))), Time()
    assert write(table, record(), time=time) == [Failed(code, retryable=True)]
    assert time.slept == []


@pytest.mark.parametrize("code", ["ExpiredTokenException", "AccessDeniedException", "UnrecognizedClientException"])
def test_a_refused_caller_fails_every_record_of_the_request_with_the_code(code: str) -> None:
    table, time = FakeTable(fault=lambda _: Fault(before=refused(code))), Time()
    verdicts = write(table, record(id="a"), record(id="b"), time=time)
    assert verdicts == [Failed(code, retryable=True)] * 2
    assert (table.items, time.slept) == ({}, [])


def test_a_request_that_is_wrong_in_itself_is_not_worth_repeating() -> None:
    table = FakeTable(fault=lambda _: Fault(before=refused("ValidationException")))
    assert write(table, record()) == [Failed("ValidationException", retryable=False)]


def test_credentials_that_are_not_there_are_named() -> None:
    table = FakeTable(fault=lambda _: Fault(before=NoCredentialsError()))
    assert write(table, record()) == [Failed("NoCredentialsError", retryable=True)]


@pytest.mark.parametrize(
    "error",
    [
        refused("InternalServerError", 500),
        refused("SomethingNew", 503),
        refused("ThrottlingException"),
        refused("ProvisionedThroughputExceededException"),
        *LOST,
    ],
    ids=repr,
)
def test_a_request_that_fails_for_a_moment_is_sent_again(error: Exception) -> None:
    table = FakeTable(fault=in_turn(Fault(before=error), Fault(before=error)))
    (verdict,) = write(table, record())
    assert verdict.status is Status.STORED


@pytest.mark.parametrize("error", LOST, ids=repr)
@pytest.mark.parametrize("kind", ["create", "consume", "expire"])
def test_a_write_whose_answer_was_lost_is_recognised_as_this_calls_own(error: Exception, kind: str) -> None:
    table = FakeTable(fault=in_turn(Fault(after=error)))
    first, second = write(table, record(type=kind), record(type=kind))
    assert first.status is Status.STORED
    assert second.status is Status.DUPLICATE
    (item,) = table.items.values()
    assert isinstance(first, Settled)
    assert item["recorded_at"] == {"S": first.recorded_at}


def test_an_earlier_event_whose_answer_was_lost_is_still_reported_as_earlier() -> None:
    table, time = FakeTable(), Time()
    write(table, record(type="expire", id="late", time=LATE), time=time)
    table.fault = in_turn(None, None, Fault(after=cut()))
    (verdict,) = write(table, record(type="expire", id="early", time=EARLY), time=time)
    assert verdict.status is Status.EARLIER
    assert len(table.items) == 2


def test_keys_left_unread_are_read_again() -> None:
    table, time = FakeTable(), Time()
    records = [record(id=f"r-{n}") for n in range(4)]
    write(table, *records, time=time)
    table.fault = in_turn(None, Fault(unprocessed=frozenset({1, 3})))
    assert {verdict.status for verdict in write(table, *records, time=time)} == {Status.DUPLICATE}
    assert table.requests[-2:] == [("BatchGetItem", 4), ("BatchGetItem", 2)]


def test_where_the_standing_item_cannot_be_read_its_whole_group_fails() -> None:
    table, time = FakeTable(), Time()
    write(table, record(type="expire", id="middle", time=MIDDLE), time=time)
    table.fault = in_turn(None, Fault(before=refused("AccessDeniedException")))
    verdicts = write(
        table, record(type="expire", id="early", time=EARLY), record(type="expire", id="late", time=LATE), time=time
    )
    assert verdicts == [Failed("AccessDeniedException", retryable=True)] * 2


def test_the_followers_of_a_failed_record_fail_with_its_code() -> None:
    table = FakeTable(fault=lambda _: Fault(members={0: "AccessDenied"}))
    assert write(table, record(), record(), record(data={})) == [Failed("AccessDenied", retryable=True)] * 3


def test_an_item_removed_between_the_collision_and_the_look_is_written_again() -> None:
    table, time = FakeTable(), Time()
    write(table, record(), time=time)

    def expire(operation: str) -> None:
        if operation == "BatchGetItem":
            table.items.clear()

    table.fault = expire
    (verdict,) = write(table, record(), time=time)
    assert verdict.status is Status.STORED
    assert len(table.items) == 1


def test_a_key_that_is_always_taken_and_never_there_fails_after_a_bounded_number_of_attempts() -> None:
    table = FakeTable(fault=lambda _: Fault(members={0: "DuplicateItem"}))
    assert write(table, record()) == [Failed("DuplicateItem", retryable=True)]
    assert len(table.requests) == 10


def test_throttled_to_the_end_is_failed_with_the_code_and_pauses_never_outlast_the_budget() -> None:
    table, time = FakeTable(fault=lambda _: Fault(members={0: "ThrottlingError"})), Time(left=20.0)
    assert write(table, record(), time=time) == [Failed("ThrottlingError", retryable=True)]
    assert time.left >= 3.0 - 1e-9
    assert max(time.slept) == pytest.approx(1.0)


def test_an_endpoint_that_never_answers_is_out_of_time() -> None:
    table, time = FakeTable(fault=lambda _: Fault(before=cut())), Time(left=20.0)
    assert write(table, record(), time=time) == [Failed("OutOfTime", retryable=True)]


def test_with_less_than_three_seconds_left_nothing_is_begun() -> None:
    table, time = FakeTable(), Time(left=2.9)
    verdicts = write(table, *[record(id=f"r-{n}") for n in range(60)], time=time)
    assert verdicts == [Failed("OutOfTime", retryable=True)] * 60
    assert table.requests == []


def test_time_running_out_between_requests_stores_what_was_sent_and_fails_the_rest() -> None:
    time = Time(left=60.0)

    def slow(_: str) -> None:
        time.left -= 15.0

    table = FakeTable(fault=slow)
    verdicts = write(table, *[record(id=f"r-{n}") for n in range(1_000)], time=time)
    stored = sum(verdict.status is Status.STORED for verdict in verdicts)
    assert stored == len(table.items)
    assert 0 < stored < 1_000
    assert {verdict for verdict in verdicts if isinstance(verdict, Failed)} == {Failed("OutOfTime", retryable=True)}


def test_every_failed_record_can_be_sent_again() -> None:
    table, time = FakeTable(fault=in_turn(Fault(members=dict.fromkeys(range(0, 25, 2), "AccessDenied")))), Time()
    records = [record(id=f"r-{n}") for n in range(25)]
    first = write(table, *records, time=time)
    second = write(table, *records, time=time)
    for before, after in zip(first, second, strict=True):
        assert after.status is (Status.STORED if before.status is Status.FAILED else Status.DUPLICATE)


def test_the_runbook_knows_that_an_unreachable_table_looks_like_one_out_of_time() -> None:
    unreachable = EndpointConnectionError(endpoint_url="http://dynamodb.invalid")
    (verdict,) = write(FakeTable(fault=lambda _: Fault(before=unreachable)), record(), time=Time())
    page = (ROOT / "docs" / "runbook" / "cdr-failed.md").read_text()
    assert isinstance(verdict, Failed)
    assert "cannot be reached" in "".join(line for line in page.splitlines() if f"`{verdict.code}`" in line)
