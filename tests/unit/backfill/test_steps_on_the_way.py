"""What becomes of a run on its way: paused, paced, raced by writers, failed, verified again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from switchboard.backfill.errors import InvalidInput, RunInProgress
from switchboard.backfill.export import Exporting
from switchboard.schema import runs
from tests.fakes.backfill_machine import place
from tests.fakes.backfill_table import BackfillTable
from tests.unit.backfill.runs_of import OTHER, VALUE, holds, thing
from tests.unit.backfill.steps_of import INPUT, lock_until, machine, plan, segment
from tests.unit.backfill.test_export import ARN, SUMMARY, Exports, put_export


def test_a_paused_run_ends_with_its_cursors_and_goes_on_where_it_was() -> None:
    made = machine(page=10)

    def pause(name: str, _request: dict[str, Any]) -> None:
        if name == "scan" and made.cloud.things.calls["scan"] == 4:
            made.ledger.pause("run-1")

    made.cloud.after = pause
    paused = made.start("run-1", INPUT)
    assert paused.output
    assert (paused.output["status"], paused.output["missing_after"]) == ("paused", None)
    assert paused.output["counters"]["scanned"] == 40
    assert made.ledger.status("run-1").pausing
    assert plan(made, INPUT, name="run-2")["fence"] == 2, "a paused run holds no table"
    with pytest.raises(RunInProgress, match=r"^run: another run holds this table"):
        plan(made, {"job": "resume", "run": "run-1"}, name="resumed")
    made.ledger.end(made.ledger.record("run-2"), runs.PAUSED)

    with pytest.raises(InvalidInput, match=r"^segments: expected as many"):
        plan(made, {"job": "resume", "run": "run-1", "segments": 2}, name="resumed")
    scans = made.cloud.things.calls["scan"]
    resumed = made.start("resumed", {"job": "resume", "run": "run-1", "segments": 1})
    assert resumed.output
    assert resumed.output["run_id"] == "run-1"
    assert resumed.output["counters"]["scanned"] == 100
    assert made.cloud.things.calls["scan"] == scans + 6 + 10
    with pytest.raises(InvalidInput, match=r"^run: expected one that was paused"):
        plan(made, {"job": "resume", "run": "run-1"}, name="once-more")


def test_a_pause_may_be_taken_back() -> None:
    made = machine()
    state = plan(made, INPUT)
    made.ledger.pause("run-1")
    assert segment(made, state)["more"] is False
    assert made.ledger.status("run-1").counters.scanned == 0
    made.ledger.unpause("run-1")
    again = made.call({"step": "verify", **place(state)})
    assert (again["next"], again["pass"]) == ("work", 1)
    segment(made, again)
    assert made.ledger.status("run-1").counters.scanned == 100


def test_a_rate_changes_while_the_run_works() -> None:
    def seconds(rate: float | None) -> float:
        made = machine(900, page=30)

        def faster(name: str, _request: dict[str, Any]) -> None:
            if rate and name == "scan" and made.cloud.things.calls["scan"] == 3:
                made.ledger.set_rate("run-1", write_units=rate, read_units=1_000)

        made.cloud.after = faster
        ended = made.start("run-1", {**INPUT, "max_write_units": 10})
        assert ended.output
        return float(ended.output["seconds"])

    assert seconds(200) < 0.4 * seconds(None)


def test_a_rate_stays_below_half_of_what_is_provisioned() -> None:
    made = machine()
    units = {"WriteCapacityUnits": 40, "ReadCapacityUnits": 20}
    made.cloud.things.description |= {"BillingModeSummary": {}, "ProvisionedThroughput": units}
    plan(made, INPUT)
    status = made.ledger.status("run-1")
    assert (status.write_rate, status.read_rate) == (20, 10)
    made.ledger.set_rate("run-1", write_units=1_000)
    assert made.ledger.status("run-1").write_rate == 20
    made.ledger.set_rate("run-1", write_units=7)
    status = made.ledger.status("run-1")
    assert (status.write_rate, status.read_rate) == (7, 10)
    for units_per_second in (0, float("inf"), float("nan")):
        with pytest.raises(InvalidInput, match=r"^write_units: "):
            made.ledger.set_rate("run-1", write_units=units_per_second)


# --- verdicts -------------------------------------------------------------------------------------------------------


def test_an_item_added_meanwhile_is_caught_by_a_further_pass() -> None:
    made = machine(10)

    def add(name: str, _request: dict[str, Any]) -> None:
        if name == "scan":
            made.cloud.things.items |= BackfillTable([thing(77)]).items
            made.cloud.after = lambda _name, _request: None

    made.cloud.after = add
    ended = made.start("run-1", INPUT)
    assert ended.output
    assert (ended.output["status"], ended.output["passes"]) == ("succeeded", 2)


def test_writers_that_never_stop_end_it_incomplete() -> None:
    made = machine(10, page=3)
    numbers = iter(range(10, 1_000))

    def add(name: str, _request: dict[str, Any]) -> None:
        if name == "scan":
            number = next(numbers)
            made.cloud.things.items |= BackfillTable([thing(number), thing(number + 5_000)]).items
            made.clock.now += 10

    made.cloud.after = add
    ended = made.start("run-1", INPUT)
    assert ended.output
    assert (ended.output["status"], ended.output["passes"]) == ("incomplete", 3)
    missing = ended.output["missing_after"]
    lacking = [key for key, value in holds(made.cloud.things).items() if value is None]
    assert 3 < missing <= len(lacking), "more than one page of the count found"
    assert 0 < ended.output["rate"] <= missing
    assert all(set(key) == {"pk", "sk"} for key in ended.output["sample_keys"])
    assert len(ended.output["sample_keys"]) == min(missing, 10)


def test_an_item_that_dynamodb_refuses_fails_the_run_with_its_report() -> None:
    made = machine(30, page=4)
    made.cloud.things.refuse = lambda key: "ValidationError" if key[1] == "0000007" else None
    ended = made.start("run-1", INPUT)
    assert (ended.output, ended.error) == (None, "VerificationFailed")
    assert ended.cause["status"] == "failed"
    assert ended.cause["counters"] == {"scanned": 30, "updated": 19, "already": 10, "deleted": 0, "failed": 1}
    assert "failed_keys" not in ended.cause
    report = json.loads(made.cloud.bucket.objects["runs/run-1/report.json"])
    assert report == {**ended.cause, "failed_keys": [{"pk": {"S": "p2"}, "sk": {"S": "0000007"}}]}
    assert made.ledger.status("run-1").status == "failed"
    assert lock_until(made) == 0
    made.cloud.things.refuse = lambda _key: None
    replayed = made.start("run-2", {"job": "replay", "run": "run-1"})
    assert replayed.output
    assert replayed.output["counters"]["updated"] == 1


def test_a_report_lists_a_thousand_failed_keys_at_most() -> None:
    made = machine(2_000, page=500)
    made.cloud.things.refuse = lambda _key: "ValidationError"
    made.start("run-1", INPUT)
    report = json.loads(made.cloud.bucket.objects["runs/run-1/report.json"])
    assert len(report["failed_keys"]) == 1_000
    assert report["counters"]["failed"] == 1_333


def test_a_report_that_is_asked_again_is_the_same() -> None:
    made = machine()
    state = plan(made, INPUT)
    state = segment(made, state) | made.call({"step": "verify", **place(state)})
    segment(made, state)
    state = made.call({"step": "verify", **place(state)})
    request = {"step": "report", "run_id": "run-1", "fence": 1}
    report = made.call(request)
    made.clock.now += 100
    assert made.call(request) == report


def test_what_writers_do_meanwhile_stands() -> None:
    made = machine(10)
    lacking = [key for key, value in holds(made.cloud.things).items() if value is None]

    def write(name: str, _request: dict[str, Any]) -> None:
        if name == "scan":
            made.cloud.things.items[lacking[0]]["test"] = OTHER
            made.cloud.things.items.pop(lacking[1], None)

    made.cloud.after = write
    ended = made.start("run-1", INPUT)
    assert ended.output
    assert ended.output["counters"] == {"scanned": 10, "updated": 4, "already": 5, "deleted": 1, "failed": 0}
    assert made.cloud.things.items[lacking[0]]["test"] == OTHER
    assert lacking[1] not in made.cloud.things.items


# --- an export as the source ----------------------------------------------------------------------------------------


def test_a_run_reads_an_export_instead_of_the_table_and_then_what_came_later() -> None:
    made = machine(60)
    before = holds(made.cloud.things)
    made.cloud.things.description |= {"TableArn": ARN}
    exports = Exports()
    put_export(made.cloud.bucket, list(made.cloud.things.items.values())[:50])
    made.cloud.exports = exports
    fields = {**INPUT, "read_from": "export"}
    with pytest.raises(Exporting):
        plan(made, fields)
    assert not made.cloud.kept.items, "nothing is locked while an export is written"
    exports.described = {"ExportStatus": "COMPLETED", "ExportManifest": SUMMARY}

    ended = made.start("run-1", fields)

    assert ended.output
    assert (ended.output["status"], ended.output["passes"]) == ("succeeded", 2)
    assert ended.output["counters"]["updated"] == 40
    assert holds(made.cloud.things) == {key: value or VALUE for key, value in before.items()}
    assert made.cloud.things.calls["scan"] == 3 * 3, "the count, the further pass, and its count"


def test_a_source_that_nobody_knows_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"^read_from: expected one of export, scan"):
        plan(machine(), {**INPUT, "read_from": "secret"})


def test_a_run_is_verified_again_without_any_change() -> None:
    made = machine(100)
    made.start("run-1", {**INPUT, "segments": 3})
    report = made.start("check-1", {"job": "verify", "run": "run-1"}).output
    assert report is not None
    del report["seconds"]
    assert report == {
        "run_id": "check-1",
        "status": "succeeded",
        "counters": {"scanned": 0, "updated": 0, "already": 0, "deleted": 0, "failed": 0},
        "missing_after": 0,
        "write_units": 0,
        "read_units": 100.0,
        "passes": 0,
    }
    late = thing(1_000)
    made.cloud.things.items[late["pk"]["S"], late["sk"]["S"]] = late
    written = made.cloud.things.calls["batch_execute_statement"]
    again = made.start("check-2", {"job": "verify", "run": "run-1", "max_read_units": 20}).output
    assert again is not None
    assert (again["status"], again["missing_after"], again["sample_keys"]) == (
        "incomplete",
        1,
        [{"pk": late["pk"], "sk": late["sk"]}],
    )
    assert made.cloud.things.calls["batch_execute_statement"] == written
    assert made.ledger.record("check-2").read_units == 20


def test_only_what_set_an_attribute_is_verified_by_a_run_of_its_own() -> None:
    made = machine(20)
    made.start("run-1", INPUT)
    made.start("undo-1", {"job": "undo", "run": "run-1"})
    refused = made.start("check-1", {"job": "verify", "run": "undo-1"})
    assert (refused.error, refused.output) == ("InvalidInput", None)
    assert "undo-1" not in json.dumps(refused.cause)
