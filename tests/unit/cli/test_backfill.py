"""`switchboard backfill` on a table in memory: what it prints, keeps in its checkpoint, and ends with."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.session import Target
from cli.tools import Tools
from switchboard.backfill.sample import sample
from switchboard.schema import deployment
from tests.fakes.backfill_table import BackfillTable
from tests.fakes.messages_table import client_error
from tests.fakes.mishaps import Killed
from tests.unit.backfill.runs_of import VALUE, holds, thing, things
from tests.unit.backfill.test_job_and_plan import BOTH

if TYPE_CHECKING:
    from pathlib import Path

HERE = ("--stage", "local", "--json")
JOB = ("--table", "things", "--attribute", "test")
START = ("backfill", "start", "--inline", *JOB, "--value", "1", *HERE)


class Stage:
    """A stage that published no tables, so that each is called by its exact name."""

    def __init__(self, table: BackfillTable, *, name: str = deployment.LOCAL_STAGE) -> None:
        self._table = table
        self._name = name

    def get_parameter(self, **_: Any) -> Any:
        raise client_error("ParameterNotFound", "GetParameter")

    def run(self, *words: str) -> Any:
        def client(service: str) -> Any:
            return self if service == "ssm" else self._table

        tools = Tools(connect=lambda _: Target(self._name, client), sleep=lambda _: None, random_bits=lambda _: 7)
        return CliRunner().invoke(app, list(words), obj=tools)


def test_a_verified_run_ends_with_0_and_its_report() -> None:
    table = BackfillTable(things(30))
    done = Stage(table).run(*START)
    assert done.exit_code == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["counters"] == {"scanned": 30, "updated": 20, "already": 10, "deleted": 0, "failed": 0}
    assert (report["status"], report["missing_after"]) == ("succeeded", 0)
    shown = Stage(table).run(*START[:-1])
    fields = dict(line.replace("│", "|").split("|") for line in shown.stdout.splitlines())
    shown_fields = {name.strip(): value.strip() for name, value in fields.items()}
    assert (
        shown_fields.items() >= {"status": "succeeded", "missing after": "0", "updated": "0", "already": "30"}.items()
    )


def test_a_plan_in_this_process_says_what_a_run_would_change_and_changes_nothing() -> None:
    table = BackfillTable(things(30))
    before = holds(table)
    done = Stage(table).run("backfill", "plan", "--inline", *JOB, "--value", "1", *HERE)
    assert done.exit_code == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["status"], answer["segments"]) == ("planned", 1)
    assert answer["items_to_change"] == 20
    assert holds(table) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--job", "rename_user"), "backfill start --job rename_user"),
        (
            ("--job", "import_legacy_cdr", "--table", "old", "--before", "2026-11-21T00:00:00Z", "--inline"),
            "in the stage",
        ),
    ],
    ids=["rename", "import"],
)
def test_what_cannot_be_planned_says_what_can(words: tuple[str, ...], said: str) -> None:
    done = Stage(BackfillTable([])).run("backfill", "plan", *words, *HERE)
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_value_may_be_dynamodbs_json() -> None:
    table = BackfillTable([thing(1)])
    done = Stage(table).run(*START[:7], "--value", '{"N": "1.0"}', *HERE)
    assert done.exit_code == 0, done.stderr
    assert list(holds(table).values()) == [{"N": "1"}]
    broken = Stage(table).run(*START[:7], "--value", "{secret", *HERE)
    assert broken.exit_code == 3
    assert "secret" not in broken.stderr


def test_what_is_not_verified_ends_with_5() -> None:
    table = BackfillTable([thing(number) for number in range(3)])
    table.refuse = lambda key: "ValidationError" if key[1] == "0000001" else None
    done = Stage(table).run(*START)
    assert done.exit_code == 5
    assert json.loads(done.stdout)["status"] == "failed"
    counted = Stage(table).run("backfill", "verify", *JOB, *HERE)
    assert counted.exit_code == 5
    assert json.loads(counted.stdout) == {"missing": 1, "read_units": 3.0}
    table.refuse = lambda _key: None
    assert Stage(table).run(*START).exit_code == 0
    shown = Stage(table).run("backfill", "verify", *JOB, "--stage", "local")
    assert (shown.exit_code, shown.stdout) == (0, "0 items lack the attribute.\n")


def test_without_inline_a_stage_without_a_state_machine_runs_nothing() -> None:
    table = BackfillTable(things(3))
    done = Stage(table).run(*[word for word in START if word != "--inline"])
    assert (done.exit_code, done.stdout) == (4, "")
    assert "/switchboard/local/backfill/state-machine" in done.stderr
    assert not table.calls


@pytest.mark.parametrize("short", ["cdr", "runs"])
def test_neither_call_data_records_nor_runs_are_changed_by_whatever_name(short: str) -> None:
    table = BackfillTable([])
    for name in (short, deployment.table_name("local", short)):
        words = [name if word == "things" else word for word in START]
        done = Stage(table).run(*words)
        assert done.exit_code == 3
        assert "NotATarget" in done.stderr


@pytest.mark.parametrize(("code", "ends"), [("AccessDeniedException", 3), ("ResourceNotFoundException", 4)])
def test_an_error_of_the_whole_table_ends_it_and_says_which(code: str, ends: int) -> None:
    table = BackfillTable(things(30))
    table.before = lambda name, _request: (_ for _ in ()).throw(client_error(code)) if "batch" in name else None
    done = Stage(table).run(*START)
    assert (done.exit_code, done.stdout) == (ends, "")
    assert code in done.stderr


def test_an_interrupted_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    table = BackfillTable(things(50), page=10)
    file = tmp_path / "checkpoint"
    words = (*START, "--checkpoint", str(file))

    def kill(name: str, _request: dict[str, Any]) -> None:
        if name == "scan" and table.calls["scan"] == 4:
            raise Killed

    table.before = kill
    with pytest.raises(Killed):
        Stage(table).run(*words)
    assert json.loads(file.read_text())["at"]["counters"]["scanned"] == 30
    for other in (("--value", "2"), ("--prefix", "p")):
        refused = Stage(table).run(*words, *other)
        assert refused.exit_code == 2
        assert "another job" in refused.stderr
    table.calls.clear()
    table.before = lambda _name, _request: None

    done = Stage(table).run(*words)

    assert done.exit_code == 0
    assert json.loads(done.stdout)["counters"]["scanned"] == 50
    assert table.calls["scan"] == 2 + 5
    assert set(table.updated.values()) == {1}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"switchboard.backfill-checkpoint/1": {}, "at": {"where": 1}}'])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "checkpoint"
    file.write_text(content)
    done = Stage(BackfillTable(things(3))).run(*START, "--checkpoint", str(file))
    assert done.exit_code == 2
    assert "cannot be read" in done.stderr
    assert file.read_text() == content


def test_samples_are_the_same_each_time_and_of_the_share_asked_for() -> None:
    items = [sample(BOTH, "test", number, 0.3) for number in range(2_000)]
    assert items == [sample(BOTH, "test", number, 0.3) for number in range(2_000)]
    assert len({(item["pk"]["S"], item["sk"]["S"]) for item in items}) == 2_000
    assert 0.27 < sum("test" in item for item in items) / 2_000 < 0.33
    for share, expected in ((0, 0), (1, 2_000)):
        assert sum("test" in sample(BOTH, "test", number, share) for number in range(2_000)) == expected
    assert all(item.get("test") != VALUE for item in items)


def test_samples_are_refused_where_there_is_other_peoples_data() -> None:
    table = BackfillTable([])
    done = Stage(table, name="prod").run("backfill", "sample-data", "--table", "things", "--items", "3", *HERE)
    assert done.exit_code == 3
    assert not table.calls
