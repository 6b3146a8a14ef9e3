"""Two emulators, once per session: one corrected, one as it comes.

Every correction has a test that runs one scenario against both. The corrected one must behave as AWS does; the other
must still show the fault, so that a correction which a new version of the emulator made unnecessary is noticed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from local_cloud.cloud import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def corrected() -> Iterator[LocalCloud]:
    """An emulator with all corrections."""
    with LocalCloud.start() as cloud:
        yield cloud


@pytest.fixture(scope="session")
def as_it_comes() -> Iterator[LocalCloud]:
    """The emulator without any correction."""
    with LocalCloud.start(corrected=False) as cloud:
        yield cloud
