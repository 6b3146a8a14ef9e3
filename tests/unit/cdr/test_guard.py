"""Which changes of the table are lawful."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from switchboard.cdr.guard import INSERT, MODIFY, REMOVE, Change, lawful

RECORDED = datetime(2026, 11, 21, 12, 0, 0, 500_000, tzinfo=UTC)
MONTH = timedelta(days=30)
IMAGE = {"recorded_at": {"S": "2026-11-21T12:00:00.500000Z"}}
DUE = (RECORDED + MONTH).timestamp()


def change(**facts: Any) -> Change:
    return Change(**{"kind": REMOVE, "by_ttl": True, "at": DUE, "old_image": IMAGE, **facts})


def test_a_removal_by_ttl_is_lawful_from_the_moment_the_retention_ends() -> None:
    assert lawful(change(), retention=MONTH)
    assert lawful(change(at=DUE + 86_400), retention=MONTH)
    assert not lawful(change(at=DUE - 0.001), retention=MONTH)


def test_a_removal_where_records_are_kept_for_ever_is_not() -> None:
    assert not lawful(change(), retention=None)


@pytest.mark.parametrize("by_ttl", [True, False])
def test_a_modification_never_is(by_ttl: bool) -> None:
    assert not lawful(change(kind=MODIFY, by_ttl=by_ttl), retention=MONTH)


def test_a_removal_by_anybody_else_is_not() -> None:
    assert not lawful(change(by_ttl=False), retention=MONTH)


def test_an_insert_is() -> None:
    assert lawful(change(kind=INSERT, by_ttl=False), retention=None)


@pytest.mark.parametrize(
    "facts",
    [
        {"old_image": {}},
        {"old_image": {"recorded_at": {"N": "1"}}},
        {"old_image": {"recorded_at": {"S": "yesterday"}}},
        {"old_image": {"recorded_at": None}},
        {"at": None},
        {"at": "soon"},
        {"at": float("nan")},
        {"at": 1e300},
        {"kind": "None"},
    ],
    ids=repr,
)
def test_what_cannot_be_judged_is_not_lawful(facts: dict[str, Any]) -> None:
    assert not lawful(change(**facts), retention=MONTH)


def test_a_retention_that_ends_after_all_time_never_ends() -> None:
    assert not lawful(change(), retention=timedelta(days=3_000_000))
