from __future__ import annotations

import json
from typing import Any

import fastjsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard import times
from switchboard.cdr.reading.errors import InvalidQuery
from switchboard.cdr.reading.request import First, History, Range, parse
from switchboard.contracts import CDR_QUERY, contract
from switchboard.schema import cdr

CONTRACT = contract(CDR_QUERY)
FROM, TO = "2026-11-21T00:00:00Z", "2026-11-22T00:00:00Z"
HISTORY = {"query": "history", "sponsorship_id": "sp-1"}
FIRST = {"query": "first", "sponsorship_id": "sp-1", "type": "expire"}
BY_SPONSOR = {"query": "by_sponsor", "sponsor_id": "s-1", "from": FROM, "to": TO}
BY_TIME = {"query": "by_time", "from": FROM, "to": TO}
HOSTILE = "<script>\u202e\x1b[2J"


def errors_of(request: object) -> list[tuple[str, str]]:
    with pytest.raises(InvalidQuery) as refused:
        parse(request)
    told = json.loads(str(refused.value))
    assert told.keys() == {"errors"}
    assert all(error.keys() == {"path", "code", "message"} and error["message"] for error in told["errors"])
    assert HOSTILE not in str(refused.value)
    return [(error["path"], error["code"]) for error in told["errors"]]


def test_each_query_is_read() -> None:
    assert parse(FIRST) == First("sp-1", "expire", None)
    assert parse({**FIRST, "subscriber_id": "p-7"}) == First("sp-1", "expire", "p-7")
    history = parse(HISTORY)
    assert isinstance(history, History)
    assert (history.sponsorship_id, history.limit, history.cursor) == ("sp-1", 1_000, None)
    by_sponsor = parse({**BY_SPONSOR, "limit": 7})
    assert isinstance(by_sponsor, Range)
    assert (by_sponsor.sponsor_id, by_sponsor.limit) == ("s-1", 7)
    by_time = parse(BY_TIME)
    assert isinstance(by_time, Range)
    assert (by_time.sponsor_id, by_time.limit) == (None, 100)


def test_from_is_inclusive_and_to_exclusive_whatever_the_zone() -> None:
    query = parse({**BY_TIME, "from": "2026-11-21T02:00:00+02:00", "to": "2026-11-21T00:00:00.5-01:00"})
    assert isinstance(query, Range)
    assert (query.first, query.last) == ("2026-11-21T00:00:00.000000Z", "2026-11-21T01:00:00.499999Z")


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (None, [("", "type")]),
        ([HISTORY], [("", "type")]),
        ({}, [("/query", "required")]),
        ({"query": 7}, [("/query", "type")]),
        ({"query": HOSTILE}, [("/query", "format")]),
        ({"query": "history"}, [("/sponsorship_id", "required")]),
        ({**HISTORY, "sponsorship_id": None}, [("/sponsorship_id", "type")]),
        ({**HISTORY, "sponsorship_id": ""}, [("/sponsorship_id", "format")]),
        ({**HISTORY, "sponsorship_id": "sp#1"}, [("/sponsorship_id", "format")]),
        ({**HISTORY, "sponsorship_id": "sp-1\n"}, [("/sponsorship_id", "format")]),
        ({**HISTORY, "sponsorship_id": "x" * 129}, [("/sponsorship_id", "too_long")]),
        ({**HISTORY, "from": FROM}, [("/from", "unknown_field")]),
        ({**HISTORY, "a/b~c": 1}, [("/a~1b~0c", "unknown_field")]),
        ({**HISTORY, **{f"f{n}": 1 for n in range(50)}}, [(f"/f{n}", "unknown_field") for n in range(20)]),
        ({**HISTORY, "limit": 0}, [("/limit", "range")]),
        ({**HISTORY, "limit": 1_001}, [("/limit", "range")]),
        ({**HISTORY, "limit": True}, [("/limit", "type")]),
        ({**HISTORY, "limit": "10"}, [("/limit", "type")]),
        ({**HISTORY, "limit": 1.5}, [("/limit", "type")]),
        ({**HISTORY, "limit": float("nan")}, [("/limit", "type")]),
        ({**HISTORY, "cursor": None}, [("/cursor", "type")]),
        ({**FIRST, "type": "consume"}, [("/type", "format")]),
        ({**FIRST, "type": ["expire"]}, [("/type", "type")]),
        ({**FIRST, "subscriber_id": "-"}, [("/subscriber_id", "format")]),
        ({**FIRST, "limit": 5}, [("/limit", "unknown_field")]),
        ({**BY_TIME, "from": "2026-11-21T00:00:00"}, [("/from", "format")]),
        ({**BY_TIME, "from": "2026-02-30T00:00:00Z"}, [("/from", "format")]),
        ({**BY_TIME, "from": "0001-01-01T00:00:00+14:00"}, [("/from", "format")]),
        ({**BY_TIME, "to": 1_795_000_000}, [("/to", "type")]),
        ({**BY_TIME, "to": FROM}, [("/to", "range")]),
        ({**BY_TIME, "to": "2026-11-20T00:00:00Z"}, [("/to", "range")]),
        (
            {**BY_SPONSOR, "sponsor_id": 5, "from": HOSTILE, "limit": -1, "other": 1},
            [("/other", "unknown_field"), ("/sponsor_id", "type"), ("/from", "format"), ("/limit", "range")],
        ),
    ],
)
def test_every_broken_field_is_named(request_: object, expected: list[tuple[str, str]]) -> None:
    assert errors_of(request_) == expected


def test_the_published_contract_says_what_the_schema_says() -> None:
    definitions = CONTRACT["definitions"]
    assert tuple(CONTRACT["properties"]["query"]["enum"]) == cdr.QUERIES
    assert definitions["id"]["pattern"] == cdr.ID_PATTERN
    assert definitions["id"]["maxLength"] == cdr.MAX_ID_CHARACTERS
    assert set(definitions["first_type"]["enum"]) == set(cdr.FIRST_PREFIXES)
    assert definitions["time"]["pattern"] == times.RFC3339_PATTERN


whole_contract = fastjsonschema.compile(CONTRACT)
values = st.sampled_from(["sp-1", "-", "", "a#b", FROM, TO, "expire", 0, 1, 1_000, 1_001, True, 2.5, None])
requests = st.fixed_dictionaries(
    {"query": st.sampled_from([*cdr.QUERIES, "drop"])},
    optional=dict.fromkeys(
        ["sponsorship_id", "sponsor_id", "type", "subscriber_id", "from", "to", "limit", "x"], values
    ),
)


@given(request=requests)
@settings(max_examples=300, deadline=None)
def test_what_the_published_contract_refuses_is_refused_and_nothing_else_but_bounds(request: dict[str, Any]) -> None:
    try:
        whole_contract(request)
        allowed = True
    except fastjsonschema.JsonSchemaValueException:
        allowed = False
    try:
        parse(request)
        refused = []
    except InvalidQuery as error:
        refused = [(told.path, told.code.value) for told in error.errors]
    if allowed:
        assert refused in ([], [("/to", "range")])
    else:
        assert refused
