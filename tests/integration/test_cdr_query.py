"""The deployed query function on records that the deployed writer stored."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.schema import cdr, deployment
from tests.integration.calls import envelope, history, invoke, query, record, unique, write

if TYPE_CHECKING:
    import random

    from local_cloud.stage import DeployedStage

START = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
"""A second before midnight, so that a window of minutes spans two days."""


def stored(local: DeployedStage, rng: random.Random, count: int) -> tuple[str, list[dict[str, Any]]]:
    """A sponsor of this test alone and `count` of its records within two seconds, some in the same microsecond."""
    sponsor = unique(rng, "s")
    made = [
        record(
            f"{sponsor}-{number}",
            sponsor_id=sponsor,
            sponsorship_id=f"{sponsor}-{number % 7}",
            time=(START + timedelta(microseconds=rng.randrange(40) * 50_000)).isoformat(),
            data={"number": number, "exact": 0.5},
        )
        for number in range(count)
    ]
    for first in range(0, count, cdr.MAX_RECORDS):
        assert write(local, envelope(*made[first : first + cdr.MAX_RECORDS]))["summary"]["stored"] > 0
    return sponsor, made


def paged(local: DeployedStage, limit: int, **question: Any) -> list[dict[str, Any]]:
    """All pages of a query."""
    found, answer = [], query(local, limit=limit, **question)
    found += answer["records"]
    while "cursor" in answer:
        answer = query(local, limit=limit, cursor=answer["cursor"], **question)
        assert answer["consumed_read_units"] > 0
        found += answer["records"]
    return found


@pytest.mark.parametrize("limit", [1, 7, 1_000])
def test_a_sponsors_records_in_a_time_range_are_complete_and_in_order(
    local: DeployedStage, rng: random.Random, limit: int
) -> None:
    sponsor, made = stored(local, rng, 40)
    span = {"from": START.isoformat(), "to": (START + timedelta(seconds=10)).isoformat()}
    found = paged(local, limit, query="by_sponsor", sponsor_id=sponsor, **span)
    assert sorted(one["id"] for one in found) == sorted(one["id"] for one in made)
    assert [one["time"] for one in found] == sorted(one["time"] for one in found)


def test_all_records_of_a_window_across_midnight(local: DeployedStage, rng: random.Random) -> None:
    sponsor, made = stored(local, rng, 60)
    span = {"from": START.isoformat(), "to": (START + timedelta(seconds=10)).isoformat()}
    found = [one for one in paged(local, 25, query="by_time", **span) if one["sponsor_id"] == sponsor]
    assert sorted(one["id"] for one in found) == sorted(one["id"] for one in made)
    assert {one["time"][:10] for one in found} == {"2026-10-31", "2026-11-01"}


def test_from_is_inclusive_and_to_is_not(local: DeployedStage, rng: random.Random) -> None:
    sponsor, edge = unique(rng, "s"), "2026-11-02T00:00:00Z"
    write(local, envelope(record("at-the-edge", sponsor_id=sponsor, time=edge)))
    before, after = "2026-11-01T23:59:59Z", "2026-11-02T00:00:01Z"
    ask = {"query": "by_sponsor", "sponsor_id": sponsor}
    assert len(query(local, **ask, **{"from": edge, "to": after})["records"]) == 1
    assert query(local, **ask, **{"from": before, "to": edge})["records"] == []


def test_a_record_reads_as_it_was_sent_without_keys_and_shards(local: DeployedStage, rng: random.Random) -> None:
    sponsorship = unique(rng, "sp")
    sent = record(
        "whole", cdr.CREATE, sponsorship_id=sponsorship, subscriber_id="p-7", data={"n": 1, "f": 0.5, "x": [None]}
    )
    write(local, envelope(sent))
    (found,) = history(local, sponsorship)
    assert set(found) == {*sent, "recorded_at", "expires_at"}
    assert {name: found[name] for name in sent} == sent


def test_nobody_was_first_yet(local: DeployedStage, rng: random.Random) -> None:
    answer = query(local, query="first", sponsorship_id=unique(rng, "sp"), type=cdr.EXPIRE)
    assert answer["record"] is None


@pytest.mark.parametrize(
    ("question", "path"),
    [
        ({"query": "everything"}, "/query"),
        ({"query": "history"}, "/sponsorship_id"),
        ({"query": "by_time", "from": "2026-11-01T00:00:00", "to": "2026-11-02T00:00:00Z"}, "/from"),
        ({"query": "by_time", "from": "2026-11-02T00:00:00Z", "to": "2026-11-01T00:00:00Z"}, "/to"),
        (
            {"query": "by_time", "from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z", "cursor": "forged"},
            "/cursor",
        ),
    ],
    ids=["unknown query", "no sponsorship", "naive time", "backwards", "forged cursor"],
)
def test_a_bad_question_is_a_function_error_that_names_the_field(
    local: DeployedStage, question: dict[str, Any], path: str
) -> None:
    answer, error = invoke(local, deployment.CDR_QUERY_PATH, question, deployment.CDR_READER)
    assert error == "Unhandled"
    assert answer["errorType"] == "InvalidQuery"
    assert path in {one["path"] for one in json.loads(answer["errorMessage"])["errors"]}
