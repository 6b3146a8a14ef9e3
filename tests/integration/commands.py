"""The command as somebody types it: who runs it, where, and what it printed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from local_cloud.paths import ROOT

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

Done = subprocess.CompletedProcess[str]
Switchboard = Callable[..., Done]

LINES = 101
"""Messages of the conversation that comes with the command."""


SWITCHBOARD = ROOT / ".venv" / "bin" / "switchboard"


def environment(cloud: LocalCloud, credentials: dict[str, Any] | None = None) -> dict[str, str]:
    """What a shell sets to be somebody; without credentials the account's root."""
    given = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "NO_COLOR": "1", **cloud.environment()}
    if credentials:
        given |= {
            "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
            "AWS_SESSION_TOKEN": credentials["SessionToken"],
        }
    return given


def run(cloud: LocalCloud, shell: dict[str, str], *words: str) -> Done:
    command = [str(SWITCHBOARD), *words, "--endpoint-url", cloud.endpoint_url]
    done = subprocess.run(
        command, env=shell, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def seed(switchboard: Switchboard, pair: tuple[str, str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(switchboard("seed", "--as", pair[0], "--other", pair[1], "--json").stdout)
    return answer


def listed(switchboard: Switchboard, handle: str) -> dict[str, Any]:
    """Somebody's only group as their list shows it."""
    (found,) = json.loads(switchboard("messages", "groups", "--as", handle, "--json").stdout)["message_groups"]
    return dict(found)


def json_lines(done: Done) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]
