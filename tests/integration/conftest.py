"""Stage `local`, deployed for real: one cloud per test process, so that processes in parallel share nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from local_cloud.cloud import LocalCloud
from local_cloud.deployment import synthesize
from local_cloud.locks import locked
from local_cloud.paths import ROOT
from local_cloud.stage import DeployedStage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ASSEMBLY_VARIABLE = "SWITCHBOARD_ASSEMBLY"
"""Names an assembly that was synthesized already, absolute or below the repository; `make test` sets it."""


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The synthesized app: the given one, or one made by the first test process that needs it."""
    given = os.environ.get(ASSEMBLY_VARIABLE)
    if given:
        return ROOT / given
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    out = shared / "assembly"
    with locked(shared / "assembly.lock"):
        if not out.exists():
            synthesize(out)
    return out


@pytest.fixture(scope="session")
def local(assembly: Path) -> Iterator[DeployedStage]:
    """Stage `local` on a cloud of this test process alone."""
    with LocalCloud.start() as cloud:
        cloud.deploy(assembly)
        yield DeployedStage(cloud)
