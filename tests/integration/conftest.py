"""Stage `local`, deployed for real: one cloud per test process, so that processes in parallel share nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_cloud.cloud import LocalCloud
from local_cloud.stage import DeployedStage
from switchboard.schema import deployment
from tests.integration import commands
from tests.integration.calls import unique

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.commands import Done, Switchboard


@pytest.fixture(scope="session")
def local(assembly: Path) -> Iterator[DeployedStage]:
    """Stage `local` on a cloud of this test process alone."""
    with LocalCloud.start() as cloud:
        cloud.deploy(assembly)
        yield DeployedStage(cloud)


@pytest.fixture(scope="module")
def own(assembly: Path) -> Iterator[DeployedStage]:
    """Stage `local` on a cloud of this file's tests alone: for what leaves items that other tests would count."""
    with LocalCloud.start() as cloud:
        cloud.deploy(assembly)
        yield DeployedStage(cloud)


@pytest.fixture(scope="module")
def shell(local: DeployedStage) -> dict[str, str]:
    """The environment of an operator on the stage."""
    return commands.environment(local.cloud, local.credentials(deployment.DATA_OPERATOR))


@pytest.fixture
def switchboard(local: DeployedStage, shell: dict[str, str]) -> Switchboard:
    """Run a command, which must succeed."""

    def succeed(*words: str) -> Done:
        done = commands.run(local.cloud, shell, *words)
        assert done.returncode == 0, done.stderr
        return done

    return succeed


@pytest.fixture
def refused(local: DeployedStage, shell: dict[str, str]) -> Switchboard:
    """Run a command that may end in any way."""
    return lambda *words: commands.run(local.cloud, shell, *words)


@pytest.fixture
def pair(rng: random.Random) -> tuple[str, str]:
    """Two handles that nobody else has."""
    return unique(rng, "a"), unique(rng, "b")


@pytest.fixture
def group(switchboard: Switchboard, pair: tuple[str, str]) -> str:
    """The seeded conversation of the two."""
    seeded: str = commands.seed(switchboard, pair)["group_uuid"]
    return seeded
