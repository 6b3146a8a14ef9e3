"""The published contracts say what the code says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import fastjsonschema

from switchboard.cdr.fields import Code, FieldError
from switchboard.cdr.results import Failed, Rejected, Settled, Status, response
from switchboard.contracts import CDR_REQUEST, CDR_RESULT, contract
from switchboard.schema import cdr
from switchboard.times import RFC3339_PATTERN
from tests.unit.cdr.cdr_table import raw

if TYPE_CHECKING:
    from switchboard.cdr.results import Verdict

REQUEST = contract(CDR_REQUEST)
DEFINITIONS = REQUEST["definitions"]


def test_names_patterns_and_limits_are_the_codes() -> None:
    envelope, record = DEFINITIONS["envelope"]["properties"], DEFINITIONS["record"]["properties"]
    assert envelope["schema"]["const"] == cdr.ENVELOPE_SCHEMA
    assert tuple(envelope["on_failed"]["enum"]) == cdr.ON_FAILED
    assert envelope["records"]["maxItems"] == cdr.MAX_RECORDS
    assert tuple(record["type"]["enum"]) == cdr.RECORD_TYPES
    assert record["time"]["pattern"] == RFC3339_PATTERN
    for name in ("identifier", "subscriber"):
        assert DEFINITIONS[name]["pattern"] == cdr.ID_PATTERN
        assert DEFINITIONS[name]["maxLength"] == cdr.MAX_ID_CHARACTERS
    assert DEFINITIONS["subscriber"]["not"]["const"] == cdr.NO_SUBSCRIBER
    assert set(record) == set(raw())


def test_the_answer_names_every_status_and_code() -> None:
    result = contract(CDR_RESULT)
    assert result["properties"]["schema"]["const"] == cdr.RESULT_SCHEMA
    assert tuple(result["properties"]["summary"]["properties"]) == ("received", *cdr.STATUSES)
    codes = result["definitions"]["rejected"]["properties"]["errors"]["items"]["properties"]["code"]["enum"]
    assert codes == [code.value for code in Code]


def test_an_answer_with_every_status_keeps_its_contract() -> None:
    time = "2026-11-21T12:00:00.000001Z"
    settled: list[Verdict] = [
        Settled(status, time) for status in Status if status not in (Status.REJECTED, Status.FAILED)
    ]
    verdicts = [
        *settled,
        Rejected((FieldError("/time", Code.FORMAT, "expected"),)),
        Failed("OutOfTime", retryable=True),
    ]
    answer = response(["r-1"] * 6 + [None], verdicts, [f"/records/{index}" for index in range(7)])
    fastjsonschema.compile(contract(CDR_RESULT))(answer)
    assert answer["summary"] == {"received": 7, **dict.fromkeys(cdr.STATUSES, 1)}
    assert answer["results"][5]["errors"][0]["path"] == "/records/5/time"
    assert [each["index"] for each in answer["results"]] == list(range(7))


def test_the_examples_of_a_request_pass_for_any_reader() -> None:
    published = fastjsonschema.compile(REQUEST)
    published(raw())
    published(
        {
            "schema": cdr.ENVELOPE_SCHEMA,
            "on_failed": cdr.REPORT,
            "records": [raw(type=kind) for kind in cdr.RECORD_TYPES],
        }
    )
