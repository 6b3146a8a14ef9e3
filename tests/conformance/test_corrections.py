"""No correction lies beside the others without being applied."""

from __future__ import annotations

from local_cloud.corrections import CORRECTIONS
from local_cloud.paths import ROOT

HELPERS = {"__init__", "_seam", "stream_batches", "stream_discards"}
"""What corrections use, and what is none."""


def test_every_correction_is_applied_and_listed_in_the_documentation() -> None:
    modules = {path.stem for path in (ROOT / "local_cloud" / "corrections").glob("*.py")} - HELPERS
    assert set(CORRECTIONS) == modules
    listed = (ROOT / "docs" / "local-cloud.md").read_text()
    assert [name for name in CORRECTIONS if f"`{name}.py`" not in listed] == []
