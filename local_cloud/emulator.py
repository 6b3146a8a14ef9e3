"""The emulator, corrected: the program that runs inside the emulator's own environment.

It imports the standard library, the emulator and the corrections, nothing else of the project. It refuses any version
of the emulator but the one the corrections were written against.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import signal
import sys
import threading
from contextlib import suppress
from importlib.metadata import version
from typing import Final

EMULATOR_VERSION: Final = "1.5.33"


def main() -> None:
    """Serve on the given listening socket until the supervisor's pipe closes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=int, required=True, help="descriptor of the listening socket")
    parser.add_argument("--as-it-comes", action="store_true", help="run the emulator without any correction")
    arguments = parser.parse_args()

    threading.Thread(target=_end_with_supervisor, daemon=True).start()
    refuse_other_versions(version("ministack"))
    if not arguments.as_it_comes:
        from local_cloud import corrections  # noqa: PLC0415 - importing the emulator's modules is part of correcting it

        corrections.apply()
    _serve(arguments.socket)


def refuse_other_versions(installed: str) -> None:
    """End the program, saying what to do, unless `installed` is the version the corrections were written for."""
    if installed != EMULATOR_VERSION:
        sys.exit(
            f"ministack {installed} is installed, and the corrections were written for {EMULATOR_VERSION}. Install "
            f"requirements/emulator.txt, or read local_cloud/corrections against the new version, run "
            f"tests/conformance, and raise EMULATOR_VERSION."
        )


def _end_with_supervisor() -> None:
    os.read(sys.stdin.fileno(), 1)  # the supervisor writes nothing, so this returns when it has ended
    os.killpg(0, signal.SIGKILL)


def _serve(listener: int) -> None:
    from hypercorn.asyncio import serve  # noqa: PLC0415 - after the version guard
    from hypercorn.config import Config  # noqa: PLC0415 - after the version guard
    from ministack.app import app  # noqa: PLC0415 - after the version guard

    with suppress(ValueError, OSError):  # more open files if the machine grants them; a burst of connections needs many
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    asyncio.run(serve(app, config))


if __name__ == "__main__":
    main()
