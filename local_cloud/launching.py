"""How a cloud is launched: the socket that it listens on, and the supervisor with the emulator's environment."""

from __future__ import annotations

import os
import socket
import subprocess
from typing import TYPE_CHECKING, Final

from local_cloud import instances
from local_cloud.errors import PortTakenError
from local_cloud.identity import ACCOUNT, REGION
from local_cloud.paths import EMULATOR_PYTHON, FUNCTIONS_PYTHON, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HOST: Final = "127.0.0.1"


def listen(port: int | None) -> socket.socket:
    """A socket that listens on the loopback interface, on `port` or on a free one. Raises `PortTakenError`."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port or 0))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PortTakenError(
            f"Port {port} of {HOST} cannot be used ({error.strerror}). Stop what listens there, or choose another port."
        ) from error
    return listener


def supervise(
    directory: Path,
    listener: socket.socket,
    lock: int,
    port: int,
    *,
    corrected: bool,
    settings: Mapping[str, str] | None,
) -> subprocess.Popen[bytes]:
    """Start the supervisor of an emulator that serves on `listener`; it inherits the cloud's `lock`, too."""
    command = [str(EMULATOR_PYTHON), "-m", "local_cloud.supervisor"]
    command += ["--directory", str(directory), "--socket", str(listener.fileno())]
    if not corrected:
        command.append("--as-it-comes")
    temporary = directory / "tmp"
    environment = {
        "PATH": os.defpath,
        "HOME": str(temporary),
        "TMPDIR": str(temporary),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "AUTH": "true",
        "LOG_LEVEL": "WARNING",
        "CLOUDTRAIL_RECORDING": "1",
        # AWS waits a minute before the first retry of an asynchronous invocation, and two before the second.
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",
        # A step of a state machine is tried again after seconds there, which double; after a tenth of them here.
        "SFN_WAIT_SCALE": "0.1",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # The emulator removes containers it believes to be its own, and nothing here needs Docker.
        "DOCKER_HOST": f"unix://{temporary}/no-docker.sock",
        "SWITCHBOARD_FUNCTIONS_PYTHON": str(FUNCTIONS_PYTHON),
        "PYTHONUNBUFFERED": "1",
        **(settings or {}),
    }
    with (directory / instances.LOG_NAME).open("wb") as log:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno(), lock],
            start_new_session=True,
            bufsize=0,
        )
