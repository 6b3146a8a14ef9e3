"""What is kept of what cannot be processed."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import ANY, Stubber

from switchboard.concurrency import IN_FLIGHT
from switchboard.quarantine import CONTINUE_SECONDS, RESERVE_SECONDS, BucketQuarantine, Unprocessable
from tests.unit.cdr.cdr_table import Time, cut, refused

NOW = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


class Bucket:
    """S3 as the quarantine uses it: each put takes `seconds`, and the first ones meet `failures`."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.failures: list[Exception] = []
        self.time = Time()
        self.seconds = 0.0
        self._lock = threading.Lock()

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803 - the API's names
        assert (Bucket, ContentType) == ("bucket", "application/json")
        with self._lock:
            self.time.left -= self.seconds
            if self.failures:
                raise self.failures.pop(0)
        self.objects[Key] = json.loads(Body, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Bucket:
    made = Bucket()
    monkeypatch.setattr("switchboard.quarantine.client", lambda service, **_: {"s3": made}[service])
    return made


SLOW_DOWN = refused("SlowDown", 503, "PutObject")
DENIED = refused("AccessDenied", 403, "PutObject")


def entry(payload: Any) -> Unprocessable:
    error = {"path": "/time", "code": "format", "message": "expected"}
    return Unprocessable(reason="rejected", code="format", errors=[error], source="invoke", payload=payload)


def kept(*payloads: Any, now: datetime = NOW, time: Time | None = None) -> list[bool]:
    quarantine = BucketQuarantine("bucket", function="cdr-writer")
    return quarantine.keep([entry(payload) for payload in payloads], now=now, budget=(time or Time()).budget())


def test_a_payload_is_kept_with_its_reason_under_its_digest(bucket: Bucket) -> None:
    assert kept({"b": 1, "a": [True, "ü"]}) == [True]
    ((key, document),) = bucket.objects.items()
    canonical = '{"a":[true,"\\u00fc"],"b":1}'
    assert key == f"cdr-writer/2026/01/02/{hashlib.sha256(canonical.encode()).hexdigest()}.json"
    assert document == {
        "schema": "switchboard.quarantine/1",
        "reason": "rejected",
        "code": "format",
        "errors": [{"path": "/time", "code": "format", "message": "expected"}],
        "source": "invoke",
        "received_at": "2026-01-02T03:04:05.000006Z",
        "payload": {"b": 1, "a": [True, "ü"]},
    }


def test_a_redelivery_overwrites_instead_of_multiplying(bucket: Bucket) -> None:
    kept({"a": 1, "b": 2})
    kept({"b": 2, "a": 1})
    assert len(bucket.objects) == 1


@pytest.mark.parametrize(
    ("payload", "text"),
    [("{not json", "{not json"), ({"x": float("nan")}, '{"x":NaN}'), ([float("inf")], "[Infinity]")],
)
def test_what_is_not_json_is_kept_as_its_text(bucket: Bucket, payload: Any, text: str) -> None:
    assert kept(payload) == [True]
    assert [document["payload"] for document in bucket.objects.values()] == [text]


def test_a_lone_surrogate_is_kept_as_it_came(bucket: Bucket) -> None:
    assert kept({"x": "\ud800"}, "\ud800") == [True, True]
    assert [document["payload"] for document in bucket.objects.values()] == [{"x": "\ud800"}, "\ud800"]


def test_each_entry_says_whether_it_was_kept(bucket: Bucket) -> None:
    bucket.failures = [DENIED]
    outcomes = kept(*[{"n": n} for n in range(20)])
    assert sorted(outcomes) == [False] + [True] * 19
    assert len(bucket.objects) == 19


@pytest.mark.parametrize("failure", [SLOW_DOWN, refused("InternalError", 500, "PutObject"), cut()])
def test_what_is_refused_for_the_moment_is_written_again_within_the_budget(bucket: Bucket, failure: Exception) -> None:
    bucket.failures = [failure] * 3
    assert kept(1, 2, time=bucket.time) == [True, True]
    assert len(bucket.time.slept) >= 2
    bucket.failures = [failure] * 10_000
    assert kept(3, time=bucket.time) == [False]
    assert bucket.time.left >= RESERVE_SECONDS


def test_what_was_not_begun_in_time_is_not_kept_and_what_was_is_the_first(bucket: Bucket) -> None:
    bucket.time.left, bucket.seconds = RESERVE_SECONDS + 10, 0.1
    outcomes = kept(*range(1_000), time=bucket.time)
    assert 100 <= outcomes.count(True) == len(bucket.objects) < 100 + IN_FLIGHT
    assert not any(outcomes[120:])
    assert bucket.time.left > RESERVE_SECONDS - IN_FLIGHT * bucket.seconds


def test_an_object_that_is_begun_in_time_also_ends_in_time() -> None:
    config: Any = BucketQuarantine("bucket", function="cdr-writer")._s3.meta.config
    assert config.retries == {"mode": "standard", "total_max_attempts": 1}
    assert config.connect_timeout + CONTINUE_SECONDS + config.read_timeout < RESERVE_SECONDS


def test_a_payload_too_deep_to_write_counts_as_not_kept(bucket: Bucket) -> None:
    deep: Any = 1
    for _ in range(200_000):
        deep = [deep]
    assert kept(deep) == [False]
    assert bucket.objects == {}
    while isinstance(deep, list):
        deep = deep.pop()


def test_the_client_is_made_at_the_first_use_only(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    def client(service: str, **_: Any) -> Bucket:
        made.append(service)
        return Bucket()

    monkeypatch.setattr("switchboard.quarantine.client", client)
    quarantine = BucketQuarantine("bucket", function="cdr-writer")
    budget = Time().budget()
    assert quarantine.keep([], now=NOW, budget=budget) == []
    assert made == []
    quarantine.keep([entry(1), entry(2)], now=NOW, budget=budget)
    quarantine.keep([entry(3)], now=NOW, budget=budget)
    assert made == ["s3"]


def test_the_request_fits_the_service_model() -> None:
    quarantine = BucketQuarantine("bucket", function="cdr-guard")
    with Stubber(quarantine._s3) as stub:
        stub.add_response(
            "put_object", {}, {"Bucket": "bucket", "Key": ANY, "Body": ANY, "ContentType": "application/json"}
        )
        assert quarantine.keep([entry({"a": 1})], now=NOW, budget=Time().budget()) == [True]
        stub.assert_no_pending_responses()
