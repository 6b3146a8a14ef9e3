from __future__ import annotations

import time
from pathlib import Path

import pytest

from local_cloud import cdk, deployment
from local_cloud.deployment import StackEvent
from local_cloud.errors import DeploymentError, NotSetUpError

PATIENCE_SECONDS = 10


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            "switchboard-local-data |  1 | 2:28:05 AM | CREATE_COMPLETE  | AWS::DynamoDB::Table | local/data/T (TD925)",
            StackEvent("switchboard-local-data", "CREATE_COMPLETE", "AWS::DynamoDB::Table", "local/data/T"),
        ),
        (
            "it | 0/3 | 2:28:05 AM | CREATE_FAILED | AWS::SQS::Queue | Q (Q1) Resource handler said: a | b",
            StackEvent("it", "CREATE_FAILED", "AWS::SQS::Queue", "Q"),
        ),
        ("switchboard-local-data: creating stack...", None),
        ("a | b | c | d | e | f", None),
        ("", None),
    ],
)
def test_stack_events_are_read_from_the_report(line: str, event: StackEvent | None) -> None:
    assert StackEvent.parse(line) == event


def test_the_cdk_cli_runs_with_the_node_of_the_requirements() -> None:
    words = cdk.command("ls")
    assert Path(words[0]) == cdk.node()
    assert cdk.node().is_file()
    assert "--no-notices" in words
    assert cdk.environment()["JSII_NODE"] == words[0]


def test_a_missing_cdk_cli_names_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cdk, "CDK_CLI", tmp_path / "cdk")
    with pytest.raises(NotSetUpError, match="make setup"):
        cdk.command("ls")


def test_a_command_that_fails_is_an_error_with_the_end_of_its_output() -> None:
    words = ["/bin/sh", "-c", "seq 1000; echo the reason >&2; exit 3"]
    with pytest.raises(DeploymentError, match="It failed") as caught:
        deployment._run(words, {}, failure=DeploymentError("It failed:\n"))
    assert str(caught.value).endswith("999\n1000\nthe reason\n")
    assert "\n900\n" not in str(caught.value)


def test_a_command_leaves_no_process_behind(tmp_path: Path) -> None:
    words = ["/bin/sh", "-c", f"sleep 60 >/dev/null 2>&1 & echo $! > {tmp_path}/pid"]
    deployment._run(words, {"PATH": "/bin:/usr/bin"}, failure=DeploymentError(""))
    assert ends(int((tmp_path / "pid").read_text()))


def test_an_interrupted_command_ends_with_its_processes(tmp_path: Path) -> None:
    words = ["/bin/sh", "-c", f"echo $$ > {tmp_path}/pid; echo 'it | 1 | now | UPDATE | type | path'; sleep 60"]

    def interrupt(_: StackEvent) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deployment._run(words, {"PATH": "/bin:/usr/bin"}, failure=DeploymentError(""), progress=interrupt)
    assert ends(int((tmp_path / "pid").read_text()))


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and was not yet collected does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def ends(process: int) -> bool:
    """Whether a process that was sent a signal has ended."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while alive(process) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not alive(process)
