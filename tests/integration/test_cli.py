"""The `switchboard` command as a person types it, against the deployed stage."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.paths import ROOT
from switchboard.schema import cdr
from tests.integration.calls import record, unique

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from local_cloud.stage import DeployedStage

    Switchboard = Callable[..., subprocess.CompletedProcess[str]]

SWITCHBOARD = ROOT / ".venv" / "bin" / "switchboard"
EXAMPLES = ROOT / "docs" / "examples" / "records.jsonl"


@pytest.fixture
def switchboard(local: DeployedStage) -> Switchboard:
    """Run the command against the deployed stage; the answer is its exit code and what it printed."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NO_COLOR": "1", **local.cloud.environment()}

    def run(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        command = [str(SWITCHBOARD), *words, "--endpoint-url", local.endpoint_url]
        return subprocess.run(
            command, env=environment, input=text, capture_output=True, text=True, check=False, timeout=120
        )

    return run


def lines(*records: dict[str, Any]) -> str:
    return "\n".join(json.dumps(one) for one in records)


def test_the_examples_of_the_documentation_are_stored_and_read_back(switchboard: Switchboard) -> None:
    put = switchboard("cdr", "put", str(EXAMPLES))
    assert put.returncode == 0, put.stderr
    read = switchboard("cdr", "history", "--sponsorship", "sp-901", "--json")
    assert read.returncode == 0, read.stderr
    sent = [json.loads(line) for line in EXAMPLES.read_text().splitlines()]
    assert [one["id"] for one in json.loads(read.stdout)["records"]] == [one["id"] for one in sent]


def test_put_list_first_and_history(switchboard: Switchboard, rng: random.Random) -> None:
    sponsor = unique(rng, "s")
    common = {"sponsor_id": sponsor, "sponsorship_id": sponsor}
    records = [
        record("first", cdr.FIRST_ACTIVATE, **common, subscriber_id="p-7"),
        *[record(f"c-{n}", **common, time=f"2026-11-20T12:00:0{n}Z") for n in range(5)],
    ]
    put = switchboard("cdr", "put", "-", "--json", text=lines(*records))
    assert put.returncode == 0, put.stderr
    assert json.loads(put.stdout)["summary"]["stored"] == len(records)
    span = ("--from", "2026-11-20T00:00:00Z", "--to", "2026-11-21T00:00:00Z")
    listed = switchboard("cdr", "list", "--sponsor", sponsor, *span, "--limit", "4", "--json")
    page = json.loads(listed.stdout)
    assert len(page["records"]) == 4
    rest = switchboard("cdr", "list", "--sponsor", sponsor, *span, "--cursor", page["cursor"], "--json")
    found = page["records"] + json.loads(rest.stdout)["records"]
    assert {one["id"] for one in found} == {one["id"] for one in records}
    first = switchboard(
        "cdr", "first", "--sponsorship", sponsor, "--type", "first_activate", "--subscriber", "p-7", "--json"
    )
    assert json.loads(first.stdout)["record"]["id"] == "first"


def test_a_person_reads_tables_and_the_units_they_cost(switchboard: Switchboard, rng: random.Random) -> None:
    sponsorship = unique(rng, "sp")
    switchboard("cdr", "put", "-", text=lines(record("seen", sponsorship_id=sponsorship)))
    shown = switchboard("cdr", "history", "--sponsorship", sponsorship)
    assert "seen" in shown.stdout
    assert "Consumed" in shown.stderr


@pytest.mark.parametrize(
    ("words", "text", "code"),
    [
        (["cdr", "put", "-"], lines(record("rejected", colour="red")), 5),
        (["cdr", "put", "-"], json.dumps({"schema": "switchboard.cdr/9", "records": [record("never")]}), 3),
        (["cdr", "put", "/nonexistent/records.jsonl"], None, 2),
        (["cdr", "history", "--sponsorship", "nobody-knows-it"], None, 0),
        (["cdr", "first", "--sponsorship", "nobody-knows-it", "--type", "expire"], None, 4),
        (["cdr", "list", "--from", "yesterday", "--to", "2026-11-21T00:00:00Z"], None, 3),
        (["cdr", "history"], None, 2),
    ],
    ids=["rejected", "bad envelope", "no file", "no history", "no first", "bad time", "missing option"],
)
def test_the_exit_code_says_how_it_ended(
    switchboard: Switchboard, words: list[str], text: str | None, code: int
) -> None:
    done = switchboard(*words, text=text)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_listens_there(local: DeployedStage) -> None:
    done = subprocess.run(
        [str(SWITCHBOARD), "cdr", "history", "--sponsorship", "sp", "--endpoint-url", "http://127.0.0.1:9"],
        env={**os.environ, **local.cloud.environment()},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
