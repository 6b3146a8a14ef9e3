"""A person's desk before a cloud of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.docs.desk import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local_cloud.stage import DeployedStage


@pytest.fixture(scope="module")
def desk(own: DeployedStage, assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A folder that looks like the repository after `make local-up`, and is not it."""
    with pytest.MonkeyPatch.context() as patched:
        yield Desk.before(own.cloud, assembly, tmp_path_factory.mktemp("desk"), patched)
