from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli import records
from cli.errors import Code, Failure
from switchboard.schema import cdr

RECORDS: list[Any] = [{"id": "r-0", "text": "line\u2028separator ü"}, {"id": "r-1"}, {"id": "r-2", "n": 10**30}]


def sent(batch: records.Batch) -> list[Any]:
    return [json.loads(record) for record in batch.records]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps(RECORDS[0]), RECORDS[:1]),
        (json.dumps(RECORDS[0], indent=1), RECORDS[:1]),
        (json.dumps(RECORDS), RECORDS),
        (json.dumps(RECORDS, indent=1), RECORDS),
        ("\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS), RECORDS),
        ("\r\n\r\n".join(json.dumps(record) for record in RECORDS) + "\r\n", RECORDS),
        (json.dumps({"schema": "x", "records": RECORDS}), RECORDS),
        ('{"id": "r-0"}\n7\n', [{"id": "r-0"}, 7]),
        ("\ufeff" + json.dumps(RECORDS[1]), RECORDS[1:2]),
        ("7", [7]),
        ('{"records": 7}', [{"records": 7}]),
    ],
)
def test_each_form_is_read(text: str, expected: list[Any]) -> None:
    assert sent(records.read(text.encode())) == expected


def test_an_envelope_keeps_its_other_fields_and_always_asks_for_a_report() -> None:
    batch = records.read(json.dumps({"schema": "x/9", "on_failed": "raise", "note": 1, "records": RECORDS}).encode())
    assert json.loads(records.payload(batch, [2, 0])) == {
        "schema": "x/9",
        "on_failed": "report",
        "note": 1,
        "records": [RECORDS[2], RECORDS[0]],
    }


def test_records_without_an_envelope_get_the_current_one() -> None:
    batch = records.read(b'{"id": "r-0"}')
    assert json.loads(records.payload(batch, [0]))["schema"] == cdr.ENVELOPE_SCHEMA


@pytest.mark.parametrize(
    ("content", "where"),
    [
        (b'{"id": 1}\n{"id": secret}\n', "line 2, column 8"),
        (b'[\n{"id": 1},\nsecret]', "line 3, column 1"),
        (b'{"id": 1}\n{"id": NaN, "x": "secret"}', "line 2"),
        (b'[{"id": 1}, {"secret": -1e999}]', "record 1"),
        (b'{"secret": ' + b"9" * 5_000 + b"}", "the file"),
        (b"[" * 100_000, "the file"),
        (b'{"secret": "\xc3\x28"}', "byte 13"),
        (b'[{}, {"secret": "' + b"x" * 5_500_000 + b'"}]', "record 1"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place_and_without_its_content(content: bytes, where: str) -> None:
    with pytest.raises(Failure) as refused:
        records.read(content)
    assert refused.value.code is Code.REFUSED
    assert where in refused.value.message
    assert "secret" not in refused.value.message
    assert refused.value.remedy


@given(sizes=st.lists(st.integers(20, 9_000), min_size=1, max_size=60), most=st.integers(9_100, 20_000))
@settings(deadline=None)
def test_calls_hold_every_record_once_in_order_and_never_too_much(sizes: list[int], most: int) -> None:
    batch = records.Batch(tuple(json.dumps("x" * size).encode() for size in sizes))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "MAX_CALL_BYTES", most)
        patch.setattr(cdr, "MAX_RECORDS", 7)
        calls = list(records.calls(batch))
        several = records.needs_several_calls(batch)
    assert [place for call in calls for place in call] == list(range(len(sizes)))
    assert several == (len(calls) > 1)
    for call, following in itertools.pairwise(calls):
        room = most - sum(len(batch.records[place]) + 1 for place in call)
        assert room >= 0
        assert len(call) == 7 or len(batch.records[following[0]]) + 1 > room


def test_the_largest_call_fits_into_an_invocation() -> None:
    batch = records.Batch(tuple(json.dumps("x" * 30_000).encode() for _ in range(400)))
    assert max(len(records.payload(batch, call)) for call in records.calls(batch)) < 6_000_000
