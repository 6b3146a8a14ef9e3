from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.review import sources
from tests.unit.cli.review.system import System

if TYPE_CHECKING:
    from pathlib import Path

GIT = ("git", "-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false")

APP = """
import json, os, pathlib, shutil
assert json.loads(os.environ["CDK_CONTEXT_JSON"])["aws:cdk:enable-path-metadata"] is True
assert not [name for name in os.environ if name.startswith("AWS_")]
shutil.copytree(pathlib.Path(__file__).parent / "made", os.environ["CDK_OUTDIR"], dirs_exist_ok=True)
"""
REGISTER = """
class Gap:
    reason, found = "It stays. It is small.", {"data/Key": ("CKV_1",)}
ACKNOWLEDGED = {"prod": (Gap,)}
"""


def run(*words: object) -> Any:
    return CliRunner().invoke(app, ["review", *map(str, words)])


@pytest.fixture
def assembly(tmp_path: Path) -> Path:
    return System().written(tmp_path / "after")


@pytest.fixture
def shrunk(tmp_path: Path) -> Path:
    """The system before somebody made the key that `assembly` has."""
    system = System()
    for stage in ("dev", "prod"):
        del system.resources(stage, "data")["Cdr1"]["Properties"]["DeletionProtectionEnabled"]
    return system.written(tmp_path / "before")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose app writes what lies beside it: first without acknowledged findings, then with one."""
    root = tmp_path / "repository"
    System().written(root / "made")
    (root / "app.py").write_text(APP)
    (root / "cdk.json").write_text('{"context": {}}')
    git(root, "init", "--quiet")
    commit(root, "one")
    (root / "infra").mkdir()
    (root / "infra" / "__init__.py").write_text("")
    (root / "infra" / "acknowledged.py").write_text(REGISTER)
    system = System()
    del system.resources("prod", "data")["Cdr1"]
    system.written(root / "made")
    commit(root, "two")
    monkeypatch.setattr(sources, "ROOT", root)
    return root


def git(root: Path, *words: str) -> str:
    return subprocess.run([*GIT, *words], cwd=root, check=True, capture_output=True, text=True).stdout


def commit(root: Path, name: str) -> None:
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", name)
    git(root, "tag", name)


def test_a_review_is_a_page_and_a_few_lines(assembly: Path, tmp_path: Path) -> None:
    out = tmp_path / "review.html"
    done = run("--assembly", assembly, "--out", out)
    assert done.exit_code == 0, done.output
    assert out.read_text().startswith("<!doctype html>") or "<!doctype html>" in out.read_text()[:2_000]
    assert "prod" in done.stdout
    assert str(out) in done.stderr


def test_as_json_it_is_one_document(assembly: Path, shrunk: Path) -> None:
    done = run("--assembly", assembly, "--against", shrunk, "--json")
    found = json.loads(done.stdout)
    assert [stage["name"] for stage in found["stages"]] == ["dev", "prod"]
    (kept, exact) = found["comparison"]["changes"]
    assert (kept["kind"], kept["place"], kept["stages"]) == (
        "retention or protection",
        "data/CdrTable",
        ["dev", "prod"],
    )
    assert exact["what"] == "DeletionProtectionEnabled"
    assert found["load"]["events"] == 1_000_000
    assert "template" not in found["stages"][0]["stacks"][0]
    assert (kept["weight"], exact["weight"], found["loses_data"]) == ("caution", "note", False)
    assert found["stages"][0]["usd"] == pytest.approx(sum(line["usd"] for line in found["stages"][0]["costs"]))


def test_the_load_is_what_a_person_gives(assembly: Path) -> None:
    usd = [
        sum(
            line["usd"]
            for line in json.loads(run("--assembly", assembly, "--load", load, "--json").stdout)["stages"][0]["costs"]
        )
        for load in (0, 1_000_000, 100_000_000)
    ]
    assert usd == sorted(usd)
    assert usd[2] > 50 * usd[1] / 100 > 0


def test_one_stage_alone(assembly: Path, shrunk: Path) -> None:
    found = json.loads(run("--assembly", assembly, "--against", shrunk, "--stage", "dev", "--json").stdout)
    assert [stage["name"] for stage in found["stages"]] == ["dev"]
    assert {stage for change in found["comparison"]["changes"] for stage in change["stages"]} == {"dev"}
    assert "dev" not in found["compared_stages"]


def test_an_unknown_stage_is_not_found(assembly: Path) -> None:
    done = run("--assembly", assembly, "--stage", "nowhere")
    assert done.exit_code == 4
    assert "dev, prod" in done.stderr


def test_data_that_is_lost_ends_with_five_and_is_said_first(assembly: Path, tmp_path: Path) -> None:
    system = System()
    del system.resources("prod", "data")["Cdr1"]
    done = run("--assembly", system.written(tmp_path / "less"), "--against", assembly)
    assert done.exit_code == 5
    first = done.stdout.splitlines()[1]
    assert first.startswith("deleted")
    assert "data/CdrTable" in first


def test_against_nothing_is_refused(assembly: Path) -> None:
    """As where a variable of a pipeline is not set: it would compare nothing, and succeed."""
    done = run("--assembly", assembly, "--against", "")
    assert done.exit_code == 2
    assert "--against is empty" in done.stderr


def test_what_is_no_assembly_is_not_found(tmp_path: Path, assembly: Path) -> None:
    for words in (("--assembly", tmp_path / "nothing"), ("--assembly", assembly, "--against", tmp_path)):
        done = run(*words)
        assert done.exit_code == 4
        assert "no synthesized assembly" in done.stderr
        assert "Traceback" not in done.output


def test_control_characters_of_names_do_nothing_on_a_terminal(tmp_path: Path, assembly: Path) -> None:
    system = System()
    open_ = {"Type": "AWS::S3::Bucket", "Properties": {}, "Metadata": {"aws:cdk:path": "STAGE/data/[bold]\x1b[31mRed"}}
    system.everywhere("data", lambda resources: resources.update(Open1=open_))
    done = run("--assembly", system.written(tmp_path / "red"), "--against", assembly)
    assert "\x1b" not in done.output
    assert "[bold]" in done.output


def test_the_working_tree_against_a_revision(repository: Path) -> None:
    done = run("--against", "one", "--json")
    assert done.exit_code == 5, done.output
    found = json.loads(done.stdout)
    assert found["source"] == "the working tree"
    changes = [(each["kind"], each["place"], each["stages"]) for each in found["comparison"]["changes"]]
    assert changes[0] == ("deleted", "data/CdrTable", ["prod"])
    assert ("newly acknowledged", "data/Key", ["prod"]) in changes
    assert trees(repository) == 1


def test_nothing_is_left_of_a_revision_that_does_not_synthesize(repository: Path) -> None:
    (repository / "app.py").write_text("raise SystemExit('This line says why.')")
    commit(repository, "broken")
    git(repository, "checkout", "--quiet", "two")
    done = run("--against", "broken")
    assert done.exit_code == 3
    assert "does not synthesize" in done.stderr
    assert "This line says why." in done.stderr
    assert trees(repository) == 1


@pytest.mark.parametrize("name", ["nothing", "--all", "one..two", ""])
def test_what_is_neither_folder_nor_revision_is_not_found(repository: Path, name: str) -> None:
    if name == "":
        name = "refs/heads/"
    done = run("--assembly", repository / "made", f"--against={name}")
    assert done.exit_code == 4
    assert "neither a folder nor a revision" in done.stderr
    assert trees(repository) == 1


def trees(repository: Path) -> int:
    """How many trees the repository knows, its own included."""
    return len(git(repository, "worktree", "list").splitlines())
