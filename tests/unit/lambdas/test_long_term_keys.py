"""No function works with a key that somebody put into its configuration."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lambdas
from switchboard.environment import LongTermKey, MissingSetting, stage
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Iterator

FUNCTIONS = sorted(path.parent.name for path in Path(lambdas.__file__).parent.glob("*/handler.py"))
SETTINGS = {
    deployment.ENV_CDR_TABLE: "cdr",
    deployment.ENV_MESSAGES_TABLE: "messages",
    deployment.ENV_RUNS_TABLE: "runs",
    deployment.ENV_QUARANTINE_BUCKET: "quarantine",
    deployment.ENV_REPORTS_BUCKET: "reports",
    deployment.ENV_BACKFILL_TARGETS: '{"messages": "messages"}',
    deployment.ENV_LEGACY_TABLES: "[]",
}
LONG_TERM = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}
TEMPORARY = {"AWS_ACCESS_KEY_ID": "ASIAIOSFODNN7EXAMPLE"}


@pytest.fixture(params=FUNCTIONS)
def cold_start(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Start a function anew, as Lambda does, in the environment that the test names."""
    name = f"lambdas.{request.param}.handler"
    before = sys.modules.pop(name, None)

    def start(environ: dict[str, str]) -> Any:
        for key, value in {**SETTINGS, deployment.ENV_FUNCTION: request.param, **environ}.items():
            monkeypatch.setenv(key, value)
        module = importlib.import_module(name)
        # One function reads its settings with the first batch instead of at the start.
        getattr(module, "settings", bool)()
        return module

    yield start
    sys.modules.pop(name, None)
    if before is not None:
        sys.modules[name] = before


def test_every_function_is_looked_at() -> None:
    assert {name.replace("_", "-") for name in FUNCTIONS} <= set(deployment.FUNCTIONS)
    assert len(FUNCTIONS) >= 5


def test_a_function_does_not_start_with_a_long_term_key(cold_start: Any) -> None:
    with pytest.raises(LongTermKey, match="is the long-term key of an IAM user") as refused:
        cold_start({deployment.ENV_STAGE: "prod", **LONG_TERM})
    assert LONG_TERM["AWS_ACCESS_KEY_ID"] not in str(refused.value)


def test_a_function_starts_with_its_role(cold_start: Any) -> None:
    assert cold_start({deployment.ENV_STAGE: "prod", **TEMPORARY}).handle


def test_the_local_stage_has_an_account_of_its_own() -> None:
    assert stage({deployment.ENV_STAGE: "local", **LONG_TERM}) == "local"
    assert stage({deployment.ENV_STAGE: "dev", **TEMPORARY}) == "dev"
    with pytest.raises(LongTermKey):
        stage({deployment.ENV_STAGE: "dev", **LONG_TERM})
    with pytest.raises(MissingSetting, match=deployment.ENV_STAGE):
        stage(LONG_TERM)
