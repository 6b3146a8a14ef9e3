"""`switchboard backfill` as somebody with the role `backfill-operator` types it, against the deployed stage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.schema import deployment, runs
from tests.integration import commands
from tests.integration.backfills import ATTRIBUTE, VALUE, Backfills

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from local_cloud.stage import DeployedStage

    Command = Callable[..., dict[str, Any]]

ITEMS, MANY = 90, 600
PARTLY = 5


@pytest.fixture
def backfills(local: DeployedStage, rng: random.Random) -> Iterator[Backfills]:
    with Backfills.of(local, rng) as given:
        given.write(range(ITEMS))
        yield given


@pytest.fixture
def backfill(local: DeployedStage) -> Command:
    """Run a command; its JSON answer, once it ended as it should."""
    shell = commands.environment(local.cloud, local.credentials(deployment.BACKFILL_OPERATOR))

    def run(*words: str, code: int = 0) -> dict[str, Any]:
        done = commands.run(local.cloud, shell, "backfill", *words, "--json")
        assert done.returncode == code, (words[0], done.stderr)
        answer: dict[str, Any] = json.loads(done.stdout) if done.stdout else {}
        return answer

    return run


def job(backfills: Backfills, *, units: int) -> tuple[str, ...]:
    return (
        *("--table", "messages", "--attribute", ATTRIBUTE, "--value", json.dumps(VALUE)),
        *("--prefix", backfills.prefix, "--max-write-units", str(units)),
    )


def test_a_run_is_planned_started_verified_replayed_and_undone(backfills: Backfills, backfill: Command) -> None:
    planned = backfill("plan", *job(backfills, units=5_000))
    assert (planned["status"], set(backfills.values().values())) == (runs.PLANNED, {None})

    report = backfill("start", *job(backfills, units=5_000), "--wait")
    run = report["run_id"]
    assert (report["status"], report["counters"]["updated"]) == (runs.SUCCEEDED, ITEMS)
    assert backfill("status", run)["report"] == report
    assert backfill("verify", run)["missing_after"] == 0
    assert backfill("replay", run, "--wait")["counters"]["scanned"] == 0

    backfill("undo", run, "--confirm", "another", "--wait", code=3)
    assert backfill("undo", run, "--confirm", backfills.table, "--wait")["counters"]["updated"] == ITEMS
    assert set(backfills.values().values()) == {None}
    assert backfill("verify", run, code=PARTLY)["missing_after"] == ITEMS


def test_a_run_is_watched_paced_paused_and_resumed(backfills: Backfills, backfill: Command) -> None:
    # Two minutes of work: whatever else the machine does, it is still running when it is told to pause.
    backfills.write(range(ITEMS, MANY))
    run = backfill("start", *job(backfills, units=5))["run_id"]
    backfills.begun(run)
    assert backfill("status", run)["max_write_units"] == 5
    assert backfill("pause", run)["pausing"]
    paused = backfill("status", run, "--wait", code=PARTLY)
    assert (paused["status"], paused["counters"]["updated"] < MANY) == (runs.PAUSED, True)
    backfill("rate", run, "5000", code=3)

    backfill("resume", run)
    assert backfill("rate", run, "5000")["max_write_units"] == 5_000
    report = backfill("status", run, "--wait")["report"]
    assert (report["status"], report["counters"]["updated"]) == (runs.SUCCEEDED, MANY)
