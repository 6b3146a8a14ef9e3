"""What decides filter patterns, held to the examples of the CloudWatch Logs User Guide and to its own refusals."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.metric_filter import PatternError, matches

GUIDE: dict[str, Any] = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "arrayKey": ["value", "another value"],
    "objectList": [{"name": "a", "id": 1}, {"name": "b", "id": 2}],
    "SomeObject": None,
    "cluster.name": "c",
    "ThisFlag": True,
    "Off": False,
    "bandwidth": 75,
    "latency": 0.5,
    "text": "7",
    "empty": "",
}
"""The event of the guide, with a little more."""


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "UpdateTrail" }',
        "{ $.eventType = UpdateTrail }",
        '{ $.eventType = "Update*" }',
        '{ $.eventType = "*Trail" }',
        '{ $.eventType = "*" }',
        '{ $.eventType = "UpdateTrail*" }',
        "{ $.sourceIPAddress != 123.123.* }",
        "{ $.sourceIPAddress = 111.111.* }",
        '{ $.arrayKey[0] = "value" }',
        '{ $.arrayKey[1] = "another value" }',
        "{ $.objectList[1].id = 2 }",
        "{ $.SomeObject IS NULL }",
        "{ $.SomeOtherObject NOT EXISTS }",
        "{ $.arrayKey[2] NOT EXISTS }",
        "{ $.ThisFlag IS TRUE }",
        "{ $.Off IS FALSE }",
        "{ $.bandwidth > 74.9 }",
        "{ $.bandwidth >= 75 && $.bandwidth <= 7.5e1 }",
        "{ $.latency < 1 }",
        "{ $.bandwidth = 75 }",
        "{ $.bandwidth != 76 }",
        '{ $.eventType = "no" || $.bandwidth = 75 }',
        '{ ($.eventType = "no" && $.bandwidth = 75) || $.Off IS FALSE }',
        '{ $.Off IS FALSE || $.eventType = "no" && $.eventType = "never" }',
    ],
)
def test_matches(pattern: str) -> None:
    assert matches(pattern, GUIDE, absent_differs=False)


@pytest.mark.parametrize(
    "pattern",
    [
        '{ $.eventType = "updateTrail" }',
        '{ $.eventType = "Trail" }',
        '{ $.eventType = "Trail*" }',
        '{ $.eventType != "*Trail" }',
        "{ $.sourceIPAddress = 111.222.* }",
        "{ $.sourceIPAddress = 111a111* }",
        "{ $.arrayKey[0] NOT EXISTS }",
        "{ $.SomeObject NOT EXISTS }",
        "{ $.SomeOtherObject IS NULL }",
        "{ $.SomeOtherObject IS FALSE }",
        "{ $.Off IS TRUE }",
        "{ $.bandwidth < 75 }",
        "{ $.text > 1 }",
        "{ $.SomeOtherObject < 5 }",
        "{ $.ThisFlag < 5 }",
        '{ $.eventType = "UpdateTrail" && $.bandwidth = 76 }',
        '{ ($.Off IS FALSE || $.eventType = "no") && $.eventType = "never" }',
        '{ $.empty = "a*" }',
    ],
)
def test_does_not_match(pattern: str) -> None:
    assert not matches(pattern, GUIDE, absent_differs=True)


@pytest.mark.parametrize("absent_differs", [True, False])
def test_the_caller_says_what_a_missing_field_is(absent_differs: bool) -> None:
    assert matches('{ $.nowhere != "x" }', GUIDE, absent_differs=absent_differs) is absent_differs
    assert not matches('{ $.nowhere = "x" }', GUIDE, absent_differs=absent_differs)


@pytest.mark.parametrize(
    "pattern",
    [
        "ERROR",
        "$.a = 1",
        "{ $.a = 1",
        "{ $.a = 1 } more",
        "{ a = 1 }",
        "{ $.a..b = 1 }",
        '{ $.a = "x*y" }',
        '{ $.eventType = "Up*il" }',
        "{ $.a IS EMPTY }",
        "{ $.a < b }",
        "{ $.a ~ 1 }",
        "{ ($.a = 1 }",
        "{ }",
        '{ $.a = "open }',
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        matches(pattern, {**GUIDE, "a": "text"}, absent_differs=True)
