"""The process between a cloud's user and its emulator: it ends the emulator when the user is gone, come what may.

It runs in a session of its own, so a terminal's Ctrl-C reaches the user's program and not the cloud. Its standard input
is a pipe from the user's process:

- the pipe closes: the user ended or died; the emulator and all function processes end, the directory goes;
- `RELEASE` arrives: the cloud is to survive its user; from now on only SIGTERM ends it.

The emulator in turn holds a pipe from the supervisor, so that not even a killed supervisor leaves it behind.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Final

RELEASE: Final = b"r"
_EMULATOR_ENDED: Final = 70


def main() -> int:
    """Supervise one emulator; returns 0 when the cloud was stopped, another code when the emulator ended by itself."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--directory", type=Path, required=True)
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the listening socket")
    parser.add_argument("--as-it-comes", action="store_true", help="run the emulator without any correction")
    arguments = parser.parse_args()

    wanted: SimpleQueue[bool] = SimpleQueue()
    signal.signal(signal.SIGTERM, lambda *_: wanted.put(True))
    emulator = _start_emulator(arguments.socket, as_it_comes=arguments.as_it_comes)
    os.close(arguments.socket)
    threading.Thread(target=_watch_user, args=(wanted,), daemon=True).start()
    threading.Thread(target=_watch_emulator, args=(emulator, wanted), daemon=True).start()

    stopped = wanted.get()
    with suppress(ProcessLookupError):
        os.killpg(emulator.pid, signal.SIGKILL)
    emulator.wait()
    if not stopped:
        return _EMULATOR_ENDED
    shutil.rmtree(arguments.directory, ignore_errors=True)
    return 0


def _start_emulator(listener: int, *, as_it_comes: bool) -> subprocess.Popen[bytes]:
    reading, _held_open = os.pipe()  # the other end stays with this process, until it ends
    command = [sys.executable, "-m", "local_cloud.emulator", "--socket", str(listener)]
    if as_it_comes:
        command.append("--as-it-comes")
    try:
        return subprocess.Popen(command, stdin=reading, pass_fds=[listener], process_group=0)
    finally:
        os.close(reading)


def _watch_user(wanted: SimpleQueue[bool]) -> None:
    if os.read(sys.stdin.fileno(), len(RELEASE)) != RELEASE:
        wanted.put(True)


def _watch_emulator(emulator: subprocess.Popen[bytes], wanted: SimpleQueue[bool]) -> None:
    emulator.wait()
    wanted.put(False)


if __name__ == "__main__":
    sys.exit(main())
