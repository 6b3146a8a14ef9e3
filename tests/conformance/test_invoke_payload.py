from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.scenarios import code_of, function, invoke

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

MEGABYTE = 1024 * 1024
ECHO = "def handle(event, context):\n    return repr(event)[:80]\n"


def refusal(cloud: LocalCloud, body: bytes, **settings: Any) -> str:
    name = function(cloud, ECHO)
    return code_of(lambda: cloud.client("lambda").invoke(FunctionName=name, Payload=body, **settings))


@pytest.mark.parametrize(
    "body",
    [b"not json", b'{"a": NaN}', b"[Infinity]", b"[-Infinity]", b'{"a": 1', b'{"a": "\xff"}', b"\x00"],
    ids=lambda body: repr(body[:12]),
)
@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
def test_what_is_not_json_is_refused(corrected: LocalCloud, body: bytes, kind: str) -> None:
    assert refusal(corrected, body, InvocationType=kind) == "InvalidRequestContentException"


@pytest.mark.parametrize(
    ("size", "kind", "expected"),
    [
        (6 * MEGABYTE + 1, "RequestResponse", "RequestTooLargeException"),
        (6 * MEGABYTE, "RequestResponse", "allowed"),
        (1 * MEGABYTE + 1, "Event", "RequestTooLargeException"),
        (1 * MEGABYTE, "Event", "allowed"),
    ],
)
def test_what_is_too_large_is_refused(corrected: LocalCloud, size: int, kind: str, expected: str) -> None:
    assert refusal(corrected, json.dumps("x" * (size - 2)).encode(), InvocationType=kind) == expected


def test_as_it_comes_everything_passes(as_it_comes: LocalCloud) -> None:
    assert refusal(as_it_comes, b"not json") == "allowed"
    assert refusal(as_it_comes, b'{"a": NaN}') == "allowed"
    assert refusal(as_it_comes, json.dumps("x" * 7 * MEGABYTE).encode()) == "allowed"


def test_other_json_reaches_the_function_unharmed(corrected: LocalCloud) -> None:
    name = function(corrected, "def handle(event, context):\n    return ascii(event)\n")
    payloads: list[Any] = [None, [], {"n": 10**38 + 1, "text": "\ud800", "é": [True, 0.1]}]
    for payload in payloads:
        assert invoke(corrected, name, payload)["Payload"] == ascii(payload)


def test_an_answer_over_the_limit_is_a_function_error(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    source = 'def handle(event, context):\n    return "x" * event\n'
    name = function(corrected, source)
    answer = invoke(corrected, name, 7 * MEGABYTE)
    assert answer["FunctionError"] == "Unhandled"
    assert answer["Payload"]["errorType"] == "Function.ResponseSizeTooLarge"
    assert len(invoke(corrected, name, 5 * MEGABYTE)["Payload"]) == 5 * MEGABYTE

    assert len(invoke(as_it_comes, function(as_it_comes, source), 7 * MEGABYTE)["Payload"]) == 7 * MEGABYTE
