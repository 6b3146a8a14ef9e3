"""One running cloud: started, deployed to, left running or stopped. Command, demo and tests all use this module."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Self

from local_cloud import deployment, instances, launching
from local_cloud.errors import LocalCloudError, NotSetUpError, StartError, UnresponsiveError
from local_cloud.identity import REGION, ROOT_KEY
from local_cloud.launching import HOST
from local_cloud.paths import ASSEMBLY, EMULATOR_PYTHON, FUNCTIONS_PYTHON, ROOT
from local_cloud.supervisor import RELEASE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from botocore.config import Config

LOCAL_STACKS: Final = "local/**"
"""Every stack of stage `local`, as the CDK CLI selects them."""
_START_SECONDS: Final = 60
_ANSWER_SECONDS: Final = 20
"""How long a cloud that stands may take to answer: a machine under load, or one that just woke up, needs longer."""
_STOP_SECONDS: Final = 15
_LOG_TAIL: Final = 4_000


class LocalCloud:
    """A cloud of this machine. Make one with `start`, find one left running with `running`."""

    def __init__(self, directory: Path, state: instances.State, supervisor: subprocess.Popen[bytes] | None) -> None:
        self._directory = directory
        self._state = state
        self._supervisor = supervisor
        import boto3  # noqa: PLC0415 - whoever only asks the command for help waits for it otherwise

        self._session = boto3.Session()
        self._session_lock = threading.Lock()

    @classmethod
    def start(
        cls, port: int | None = None, *, corrected: bool = True, settings: Mapping[str, str] | None = None
    ) -> LocalCloud:
        """Start a cloud and wait until it answers (about half a second).

        It listens on the loopback interface only, on `port` or on a free one. It ends when this process ends, however
        that happens, unless `leave_running` was called. `corrected=False` runs the emulator as it comes; `settings`
        are further environment variables of the emulator.

        Raises `NotSetUpError`, `PortTakenError` or `StartError`.
        """
        for python in (EMULATOR_PYTHON, FUNCTIONS_PYTHON):
            if not python.exists():
                raise NotSetUpError(f"{python.relative_to(ROOT)} is missing. Run `make setup`.")
        with launching.listen(port) as listener:
            state = instances.State(port=listener.getsockname()[1], supervisor=0, detached=False)
            directory, lock = instances.create()
            try:
                supervisor = launching.supervise(
                    directory, listener, lock, state.port, corrected=corrected, settings=settings
                )
            except BaseException:
                shutil.rmtree(directory, ignore_errors=True)
                raise
            finally:
                os.close(lock)
        cloud = cls(directory, replace(state, supervisor=supervisor.pid), supervisor)
        try:
            cloud._wait_until_ready(supervisor)
            instances.write_state(directory, cloud._state)
        except BaseException:
            cloud.stop()
            raise
        return cloud

    @classmethod
    def running(cls) -> LocalCloud | None:
        """The cloud that was left running, if one is; what a crash left of others is removed.

        One that is slow to answer is waited for, and never stopped: it holds what a person put there. Raises
        `UnresponsiveError` where it does not answer at all.
        """
        cloud = cls.left()
        if cloud is None or cloud._answers_in_time():
            return cloud
        return None

    @classmethod
    def left(cls) -> LocalCloud | None:
        """The cloud that was left running, whether it answers or not: the one to stop."""
        found = instances.detached()
        return None if found is None else cls(*found, None)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._state.port

    @property
    def endpoint_url(self) -> str:
        """The endpoint of every service. An address, not a name, so that S3 clients put the bucket into the path."""
        return f"http://{HOST}:{self.port}"

    @property
    def directory(self) -> Path:
        """Everything it keeps on disk: log, temporary files; removed when it stops."""
        return self._directory

    def environment(self) -> dict[str, str]:
        """The variables with which any AWS client talks to this cloud as the account's root."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": ROOT_KEY,
            "AWS_SECRET_ACCESS_KEY": ROOT_KEY,
        }

    def client(self, service: str, credentials: Mapping[str, Any] | None = None, config: Config | None = None) -> Any:
        """A boto3 client of `service`: as the account's root, or with `Credentials` as `AssumeRole` answers them."""
        credentials = credentials or {"AccessKeyId": ROOT_KEY, "SecretAccessKey": ROOT_KEY}
        with self._session_lock:  # threads may share a client, but not the making of one
            return self._session.client(  # type: ignore[call-overload]
                service,
                region_name=REGION,
                endpoint_url=self.endpoint_url,
                aws_access_key_id=credentials["AccessKeyId"],
                aws_secret_access_key=credentials["SecretAccessKey"],
                aws_session_token=credentials.get("SessionToken"),
                config=config,
            )

    def assume(self, role_arn: str, session_name: str = "local") -> dict[str, Any]:
        """Temporary credentials of a role, to be given to `client`."""
        answer = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName=session_name)
        credentials: dict[str, Any] = answer["Credentials"]
        return credentials

    def deploy(
        self,
        assembly: Path = ASSEMBLY,
        *,
        stacks: str = LOCAL_STACKS,
        progress: deployment.Progress | None = None,
    ) -> None:
        """Bootstrap the account and deploy `stacks` of a synthesized assembly with the CDK CLI.

        Raises `NotSetUpError` or `DeploymentError`.
        """
        deployment.bootstrap(self)
        deployment.deploy(self, assembly, stacks=stacks, progress=progress)

    def leave_running(self) -> None:
        """Let the cloud survive this process; `running` finds it from then on, and `stop` ends it."""
        if self._supervisor is None or self._supervisor.stdin is None:
            return
        self._state = replace(self._state, detached=True)
        instances.write_state(self._directory, self._state)
        self._supervisor.stdin.write(RELEASE)
        self._supervisor.stdin.close()

    def stop(self) -> None:
        """End the emulator and every function process, and remove what they left. Stopping twice is fine."""
        if self._supervisor is None:
            self._stop_from_outside()
            return
        supervisor = self._supervisor
        if supervisor.stdin is not None and not self._state.detached:
            with suppress(BrokenPipeError):
                supervisor.stdin.close()
        else:
            supervisor.terminate()
        try:
            supervisor.wait(timeout=_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            supervisor.kill()  # the emulator sees its pipe close and ends, with every function process
            supervisor.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def log_tail(self) -> str:
        """The end of the emulator's log; empty where nothing was written."""
        with suppress(FileNotFoundError):
            return (self._directory / instances.LOG_NAME).read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL:]
        return ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _stop_from_outside(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self._state.supervisor, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while not instances.remove_if_left(self._directory):
            if time.monotonic() > deadline:
                raise LocalCloudError(
                    f"The local cloud (process {self._state.supervisor}) did not stop within {_STOP_SECONDS} s."
                )
            time.sleep(0.02)

    def _wait_until_ready(self, supervisor: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers():
            if supervisor.poll() is not None:
                raise StartError(f"The emulator ended while it was started. The end of its log:\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise StartError(
                    f"The emulator did not answer within {_START_SECONDS} s. The end of its log:\n{self.log_tail()}"
                )
            time.sleep(0.02)

    def _answers_in_time(self) -> bool:
        """Whether it answers; false where it ended meanwhile."""
        deadline = time.monotonic() + _ANSWER_SECONDS
        while not self._answers():
            if instances.remove_if_left(self._directory):
                return False
            if time.monotonic() > deadline:
                raise UnresponsiveError(f"The local cloud at {self.endpoint_url} does not answer.")
            time.sleep(0.1)
        return True

    def _answers(self) -> bool:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            connection.request("GET", "/_ministack/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
