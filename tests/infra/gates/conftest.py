"""One synthesis and one run of every tool, whatever number of test processes asks for it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from infra.build import build
from local_cloud.locks import locked
from tests.infra.gates.findings import CHECKOV, gated_app, inspect, read_findings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.gates.findings import Finding


@pytest.fixture(scope="session")
def gated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly of every stage, with what the tools say beside it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    out = shared / "gated"
    with locked(shared / "gated.lock"):
        if not (out / CHECKOV).is_file():
            app = gated_app(out)
            build(app)
            inspect(app, out)
    return out


@pytest.fixture(scope="session")
def findings(gated: Path) -> frozenset[Finding]:
    """Every finding in every stage but `local`."""
    return read_findings(gated)
