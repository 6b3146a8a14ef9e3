"""A cloud for what the documents say alone: their commands leave items in tables that other tests count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_cloud.cloud import LocalCloud
from local_cloud.stage import DeployedStage
from tests.integration.docs.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def local(assembly: Path) -> Iterator[DeployedStage]:
    """Stage `local` on a cloud of this file's tests alone."""
    with LocalCloud.start() as cloud:
        cloud.deploy(assembly)
        yield DeployedStage(cloud)


@pytest.fixture(scope="module")
def desk(local: DeployedStage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A folder that looks like the repository after `make local-up`, and is not it."""
    with pytest.MonkeyPatch.context() as patched:
        yield Desk.before(local.cloud, tmp_path_factory.mktemp("desk"), patched)
