from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from cli.main import app
from local_cloud import deployment, standing
from local_cloud.cloud import LocalCloud
from local_cloud.deployment import StackEvent
from local_cloud.errors import DeploymentError, LocalCloudError, NotSetUpError, PortTakenError, UnresponsiveError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUNNING = SimpleNamespace(endpoint_url="http://127.0.0.1:4999", port=4999)


class FakeStanding:
    """The local cloud as the commands see it; nothing is started."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.running: Any = None
        self.error: LocalCloudError | None = None
        self.calls: list[str] = []
        monkeypatch.setattr(LocalCloud, "running", lambda: self.running)
        monkeypatch.setattr(deployment, "synthesize", self.synthesize)
        monkeypatch.setattr(standing, "up", self.up)
        monkeypatch.setattr(standing, "down", self.down)

    def synthesize(self, out: Path) -> Path:
        self.calls.append("synthesize")
        return out

    def up(
        self, port: int | None, *, assembly: Path | None = None, progress: Callable[[StackEvent], None] | None = None
    ) -> tuple[Any, bool]:
        self.calls.append(f"up {port}")
        if self.error is not None:
            raise self.error
        if self.running is not None:
            return self.running, False
        assert assembly is not None
        assert progress is not None
        progress(StackEvent("switchboard-local-data", "CREATE_COMPLETE", "AWS::SQS::Queue", "local/data/Q"))
        return RUNNING, True

    def down(self) -> bool:
        self.calls.append("down")
        return self.running is not None


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> FakeStanding:
    return FakeStanding(monkeypatch)


def run(*words: str) -> Any:
    return CliRunner().invoke(app, ["local", *words])


def test_up_synthesizes_deploys_and_says_how_to_use_it(cloud: FakeStanding) -> None:
    result = run("up", "--port", "4999")
    assert (result.exit_code, cloud.calls) == (0, ["synthesize", "up 4999"])
    assert result.stdout == "The local cloud runs at http://127.0.0.1:4999.\nIn your shell: . .local/env\n"


def test_a_second_up_says_so_and_changes_nothing(cloud: FakeStanding) -> None:
    cloud.running = RUNNING
    result = run("up")
    assert (result.exit_code, cloud.calls) == (0, ["up None"])
    assert "was running already at http://127.0.0.1:4999" in result.stdout


def test_another_port_is_not_what_a_running_one_takes(cloud: FakeStanding) -> None:
    cloud.running = RUNNING
    assert "keeps its port" in run("up", "--port", "5000").stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("up",), {"endpoint_url": "http://127.0.0.1:4999", "port": 4999, "is_new": False}),
        (("status",), {"endpoint_url": "http://127.0.0.1:4999", "port": 4999}),
        (("down",), {"stopped": True}),
    ],
)
def test_a_program_reads_the_same_as_json(cloud: FakeStanding, words: tuple[str, ...], expected: Any) -> None:
    cloud.running = RUNNING
    answer = json.loads(run(*words, "--json").stdout)
    answer.pop("env_file", None)
    assert answer == expected


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (PortTakenError("Port 80 cannot be used. Choose another."), 3),
        (NotSetUpError("python is missing. Run `make setup`."), 3),
        (DeploymentError("The deployment failed. [CREATE_FAILED] at the end."), 1),
        (LocalCloudError("It did not stop."), 1),
        (UnresponsiveError("The local cloud at http://127.0.0.1:4999 does not answer."), 6),
    ],
)
def test_what_the_local_cloud_refuses_is_told_without_a_traceback(
    cloud: FakeStanding, error: LocalCloudError, code: int
) -> None:
    cloud.error = error
    result = run("up")
    assert (result.exit_code, result.stdout) == (code, "")
    assert str(error) in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(("running", "said"), [(RUNNING, "was stopped"), (None, "No local cloud was running")])
def test_down_stops_it_or_says_that_none_runs(cloud: FakeStanding, running: Any, said: str) -> None:
    cloud.running = running
    result = run("down")
    assert (result.exit_code, cloud.calls) == (0, ["down"])
    assert said in result.stdout


def test_status_says_where_it_runs_or_ends_with_4(cloud: FakeStanding) -> None:
    result = run("status")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "switchboard local up" in result.stderr
    cloud.running = RUNNING
    result = run("status")
    assert (result.exit_code, cloud.calls) == (0, [])
    assert "http://127.0.0.1:4999" in result.stdout


def test_one_that_does_not_answer_is_told_with_what_ends_it(
    cloud: FakeStanding, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy() -> None:
        raise UnresponsiveError("The local cloud at http://127.0.0.1:4999 does not answer.")

    monkeypatch.setattr(LocalCloud, "running", busy)
    result = run("status")
    assert (result.exit_code, result.stdout, cloud.calls) == (6, "", [])
    assert "`switchboard local down` ends it" in result.stderr


@pytest.mark.parametrize("port", ["0", "65536", "http"])
def test_a_port_that_is_none_is_wrong_usage(cloud: FakeStanding, port: str) -> None:
    assert run("up", "--port", port).exit_code == 2
    assert cloud.calls == []
