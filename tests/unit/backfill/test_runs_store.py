"""The requests to the runs table, on moto: another implementation than the one in memory."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from switchboard.backfill.engine import Checkpoint, Counters
from switchboard.backfill.errors import InvalidInput, RunInProgress, Systemic
from switchboard.backfill.ledger import Ledger, Superseded
from switchboard.backfill.records import LEASE_SECONDS, RunRecord
from switchboard.backfill.runs_store import Change, RunsStore, Stale
from switchboard.schema import runs
from tests.fakes.backfill_table import Clock
from tests.fakes.messages_table import client_error
from tests.unit.backfill.runs_of import waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = "runs"
START = datetime(2026, 11, 21, tzinfo=UTC)


@contextmanager
def runs_table() -> Iterator[Any]:
    with mock_aws():
        client: Any = boto3.client("dynamodb", region_name="us-east-1")
        names = {runs.PK: "HASH", runs.SK: "RANGE"}
        client.create_table(
            TableName=RUNS,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        )
        yield client


def record(run_id: str) -> RunRecord:
    return RunRecord(
        run_id=run_id,
        execution=f"arn:{run_id}",
        job=runs.SET_ATTRIBUTE,
        input={"value": {"N": "1.50"}},
        stored={"deep": [{"M": None}]},
        table="things",
        status=runs.RUNNING,
        phase=runs.WORK,
        number_of_pass=1,
        fence=0,
        segments=2,
        concurrency=2,
        distributed=False,
        unfinished=2,
        write_units=12.5,
        read_units=500.0,
        most_write_units=None,
        most_read_units=700.0,
        items=10,
    )


def test_a_run_from_its_lock_to_its_report() -> None:
    clock = Clock()
    with runs_table() as client:
        ledger = Ledger(client, RUNS, waiting=waiting(clock), now=lambda: START + timedelta(seconds=clock.now))
        run = ledger.start(record("run-1"))
        assert run.fence == 1
        assert ledger.record("run-1") == run
        with pytest.raises(RunInProgress):
            ledger.start(record("run-2"))

        first = ledger.claim(run, 0)
        second = ledger.claim(run, 1)
        assert first
        assert second
        assert second.run.working == ledger.record("run-1").working == 2, "the budget is shared from the beginning"
        at = Checkpoint(
            cursor={"pk": {"S": "p"}}, counters=Counters(scanned=3, updated=3), write_units=1.25, read_units=0.5
        )
        kept = ledger.checkpoint(run, first.segment, replace(first.segment, at=at))
        assert (kept.version, kept.attempts) == (1, 0)
        again = ledger.claim(run, 0)
        assert again
        assert (again.segment.claim, again.segment.attempts, again.segment.at) == (2, 1, at)
        assert again.run.unfinished == 2, "the same segment's next worker works in its place"
        with pytest.raises(Superseded):
            ledger.checkpoint(run, kept, kept)
        later = ledger.checkpoint(run, again.segment, again.segment)
        assert ledger.checkpoint(run, again.segment, again.segment) == later, (
            "its answer was lost, and it was sent again"
        )

        ledger.pause("run-1")
        assert ledger.claim(run, 0) is None
        ledger.set_rate("run-1", write_units=99, read_units=10_000)
        status = ledger.status("run-1")
        assert (status.pausing, status.write_rate, status.read_rate) == (True, 99, 700)
        assert (status.counters, status.write_units, status.working) == (at.counters, 1.25, 2)
        ledger.end(run, runs.PAUSED, report={"status": runs.PAUSED})
        assert ledger.status("run-1").report == {"status": runs.PAUSED}
        resumed = ledger.resume("run-1", "arn:resumed")
        assert (resumed.fence, resumed.unfinished, ledger.record("run-1").report) == (2, 2, None)
        assert not ledger.status("run-1").pausing
        with pytest.raises(RunInProgress, match="fence"):
            ledger.claim(run, 0)
        clock.now = 30
        view = ledger.view("run-1", "things")
        ledger.give_sign(view)
        assert ledger.view("run-1", "things").lock.until == START.timestamp() + 30 + LEASE_SECONDS
        ledger.give_sign(view)  # Another worker was quicker.
        assert ledger.advance(resumed, runs.COUNT, 1) == ledger.record("run-1")
        assert ledger.advance(resumed, runs.COUNT, 1) == ledger.record("run-1"), "asked again"
        assert [each.segment for each in ledger.segments("run-1")] == [0, 1]
        with pytest.raises(InvalidInput):
            ledger.status("run-3")


def test_what_is_not_as_it_was_read_is_left_alone() -> None:
    with runs_table() as client:
        store = RunsStore(client, RUNS, waiting=waiting(Clock()))
        store.apply(Change(key=("a", "b"), put={"number": 1}, when="attribute_not_exists(#number)"))
        stale = Change(key=("a", "b"), put={"number": 2}, when="attribute_not_exists(#number)")
        with pytest.raises(Stale):
            store.apply(stale)
        with pytest.raises(Stale):
            store.apply(Change(key=("c", "d"), put={"number": 3}), stale)
        store.apply(Change(key=("a", "b"), plus={"number": 5}, removed=("other",)))
        found = store.get([("a", "b"), ("c", "d")], ["number"])
        assert found == {("a", "b"): {"pk": "a", "sk": "b", "number": 6}}
        assert store.partition("a") == [{"pk": "a", "sk": "b", "number": 6}]


class Busy:
    """A table whose first answers are errors."""

    def __init__(self, *errors: Exception) -> None:
        self.errors = list(errors)
        self.calls = 0

    def _call(self, **_: Any) -> Any:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return {"Items": []}

    update_item = transact_write_items = query = _call


def conflict(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    return client_error("TransactionCanceledException", CancellationReasons=reasons)


CHANGE = Change(key=("a", "b"), put={"number": 1})


def test_a_busy_table_is_asked_again() -> None:
    busy: Any = Busy(conflict("None", "TransactionConflict"), client_error("ThrottlingException"))
    RunsStore(busy, RUNS, waiting=waiting(Clock())).apply(CHANGE, CHANGE)
    assert busy.calls == 3


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (conflict("TransactionConflict", "ConditionalCheckFailed"), Stale),
        (conflict("None", "ValidationError"), ClientError),
        (client_error("ValidationException"), ClientError),
        (client_error("ResourceNotFoundException"), Systemic),
        (client_error("ConditionalCheckFailedException"), Stale),
    ],
)
def test_other_errors_are_told_at_once(error: Exception, raised: type[Exception]) -> None:
    busy: Any = Busy(error)
    with pytest.raises(raised):
        RunsStore(busy, RUNS, waiting=waiting(Clock())).apply(CHANGE)
    assert busy.calls == 1


def test_a_table_that_stays_busy_is_given_up() -> None:
    busy: Any = Busy(*[client_error("ThrottlingException")] * 100_000)
    with pytest.raises(ClientError, match="Throttling"):
        RunsStore(busy, RUNS, waiting=waiting(Clock())).partition("a")


def test_a_partition_of_many_pages_is_read_whole() -> None:
    class Paged:
        def query(self, **request: Any) -> Any:
            start = int(request.get("ExclusiveStartKey", {"sk": {"S": "0"}})["sk"]["S"])
            more = {"LastEvaluatedKey": {"sk": {"S": str(start + 1)}}} if start < 2 else {}
            return {"Items": [{"sk": {"S": str(start)}}], **more}

    paged: Any = Paged()
    found = RunsStore(paged, RUNS, waiting=waiting(Clock())).partition("a")
    assert [item["sk"] for item in found] == ["0", "1", "2"]
