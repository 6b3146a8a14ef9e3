"""What a provisioned table grants of what was asked for is said wherever it is less."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.cli.backfill_shell import JOB, Shell, between_pages

SAID = "The table is provisioned: at most 20 write and 10 read units per second, half of what it has."


def provisioned(items: int = 30) -> Shell:
    shell = Shell(items)
    units = {"WriteCapacityUnits": 40, "ReadCapacityUnits": 20}
    shell.machine.cloud.things.description |= {"BillingModeSummary": {}, "ProvisionedThroughput": units}
    return shell


@pytest.mark.parametrize(
    "words", [("start", "--wait"), ("start",), ("plan",), ("plan", "--inline"), ("start", "--inline")]
)
@pytest.mark.parametrize("asked", [(), ("--max-write-units", "21", "--max-read-units", "10")])
def test_a_plan_and_a_start_say_what_is_granted(words: tuple[str, ...], asked: tuple[str, ...]) -> None:
    command, *options = words
    done = provisioned().run(command, *JOB, *options, *asked)
    assert done.exit_code == 0, done.stderr
    assert " ".join(done.stderr.split()).count(SAID) == 1
    if command == "plan":
        answer = json.loads(done.stdout)
        assert (answer["max_write_units"], answer["max_read_units"]) == (20, 10)


@pytest.mark.parametrize("words", [("start", "--wait"), ("plan",), ("plan", "--inline")])
def test_nothing_is_said_where_all_is_granted(words: tuple[str, ...]) -> None:
    command, *options = words
    limits = ("--max-write-units", "20", "--max-read-units", "10")
    assert "provisioned" not in provisioned().run(command, *JOB, *options, *limits).stderr
    assert "provisioned" not in Shell().run(command, *JOB, *options).stderr


def test_a_rate_says_what_applies() -> None:
    shell = provisioned(90)
    run_id = shell.start("--max-write-units", "5")
    said: list[Any] = []
    between_pages(shell, lambda: said.append(shell.run("rate", run_id, "1000", "--max-read-units", "9", json_=False)))
    shell.executions.run(run_id)
    text = " ".join(said[0].stderr.split())
    assert "From 5 to 20 write and 9 read units per second" in text
    assert "the most that a run may take" in text
