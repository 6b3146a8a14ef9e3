"""A cloud's life: several at once, its end with its user, its failures, and the one that stays."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud import cloud as cloud_module
from local_cloud import instances, standing
from local_cloud.cloud import LocalCloud
from local_cloud.deployment import StackEvent
from local_cloud.errors import DeploymentError, PortTakenError, StartError, UnresponsiveError
from local_cloud.launching import HOST
from local_cloud.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_SECONDS = 30


def alive(process: int) -> bool:
    """Whether a process runs; one that ended and was not yet collected does not."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "the condition never came to hold"
        time.sleep(0.02)


def test_two_at_once_share_nothing() -> None:
    with LocalCloud.start() as one, LocalCloud.start() as other:
        assert one.port != other.port
        assert one.directory != other.directory
        one.client("sqs").create_queue(QueueName="only-here")
        assert one.client("sqs").list_queues().get("QueueUrls")
        assert not other.client("sqs").list_queues().get("QueueUrls")
    assert not one.directory.exists()
    assert not other.directory.exists()


def test_it_listens_on_one_loopback_address_only() -> None:
    with LocalCloud.start() as cloud:
        # Tests may not connect to any other address than the cloud's, so another process tries.
        program = f"import socket; socket.create_connection(('127.0.0.2', {cloud.port}), timeout=5)"
        tried = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert tried.returncode != 0
    assert "OSError" in tried.stderr or "ConnectionRefusedError" in tried.stderr


def test_a_given_port_is_used_and_a_taken_one_is_refused_by_name() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"Port {port} "):
            LocalCloud.start(port)
    with LocalCloud.start(port) as cloud:
        assert cloud.port == port
        with pytest.raises(PortTakenError, match=f"Port {port} "):
            LocalCloud.start(port)
        assert cloud.client("sts").get_caller_identity()["Account"] == "000000000000"


def test_an_emulator_that_cannot_start_shows_the_end_of_its_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(instances, "CLOUDS", tmp_path)
    with pytest.raises(StartError, match="ModuleNotFoundError"):
        LocalCloud.start(settings={"PYTHONHOME": str(tmp_path)})
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == []


USER = """
import io, json, sys, time, zipfile
from local_cloud.cloud import LocalCloud
source = "import os, time\\ndef handle(event, context):\\n    print(os.getpid())\\n    return os.getpid()\\n"
archive = io.BytesIO()
with zipfile.ZipFile(archive, "w") as file:
    file.writestr("index.py", source)
cloud = LocalCloud.start()
role = cloud.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
cloud.client("lambda").create_function(
    FunctionName="f", Runtime="python3.14", Handler="index.handle", Role=role, Code={"ZipFile": archive.getvalue()}
)
function = int(cloud.client("lambda").invoke(FunctionName="f")["Payload"].read())
state = json.loads((cloud.directory / "cloud.json").read_text())
print(json.dumps({"function": function, "directory": str(cloud.directory), **state}), flush=True)
time.sleep(600)
"""


@contextmanager
def a_user() -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A process that started a cloud and called a function on it, and what it says about them."""
    with subprocess.Popen([sys.executable, "-c", USER], cwd=ROOT, stdout=subprocess.PIPE, text=True) as user:
        try:
            assert user.stdout is not None
            yield user, json.loads(user.stdout.readline())
        finally:
            user.kill()


@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_everything_ends_with_its_user_however_that_ends(way: signal.Signals) -> None:
    with a_user() as (user, found):
        assert alive(found["function"])
        user.send_signal(way)
        user.wait()
        wait_for(lambda: not Path(found["directory"]).exists())
        assert not alive(found["function"])
        wait_for(lambda: not alive(found["supervisor"]))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, found["port"]), timeout=5).close()


def test_not_even_a_killed_supervisor_leaves_a_process() -> None:
    with a_user() as (_, found):
        os.kill(found["supervisor"], signal.SIGKILL)
        wait_for(lambda: not alive(found["function"]))
    with LocalCloud.start():
        assert not Path(found["directory"]).exists()


def assembly(folder: Path, resources: dict[str, Any]) -> Path:
    """A synthesized app of one stack `it`."""
    folder.mkdir()
    artifact = {
        "type": "aws:cloudformation:stack",
        "environment": "aws://unknown-account/unknown-region",
        "properties": {"templateFile": "it.template.json"},
    }
    (folder / "it.template.json").write_text(json.dumps({"Resources": resources}))
    (folder / "manifest.json").write_text(json.dumps({"version": "48.0.0", "artifacts": {"it": artifact}}))
    return folder


NAME = {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/switchboard/local/it", "Type": "String", "Value": "v"}}


def test_a_deployment_tells_its_events_and_a_failed_one_its_reason(tmp_path: Path) -> None:
    events: list[StackEvent] = []
    with LocalCloud.start() as cloud:
        cloud.deploy(assembly(tmp_path / "good", {"Name": NAME}), stacks="*", progress=events.append)
        assert StackEvent("it", "CREATE_COMPLETE", "AWS::SSM::Parameter", "Name") in events
        assert cloud.client("ssm").get_parameter(Name="/switchboard/local/it")["Parameter"]["Value"] == "v"

        bad = assembly(tmp_path / "bad", {"Name": NAME, "Unknown": {"Type": "AWS::GameLift::Fleet"}})
        with pytest.raises(DeploymentError, match="AWS::GameLift::Fleet"):
            cloud.deploy(bad, stacks="*")


@pytest.fixture
def own_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Clouds, lock and variables' file of this test alone, so that a cloud a person left running is not met."""
    monkeypatch.setattr(instances, "CLOUDS", tmp_path / "clouds")
    monkeypatch.setattr(standing, "_LOCK", tmp_path / "lock")
    monkeypatch.setattr(standing, "ENV_FILE", tmp_path / "env")
    return tmp_path


