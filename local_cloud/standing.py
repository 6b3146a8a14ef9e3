"""The cloud that stays: started by one command, used by others, ended by a third. There is at most one."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from local_cloud.cloud import LOCAL_STACKS, LocalCloud
from local_cloud.locks import locked
from local_cloud.paths import ASSEMBLY, ENV_FILE, LOCAL, ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from local_cloud.deployment import Progress

_LOCK: Final = LOCAL / "standing.lock"
_UNSET: Final = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CA_BUNDLE")


def up(
    port: int | None = None,
    *,
    assembly: Path = ASSEMBLY,
    stacks: str = LOCAL_STACKS,
    progress: Progress | None = None,
) -> tuple[LocalCloud, bool]:
    """Start a cloud, deploy `stacks` to it and leave it running; returns it and whether it is new.

    Where one stands already it is returned untouched, whatever `port` says. `.local/env` is written last: when it is
    there, everything is. A failure or an interruption at any point leaves nothing running.

    Raises any `LocalCloudError`.
    """
    with locked(_LOCK):
        standing = LocalCloud.running()
        if standing is not None:
            _write_env_file(standing)
            return standing, False
        ENV_FILE.unlink(missing_ok=True)
        cloud = LocalCloud.start(port)
        try:
            cloud.deploy(assembly, stacks=stacks, progress=progress)
            cloud.leave_running()
            _write_env_file(cloud)
        except BaseException:
            cloud.stop()
            raise
        return cloud, True


def down() -> bool:
    """Stop the cloud that was left running, answering or not, and remove `.local/env`; false where there was none."""
    with locked(_LOCK):
        standing = LocalCloud.left()
        ENV_FILE.unlink(missing_ok=True)
        if standing is None:
            return False
        standing.stop()
        return True


def _write_env_file(cloud: LocalCloud) -> None:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in cloud.environment().items()]
    lines.append(f'export PATH={shlex.quote(str(ROOT / ".venv" / "bin"))}:"$PATH"')
    lines.append(f"unset {' '.join(_UNSET)}")
    draft = ENV_FILE.with_name(f"{ENV_FILE.name}.new")
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.replace(ENV_FILE)
