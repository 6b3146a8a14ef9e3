"""Backfills on the deployed stage, through the state machine and with the roles that they have."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.schema import deployment, runs
from tests.integration.backfills import ATTRIBUTE, OTHER, VALUE, Backfills, denied, kill_workers, meanwhile, run_of

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from local_cloud.stage import DeployedStage

SMALL, FULL = 400, 100_000
FAST = {"max_write_units": 5_000, "max_read_units": 5_000}


@pytest.fixture
def backfills(local: DeployedStage, rng: random.Random) -> Iterator[Backfills]:
    with Backfills.of(local, rng) as given:
        yield given


def partition(backfills: Backfills, number: int) -> str:
    found: str = backfills.key(number)["pk"]["S"]
    return found


def add_up(counters: dict[str, int]) -> bool:
    return counters["scanned"] == sum(counters[name] for name in ("updated", "already", "deleted", "failed"))


def test_a_dry_run_says_what_a_run_would_take_and_changes_nothing(backfills: Backfills, rng: random.Random) -> None:
    backfills.write(range(40))
    answer = backfills.report(backfills.start(backfills.request(dry_run=True), rng))
    assert answer["status"] == runs.PLANNED
    assert 0 < answer["items_to_change"] <= answer["items"]
    assert set(backfills.values().values()) == {None}


def test_every_item_without_the_attribute_gets_it_and_a_second_run_writes_nothing(
    backfills: Backfills, rng: random.Random
) -> None:
    backfills.write(range(70))
    backfills.write(range(70, 100), **{ATTRIBUTE: OTHER})
    execution = backfills.start(backfills.request(), rng)
    report = backfills.report(execution)
    assert (report["run_id"], report["status"], report["missing_after"]) == (run_of(execution), runs.SUCCEEDED, 0)
    assert (report["counters"]["updated"], report["counters"]["failed"]) == (70, 0)
    assert add_up(report["counters"])
    values = list(backfills.values().values())
    assert (values.count(VALUE), values.count(OTHER)) == (70, 30)

    again = backfills.report(backfills.start(backfills.request(), rng))
    assert (again["counters"]["updated"], again["write_units"]) == (0, 0)


def test_the_report_is_in_the_bucket_and_the_runs_table_where_the_operator_reads_it(
    backfills: Backfills, rng: random.Random
) -> None:
    backfills.write(range(10))
    execution = backfills.start(backfills.request(segments=2), rng)
    report = backfills.report(execution)
    local = backfills.local
    s3, bucket = local.client("s3", deployment.BACKFILL_OPERATOR), local.parameter(deployment.REPORTS_PATH)
    prefix = runs.objects_prefix(run_of(execution))
    names = [found["Key"] for found in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]]
    assert prefix + runs.REPORT_OBJECT in names
    stored = json.load(s3.get_object(Bucket=bucket, Key=prefix + runs.REPORT_OBJECT)["Body"])
    assert {name: stored[name] for name in report} == report
    items = backfills.items_of_run(execution)
    assert set(items) == {runs.RUN, runs.segment_key(0), runs.segment_key(1)}
    assert items[runs.RUN]["status"] == {"S": runs.SUCCEEDED}


def test_a_first_pass_may_read_an_export(backfills: Backfills, rng: random.Random) -> None:
    backfills.write(range(60))
    report = backfills.report(backfills.start(backfills.request(read_from="export"), rng))
    assert (report["status"], report["counters"]["updated"], report["missing_after"]) == (runs.SUCCEEDED, 60, 0)
    assert set(map(str, backfills.values().values())) == {str(VALUE)}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"table": "cdr"}, runs.NOT_A_TARGET),
        ({"attribute": "pk"}, runs.INVALID_INPUT),
        ({"attribute": "inbox_user"}, runs.INVALID_INPUT),
        ({"value": {"N": "many"}}, runs.INVALID_INPUT),
        ({"segments": 0}, runs.INVALID_INPUT),
        ({"colour": "red"}, runs.INVALID_INPUT),
    ],
)
def test_a_bad_request_is_refused_by_name_and_changes_nothing(
    backfills: Backfills, rng: random.Random, fields: dict[str, Any], error: str
) -> None:
    found, cause = backfills.refusal(backfills.request(**fields), rng)
    assert found == error
    (field,) = fields
    assert cause["message"].startswith(field) or field == "colour"


def test_reserved_words_and_dots_are_names_of_attributes_as_others_are(
    backfills: Backfills, rng: random.Random
) -> None:
    backfills.write([0])
    for name in ("size.of.it", "select"):
        assert backfills.report(backfills.start(backfills.request(attribute=name), rng))["status"] == runs.SUCCEEDED
    item = backfills.local.client("dynamodb").get_item(TableName=backfills.table, Key=backfills.key(0))["Item"]
    assert (item["size.of.it"], item["select"]) == (VALUE, VALUE)


def test_a_table_without_recovery_is_refused(backfills: Backfills, rng: random.Random) -> None:
    client = backfills.local.client("dynamodb")

    def recovery(*, on: bool) -> None:
        specification = {"PointInTimeRecoveryEnabled": on}
        client.update_continuous_backups(TableName=backfills.table, PointInTimeRecoverySpecification=specification)

    recovery(on=False)
    try:
        assert backfills.refusal(backfills.request(), rng)[0] == runs.RECOVERY_OFF
    finally:
        recovery(on=True)


def test_one_run_at_a_time_pauses_and_goes_on_at_another_rate(backfills: Backfills, rng: random.Random) -> None:
    backfills.write(range(300))
    slow = backfills.start(backfills.request(max_write_units=10), rng)
    backfills.begun(slow)
    assert backfills.refusal(backfills.request(), rng)[0] == runs.RUN_IN_PROGRESS

    backfills.control(slow, paused=True)
    paused = backfills.report(slow)
    assert paused["status"] == runs.PAUSED
    settled = list(backfills.values().values()).count(VALUE)
    assert 1 <= settled == paused["counters"]["updated"] < 300

    backfills.control(slow, paused=False, write_units=5_000)
    mismatched = {"job": runs.RESUME, "run": run_of(slow), "segments": 7}
    assert backfills.refusal(mismatched, rng)[0] == runs.INVALID_INPUT
    report = backfills.report(backfills.start({"job": runs.RESUME, "run": run_of(slow)}, rng))
    assert (report["run_id"], report["status"]) == (run_of(slow), runs.SUCCEEDED)
    assert report["counters"]["updated"] == 300
    assert add_up(report["counters"])


def test_a_rate_is_changed_while_a_run_goes_on(backfills: Backfills, rng: random.Random) -> None:
    backfills.write(range(300))
    execution = backfills.start(backfills.request(max_write_units=5), rng)
    backfills.begun(execution)
    backfills.control(execution, write_units=5_000)
    report = backfills.report(execution)
    assert report["counters"]["updated"] == 300
    assert report["seconds"] < 300 / 5


def test_a_run_that_may_not_write_any_more_says_so_and_is_resumed(backfills: Backfills, rng: random.Random) -> None:
    backfills.write(range(200))
    execution = backfills.start(backfills.request(max_write_units=20), rng)
    backfills.begun(execution)
    with denied(backfills.local, "dynamodb:PartiQLUpdate"):
        found = backfills.ended(execution)
    assert (found["status"], found["error"], found.get("output")) == ("FAILED", runs.SYSTEMIC, None)
    assert "AccessDenied" in json.loads(found["cause"])["message"]
    assert backfills.items_of_run(execution)[runs.RUN]["status"] == {"S": runs.STOPPED}

    backfills.control(execution, write_units=5_000)
    report = backfills.report(backfills.start({"job": runs.RESUME, "run": run_of(execution)}, rng))
    assert (report["status"], report["missing_after"]) == (runs.SUCCEEDED, 0)
    assert set(map(str, backfills.values().values())) == {str(VALUE)}


def test_writers_that_keep_adding_items_without_the_attribute_leave_a_run_incomplete(
    backfills: Backfills, rng: random.Random
) -> None:
    backfills.write(range(50))
    with meanwhile(lambda number: backfills.write([1_000 + number])):
        report = backfills.report(backfills.start(backfills.request(), rng))
    assert report["status"] == runs.INCOMPLETE
    assert report["missing_after"] > 0
    assert report["passes"] > 1
    assert add_up(report["counters"])


def test_an_item_that_cannot_take_the_attribute_fails_the_verification(
    backfills: Backfills, rng: random.Random
) -> None:
    backfills.write([0, 1])
    full = {"S": "x" * (400 * 1024 - 60)}
    backfills.local.client("dynamodb").put_item(TableName=backfills.table, Item={**backfills.key(2), "full": full})
    try:
        error, report = backfills.refusal(backfills.request(value={"S": "1" * 100}), rng)
        assert error == runs.VERIFICATION_FAILED
        assert (report["status"], report["counters"]["updated"], report["counters"]["failed"]) == (runs.FAILED, 2, 1)
    finally:
        backfills.local.client("dynamodb").delete_item(TableName=backfills.table, Key=backfills.key(2))


def test_what_a_run_changed_is_undone_and_nothing_else(backfills: Backfills, rng: random.Random) -> None:
    backfills.write(range(60))
    backfills.write(range(60, 90), **{ATTRIBUTE: VALUE})
    execution = backfills.start(backfills.request(), rng)
    backfills.report(execution)
    undone = backfills.report(backfills.start({"job": runs.UNDO, "run": run_of(execution)}, rng))
    assert undone["counters"]["updated"] == 60
    values = list(backfills.values().values())
    assert (values.count(None), values.count(VALUE)) == (60, 30)


def test_workers_that_die_and_writers_that_go_on_lose_recreate_and_overwrite_nothing(
    backfills: Backfills, rng: random.Random, stress: bool
) -> None:
    count = FULL if stress else SMALL
    numbers = list(range(count))
    rng.shuffle(numbers)
    set_before, missing = numbers[: count * 3 // 10], numbers[count * 3 // 10 :]
    backfills.write(set_before, **{ATTRIBUTE: OTHER})
    backfills.write(missing)
    touched = rng.sample(missing, count // 10)
    deleted, changed = touched[::2], touched[1::2]
    client = backfills.local.client("dynamodb")
    late = {"S": "a writer's"}
    turns: list[int] = []

    def write(number: int) -> None:
        if number < len(deleted):
            client.delete_item(TableName=backfills.table, Key=backfills.key(deleted[number]))
            client.update_item(
                TableName=backfills.table,
                Key=backfills.key(changed[number]),
                UpdateExpression="SET #test = :late",
                ExpressionAttributeNames={"#test": ATTRIBUTE},
                ExpressionAttributeValues={":late": late},
            )
            turns.append(number)

    # So slowly that it is still running when the last of its workers is killed.
    execution = backfills.start(backfills.request(segments=4, max_write_units=count / 8), rng)
    killed = 0
    with meanwhile(write):
        for share in (0.1, 0.3, 0.5) if stress else (0.1, 0.4):
            backfills.begun(execution, int(len(missing) * share * rng.uniform(0.5, 1)))
            killed += kill_workers(backfills.local)
        report = backfills.report(execution)
    assert killed >= 2
    assert (report["status"], report["missing_after"]) == (runs.SUCCEEDED, 0)
    assert add_up(report["counters"])

    expected: dict[int, Any] = dict.fromkeys(missing, VALUE) | dict.fromkeys(set_before, OTHER)
    expected |= dict.fromkeys(changed[: len(turns)], late)
    for number in deleted[: len(turns)]:
        del expected[number]
    assert turns
    assert backfills.values() == {partition(backfills, number): value for number, value in expected.items()}
    again = backfills.report(backfills.start(backfills.request(segments=4), rng))
    assert (again["counters"]["updated"], again["write_units"]) == (0, 0)

    # Without being told to, an undo leaves alone what the workers that died may have changed.
    known, uncertain = (
        backfills.report(backfills.start({"job": runs.UNDO, "run": run_of(execution), "uncertain": told, **FAST}, rng))
        for told in (False, True)
    )
    restored = [number for number, value in expected.items() if value == VALUE]
    assert known["counters"]["updated"] + uncertain["counters"]["updated"] == len(restored)
    expected |= dict.fromkeys(restored)
    assert backfills.values() == {partition(backfills, number): value for number, value in expected.items()}
    for each in (report, again, known, uncertain) if stress else ():
        sys.stdout.write(json.dumps(each) + "\n")
