"""The pipeline's workflows: pinned actions, the least permissions, no keys, and nothing that GitHub would not run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are one package more for one file

from infra.inputs import PLACEHOLDER_SUBJECT, PROD
from local_cloud.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKFLOWS: Final = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PINNED: Final = re.compile(r"[\w-]+/[\w-]+@([0-9a-f]{40}) # v\d+\.\d+\.\d+")
LOCAL: Final = "./.github/workflows/"
INPUTS: Final = {
    "actions/checkout": {"fetch-depth", "persist-credentials"},
    "actions/setup-python": {"python-version"},
    "actions/upload-artifact": {"name", "path", "if-no-files-found"},
    "aws-actions/configure-aws-credentials": {
        "aws-region",
        "role-to-assume",
        "role-session-name",
        "allowed-account-ids",
    },
}
"""The inputs used here, each of which stands in the action's `action.yml` at the pinned commit."""
CONTEXTS: Final = {"github", "matrix", "vars"}
READ: Final = {"contents": "read"}
DEPLOYING: Final = {"contents": "read", "id-token": "write"}
JOB_KEYS: Final = {
    "concurrency",
    "env",
    "environment",
    "if",
    "needs",
    "permissions",
    "runs-on",
    "steps",
    "strategy",
    "timeout-minutes",
    "uses",
}
STEP_KEYS: Final = {"env", "if", "name", "run", "uses", "with"}

EVERY_WORKFLOW = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def read(path: Path) -> dict[Any, Any]:
    workflow: dict[Any, Any] = yaml.safe_load(path.read_text())
    return workflow


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = read(path)["jobs"]
    return found


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in jobs(path).values():
        yield from job.get("steps", ())


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def test_there_is_one_that_checks_and_one_that_deploys() -> None:
    assert [path.name for path in WORKFLOWS] == ["check.yml", "deploy.yml"]


@EVERY_WORKFLOW
def test_every_action_is_pinned_by_its_commit_and_says_which_version_that_is(path: Path) -> None:
    used = [line.split("uses:", 1)[1].strip() for line in path.read_text().splitlines() if "uses:" in line]
    assert used
    for each in used:
        if each.startswith(LOCAL):
            assert (ROOT / each).is_file()
        else:
            assert PINNED.fullmatch(each), each


def test_an_action_has_one_version_in_all_of_them() -> None:
    used = {step["uses"] for path in WORKFLOWS for step in steps(path) if "uses" in step}
    assert sorted(each.partition("@")[0] for each in used) == sorted(INPUTS)


@EVERY_WORKFLOW
def test_nothing_is_permitted_but_what_a_job_names(path: Path) -> None:
    assert read(path)["permissions"] == {}
    for name, job in jobs(path).items():
        assert job["permissions"] == (DEPLOYING if "environment" in job else READ), name


@EVERY_WORKFLOW
def test_no_secret_and_no_key_is_named(path: Path) -> None:
    text = path.read_text()
    for named in ("secrets", "access-key", "ACCESS_KEY", "AKIA", "github.token", "password", "pull_request_target"):
        assert named not in text, named


@EVERY_WORKFLOW
def test_expressions_read_known_contexts_and_stay_out_of_shells(path: Path) -> None:
    for expression in re.findall(r"\$\{\{(.*?)\}\}", path.read_text()):
        assert expression.strip().partition(".")[0] in CONTEXTS, expression
    for step in steps(path):
        assert "${{" not in step.get("run", ""), "an expression in a script is code that others write"


@EVERY_WORKFLOW
def test_github_would_run_it(path: Path) -> None:
    workflow = read(path)
    # YAML 1.1 reads the bare word `on` as true.
    assert set(workflow) == {"name", True, "permissions", "concurrency", "jobs"}
    for name, job in jobs(path).items():
        assert set(job) <= JOB_KEYS, name
        assert {job["needs"]} <= set(jobs(path)) if "needs" in job else True, name
        runs_here = set(job) >= {"runs-on", "steps", "timeout-minutes"}
        assert runs_here is not ("uses" in job), name
        assert not job.get("runs-on", "").endswith("latest"), name
    for step in steps(path):
        assert set(step) <= STEP_KEYS, step
        assert ("run" in step) is not ("uses" in step), step
        if "uses" in step:
            assert set(step.get("with", ())) <= INPUTS[step["uses"].partition("@")[0]], step


@EVERY_WORKFLOW
def test_what_it_makes_is_a_target(path: Path) -> None:
    scripts = "\n".join(step.get("run", "") for step in steps(path))
    assert set(re.findall(r"\bmake ([a-z-]+)", scripts)) <= make_targets()


@EVERY_WORKFLOW
def test_the_token_of_a_checkout_does_not_stay_behind(path: Path) -> None:
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_only_main_is_deployed_after_the_checks_as_the_subject_that_the_role_trusts() -> None:
    path = ROOT / ".github" / "workflows" / "deploy.yml"
    deploying = {name: job for name, job in jobs(path).items() if job["permissions"] == DEPLOYING}
    (job,) = deploying.values()
    assert job["needs"] == "check"
    assert job["if"] == "github.ref == 'refs/heads/main'"
    _, _, subject = PLACEHOLDER_SUBJECT.partition("/switchboard:")
    assert subject == f"environment:{job['environment']}"
    # Its form depends on when the repository was made, so nobody can put it together from the repository's name.
    assert job["env"]["SUBJECT"] == "${{ vars.CI_SUBJECT }}"
    (signing_in,) = (step for step in job["steps"] if "configure-aws-credentials" in step.get("uses", ""))
    assert signing_in["with"]["role-to-assume"] == "${{ vars.DEPLOYER_ROLE }}"


def test_every_variable_that_the_deployment_reads_is_named_where_a_person_looks() -> None:
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
    head, _, body = text.partition("name: deploy")
    read_by_it = set(re.findall(r"\bvars\.(\w+)", body))
    assert set(re.findall(r"\b[A-Z]{2,}(?:_[A-Z]+)*\b", head)) == read_by_it
    page = (ROOT / "docs" / "account-setup.md").read_text()
    assert [name for name in read_by_it if f"`{name}`" not in page] == []


def test_what_the_deployment_is_told_is_what_the_app_asks_for() -> None:
    text = (ROOT / ".github" / "workflows" / "deploy.yml").read_text()
    assert set(re.findall(r"-c ([a-z-]+)=", text)) == {each.key for each in PROD}
