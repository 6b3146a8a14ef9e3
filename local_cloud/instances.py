"""The directories of running clouds: made, found, swept.

A cloud owns `.local/clouds/<id>/`: its lock, its state file, its log and its temporary files. Its supervisor holds the
lock as long as it lives, so a directory whose lock is free was left by a crash, whatever process ids were reused since.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from local_cloud.locks import acquire, locked
from local_cloud.paths import CLOUDS

LOG_NAME: Final = "emulator.log"
_LOCK: Final = "lock"
_STATE: Final = "cloud.json"


@dataclass(frozen=True, slots=True)
class State:
    """What another process must know of a running cloud: its port, its supervisor, and whether it was left running."""

    port: int
    supervisor: int
    detached: bool


def create() -> tuple[Path, int]:
    """Make the directory of a new cloud; returns it and the descriptor that holds its lock, to hand to a supervisor."""
    with locked(CLOUDS / _LOCK):
        _sweep()
        directory = Path(tempfile.mkdtemp(prefix="", dir=CLOUDS))
        (directory / "tmp").mkdir()
        descriptor = acquire(directory / _LOCK)
        assert descriptor is not None  # noqa: S101 - a waiting lock on a file nobody else knows is always granted
        return directory, descriptor


def write_state(directory: Path, state: State) -> None:
    """Publish a cloud's state in one step: a reader sees the old one or the new one."""
    draft = directory / f"{_STATE}.new"
    draft.write_text(json.dumps(asdict(state)), encoding="utf-8")
    draft.replace(directory / _STATE)


def detached() -> tuple[Path, State] | None:
    """The cloud that was left running, if there is one; directories left by a crash are removed on the way."""
    if not CLOUDS.is_dir():
        return None
    with locked(CLOUDS / _LOCK):
        _sweep()
        for directory in _directories():
            state = _read_state(directory)
            if state is not None and state.detached:
                return directory, state
    return None


def _directories() -> list[Path]:
    return sorted(path for path in CLOUDS.iterdir() if path.is_dir())


def _read_state(directory: Path) -> State | None:
    try:
        return State(**json.loads((directory / _STATE).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def remove_if_left(directory: Path) -> bool:
    """Remove a cloud's directory if nothing supervises it any more; true when it is gone."""
    try:
        descriptor = acquire(directory / _LOCK, wait=False)
    except FileNotFoundError:
        return True
    if descriptor is None:
        return False
    shutil.rmtree(directory, ignore_errors=True)
    os.close(descriptor)
    return True


def _sweep() -> None:
    for directory in _directories():
        remove_if_left(directory)
