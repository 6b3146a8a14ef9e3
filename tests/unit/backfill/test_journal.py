"""A page's keys are in the journal before the page is written, and what became of them after it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.backfill.engine import Outcome
from switchboard.backfill.errors import Systemic
from switchboard.backfill.journal import Journal, journalled
from switchboard.backfill.key_lists import KeyLists
from switchboard.schema import runs
from tests.fakes.messages_table import client_error
from tests.fakes.mishaps import Killed
from tests.fakes.reports_bucket import BUCKET, ReportsBucket
from tests.unit.backfill.undone import THINGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from switchboard.backfill.job import Key

KEYS: list[Key] = [(("S", "p"), ("S", str(number))) for number in range(5)]
PAGE = "runs/run-1/journal/000004/02-000000017-"


class Settler:
    """Settles with given outcomes, and notes what the bucket held at that time."""

    def __init__(self, bucket: ReportsBucket, outcomes: Sequence[Outcome | type[BaseException]]) -> None:
        self.held: list[list[str]] = []
        self._bucket = bucket
        self._outcomes = outcomes

    def settle(self, work: Sequence[Key]) -> list[Outcome]:
        self.held.append(sorted(self._bucket.objects))
        found = []
        for outcome in self._outcomes[: len(work)]:
            if not isinstance(outcome, Outcome):
                raise outcome
            found.append(outcome)
        return found


def journal(bucket: ReportsBucket, settler: Settler, *, attempt: str = "7", page: str = PAGE) -> Journal:
    return Journal(settler, lists(bucket), page=lambda: page, attempt=lambda: attempt)


def lists(bucket: Any) -> KeyLists:
    return KeyLists(bucket, BUCKET, THINGS)


def test_candidates_come_before_the_page_and_outcomes_after_it() -> None:
    bucket = ReportsBucket()
    outcomes = [Outcome.UPDATED, Outcome.ALREADY, Outcome.DELETED, Outcome.FAILED, Outcome.UPDATED]
    settler = Settler(bucket, outcomes)

    assert journal(bucket, settler).settle(KEYS) == outcomes

    assert settler.held == [[PAGE + "7.candidates.json"]]
    candidates = json.loads(bucket.objects[PAGE + "7.candidates.json"])
    assert candidates == {"candidates": [{"pk": {"S": "p"}, "sk": {"S": str(number)}} for number in range(5)]}
    names = {
        name: [key["sk"]["S"] for key in keys]
        for name, keys in json.loads(bucket.objects[PAGE + "7.outcomes.json"]).items()
    }
    assert names == {"updated": ["0", "4"], "uncertain": ["1", "3"]}


def test_a_page_without_work_leaves_nothing() -> None:
    bucket = ReportsBucket()
    settler = Settler(bucket, [])
    assert list(journal(bucket, settler).settle([])) == []
    assert (bucket.objects, settler.held) == ({}, [])


def test_a_page_is_not_written_when_its_journal_cannot_be() -> None:
    bucket = ReportsBucket()
    settler = Settler(bucket, [Outcome.UPDATED])

    def deny(_name: str, _request: dict[str, Any]) -> None:
        raise client_error("AccessDenied", "PutObject")

    bucket.before = deny
    with pytest.raises(Systemic):
        journal(bucket, settler).settle(KEYS[:1])
    assert settler.held == []


def test_an_attempt_that_was_cut_off_is_uncertain_beside_the_one_that_followed() -> None:
    bucket = ReportsBucket(listed=1)
    with pytest.raises(Killed):
        journal(bucket, Settler(bucket, [Outcome.UPDATED, Outcome.UPDATED, Killed]), attempt="7").settle(KEYS)
    journal(bucket, Settler(bucket, [Outcome.UPDATED] * 3), attempt="8").settle(KEYS[2:])

    (page,) = journalled(lists(bucket), "run-1", 4)

    assert page.updated == tuple(KEYS[2:])
    assert page.uncertain == tuple(KEYS[:2])
    assert list(journalled(lists(bucket), "run-1", 4, after=page.last)) == []
    assert bucket.calls["get_object"] == 2, "candidates whose outcomes are known are not read"


def test_pages_come_in_the_order_in_which_they_were_begun() -> None:
    bucket = ReportsBucket(listed=3)
    names = [(1, 9), (1, 10), (1, 100), (2, 11)]
    for number, (number_of_pass, version) in enumerate(names):
        page = runs.journal_page("run-1", 4, number_of_pass, version)
        journal(bucket, Settler(bucket, [Outcome.UPDATED]), page=page).settle([KEYS[number]])
    of_others = runs.journal_page("run-1", 40, 1, 1), runs.journal_page("run-10", 4, 1, 1)
    for page in of_others:
        lists(bucket).write(page + "1.candidates.json", {"candidates": KEYS})

    read = [page.updated for page in journalled(lists(bucket), "run-1", 4)]

    assert read == [(key,) for key in KEYS[:4]]
    assert all("/journal/000004/" in name for name in lists(bucket).names(runs.journal_prefix("run-1", 4)))