UP = """
import sys
from pathlib import Path
from local_cloud import instances, standing
place = Path(sys.argv[1])
instances.CLOUDS, standing._LOCK, standing.ENV_FILE = place / "clouds", place / "lock", place / "env"
cloud, is_new = standing.up(assembly=place / "assembly", stacks="*")
print(cloud.endpoint_url, is_new)
"""


def up(place: Path) -> str:
    done = subprocess.run([sys.executable, "-c", UP, place], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_the_one_that_stays_survives_its_starter_until_it_is_told_to_go(own_place: Path) -> None:
    assembly(own_place / "assembly", {"Name": NAME})
    try:
        endpoint, is_new = up(own_place).split()
        assert is_new == "True"
        assert up(own_place) == f"{endpoint} False"

        script = f'. {own_place}/env; echo "$AWS_ENDPOINT_URL $AWS_REGION ${{AWS_PROFILE-unset}}"; command -v pytest'
        shell = subprocess.run(
            ["/bin/sh", "-c", script], env={"AWS_PROFILE": "mine"}, check=True, capture_output=True, text=True
        )
        assert shell.stdout.split() == [endpoint, "us-east-1", "unset", str(ROOT / ".venv" / "bin" / "pytest")]

        cloud = LocalCloud.running()
        assert cloud is not None
        assert cloud.endpoint_url == endpoint
        assert cloud.client("ssm").get_parameter(Name="/switchboard/local/it")["Parameter"]["Value"] == "v"
    finally:
        assert standing.down()
    assert not (own_place / "env").exists()
    assert LocalCloud.running() is None
    assert not standing.down()


def emulator_of(supervisor: int) -> int:
    return int(Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()[0])


def test_one_that_does_not_answer_keeps_what_it_holds_until_it_is_told_to_go(
    own_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assembly(own_place / "assembly", {"Name": NAME})
    up(own_place)
    found = instances.detached()
    assert found is not None
    emulator = emulator_of(found[1].supervisor)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(cloud_module, "_ANSWER_SECONDS", 0)
            os.kill(emulator, signal.SIGSTOP)
            with pytest.raises(UnresponsiveError, match="does not answer"):
                LocalCloud.running()
        os.kill(emulator, signal.SIGCONT)
        cloud = LocalCloud.running()
        assert cloud is not None
        assert cloud.client("ssm").get_parameter(Name="/switchboard/local/it")["Parameter"]["Value"] == "v"
        os.kill(emulator, signal.SIGSTOP)
    finally:
        assert standing.down()
    assert not alive(emulator)
    assert instances.detached() is None


def test_one_that_ends_while_it_is_asked_is_none(own_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assembly(own_place / "assembly", {"Name": NAME})
    up(own_place)
    found = instances.detached()
    assert found is not None
    directory, state = found

    def ends(_: LocalCloud) -> bool:
        if alive(state.supervisor):
            os.kill(state.supervisor, signal.SIGKILL)
            wait_for(lambda: not alive(state.supervisor))
        return False

    monkeypatch.setattr(LocalCloud, "_answers", ends)
    assert LocalCloud.running() is None
    assert not directory.exists()


def test_a_crashed_one_is_recognised_and_cleared_away(own_place: Path) -> None:
    assembly(own_place / "assembly", {"Name": NAME})
    up(own_place)
    found = instances.detached()
    assert found is not None
    directory, state = found
    os.kill(state.supervisor, signal.SIGKILL)
    wait_for(lambda: not alive(state.supervisor))
    assert LocalCloud.running() is None
    assert not directory.exists()
    assert not standing.down()
    assert not (own_place / "env").exists()


def test_a_failed_start_of_the_one_that_stays_leaves_nothing(own_place: Path) -> None:
    bad = assembly(own_place / "assembly", {"Unknown": {"Type": "AWS::GameLift::Fleet"}})
    with pytest.raises(DeploymentError):
        standing.up(assembly=bad, stacks="*")
    assert not (own_place / "env").exists()
    assert [path for path in (own_place / "clouds").iterdir() if path.is_dir()] == []
