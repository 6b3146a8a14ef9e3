"""One synthesis and one run of every tool, whatever number of test processes asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infra.build import build
from local_cloud.locks import locked
from tests.infra.gates.findings import CHECKOV, gated_app, inspect, read_findings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.gates.findings import Finding


@pytest.fixture(scope="session")
def gated(run_folder: Path) -> Path:
    """The assembly of every stage, with what the tools say beside it."""
    out = run_folder / "gated"
    with locked(run_folder / "gated.lock"):
        if not (out / CHECKOV).is_file():
            app = gated_app(out)
            build(app)
            inspect(app, out)
    return out


@pytest.fixture(scope="session")
def findings(gated: Path) -> frozenset[Finding]:
    """Every finding in every stage but `local`."""
    return read_findings(gated)
