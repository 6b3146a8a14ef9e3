"""The clients' limits, and where they send their requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from switchboard.cdr.store import CdrStore
from switchboard.concurrency import IN_FLIGHT
from switchboard.dynamo.budget import Budget
from switchboard.dynamo.client import dynamodb_client

if TYPE_CHECKING:
    import pytest


def test_every_limit_is_explicit() -> None:
    config = dynamodb_client(connect_timeout=0.5, read_timeout=2.0, attempts=1, connections=IN_FLIGHT).meta.config
    assert (config.connect_timeout, config.read_timeout) == (0.5, 2.0)  # type: ignore[attr-defined] # set dynamically
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}  # type: ignore[attr-defined]
    assert config.max_pool_connections == IN_FLIGHT  # type: ignore[attr-defined]


def test_the_endpoint_of_the_environment_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert dynamodb_client().meta.endpoint_url == "http://127.0.0.1:1"


def test_an_endpoint_nobody_listens_on_is_out_of_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    left = iter([10.0, 2.0, 2.0, 2.0])
    budget = Budget(remaining_seconds=lambda: next(left), sleep=lambda _: None, jitter=lambda: 0.0)
    store = CdrStore(dynamodb_client(attempts=1), "table")
    (answer,) = store.read([("pk", "sk")], budget).values()
    assert getattr(answer, "code", None) == "OutOfTime"


def test_one_attempt_of_the_writer_ends_within_the_reserve() -> None:
    config = dynamodb_client(connect_timeout=0.5, attempts=1).meta.config
    longest = config.connect_timeout + config.read_timeout  # type: ignore[attr-defined] # set dynamically
    budget = Budget(remaining_seconds=lambda: 0.0, sleep=lambda _: None, jitter=lambda: 0.0)
    assert longest < budget.reserve_seconds
