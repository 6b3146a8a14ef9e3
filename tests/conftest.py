"""Every test runs offline, with faked credentials, a cleared environment and a printed seed."""

from __future__ import annotations

import os
import random
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from local_cloud.deployment import synthesize
from local_cloud.locks import locked

if TYPE_CHECKING:
    from collections.abc import Iterator

STRESS = bool(os.environ.get("SWITCHBOARD_STRESS"))
"""Set by `make stress`: full sizes and a new seed each time."""

SEED = int(os.environ.get("SWITCHBOARD_SEED") or (random.SystemRandom().randrange(2**32) if STRESS else 20_261_121))

ASSEMBLY_VARIABLE = "SWITCHBOARD_ASSEMBLY"
"""Names an assembly that was synthesized already, from where the tests are started."""

FAKED = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}

TERMINAL = {"TERM": "xterm-256color"}
"""What tests of a terminal find, whatever the tests were started in."""
OF_A_PERSON = (
    "AWS_",
    "SWITCHBOARD_CDR",
    "POWERTOOLS_",
    "COLUMNS",
    "LINES",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "TTY_",
)
"""How variables begin by which a person's shell would change what tests see."""

hypothesis.settings.register_profile("test", derandomize=True, deadline=None, print_blob=True)
hypothesis.settings.register_profile("stress", deadline=None, print_blob=True, max_examples=2_000)
hypothesis.settings.load_profile("stress" if STRESS else "test")


def pytest_configure() -> None:
    """Forget the person's settings before anything can read them, and let interruptions reach what tests start.

    A shell that runs the tests in the background lets them ignore interruptions, which their children would inherit.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in [name for name in os.environ if name.startswith(OF_A_PERSON)]:
        del os.environ[name]
    os.environ.update(FAKED | TERMINAL)


def pytest_report_header() -> str:
    """Name the seed, so that a failure can be repeated."""
    return f"seed: {SEED} (repeat with SWITCHBOARD_SEED={SEED}); {'full sizes' if STRESS else 'small sizes'}"


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> random.Random:
    """Random numbers of this test alone: the same whatever runs before or beside it."""
    return random.Random(f"{SEED}:{request.node.nodeid}")


@pytest.fixture(autouse=True)
def _environment_left_as_found() -> Iterator[None]:
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def stress() -> bool:
    """Whether this is `make stress`."""
    return STRESS


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run, the same in each of its test processes."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def assembly(run_folder: Path) -> Path:
    """The synthesized app: the given one, or one made by the first test process that needs it."""
    given = os.environ.get(ASSEMBLY_VARIABLE)
    if given:
        return Path(given).absolute()
    out = run_folder / "assembly"
    with locked(run_folder / "assembly.lock"):
        if not out.exists():
            synthesize(out)
    return out
