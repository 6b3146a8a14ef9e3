"""One call from beginning to end: the envelope, the answer, the quarantine, the queue."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import fastjsonschema
import pytest

from switchboard.cdr.intake import Intake, Message, RecordsFailed
from switchboard.cdr.request import InvalidEnvelope
from switchboard.cdr.store import CdrStore
from switchboard.cdr.validation import RecordContract
from switchboard.cdr.writer import CdrWriter
from switchboard.contracts import CDR_RESULT, contract
from switchboard.quarantine import QuarantineUnavailable, Unprocessable
from switchboard.schema import cdr
from tests.unit.cdr.cdr_table import TABLE, FakeTable, Fault, Time, raw, refused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from switchboard.dynamo.budget import Budget

CONFORMS = fastjsonschema.compile(contract(CDR_RESULT))


@dataclass
class Kept:
    """A quarantine in memory; `refuses` payloads are not taken, and none once the budget is spent."""

    entries: list[Unprocessable] = field(default_factory=list)
    refuses: list[Any] = field(default_factory=list)

    def keep(self, entries: Sequence[Unprocessable], *, now: datetime, budget: Budget) -> list[bool]:
        assert now.tzinfo is not None
        taken = [not budget.spent() and entry.payload not in self.refuses for entry in entries]
        self.entries += [entry for entry, done in zip(entries, taken, strict=True) if done]
        return taken


@dataclass
class System:
    """The writer on an in-memory table and quarantine."""

    table: FakeTable = field(default_factory=FakeTable)
    quarantine: Kept = field(default_factory=Kept)
    time: Time = field(default_factory=Time)

    @property
    def intake(self) -> Intake:
        store = CdrStore(self.table, TABLE)  # type: ignore[arg-type] # the two calls it uses
        return Intake(RecordContract(retention=None), CdrWriter(store, retention=None), self.quarantine)

    def invoke(self, body: Any) -> dict[str, Any]:
        answer = self.intake.invoke(body, now=self.time.now(), budget=self.time.budget()).response()
        CONFORMS(json.loads(json.dumps(answer, allow_nan=False)))
        return answer

    def deliver(self, *bodies: str) -> list[str]:
        messages = [Message(f"m-{index}", body) for index, body in enumerate(bodies)]
        return self.intake.deliver(messages, now=self.time.now(), budget=self.time.budget()).again


def envelope(*records: Any, **fields: Any) -> dict[str, Any]:
    return {"schema": cdr.ENVELOPE_SCHEMA, "on_failed": cdr.REPORT, "records": list(records), **fields}


def told(answer: dict[str, Any]) -> list[str]:
    return [result["status"] for result in answer["results"]]


def test_a_bare_record_is_answered_like_an_envelope_of_one() -> None:
    system = System()
    answer = system.invoke(raw())
    assert answer["schema"] == cdr.RESULT_SCHEMA
    assert answer["summary"]["received"] == answer["summary"]["stored"] == 1
    (result,) = answer["results"]
    assert (result["index"], result["id"], result["status"]) == (0, "r-1", "stored")
    assert result["recorded_at"].endswith("Z")


def test_results_come_in_input_order_and_the_good_records_of_a_call_are_stored() -> None:
    system = System()
    records = [
        raw(id="a"),
        raw(id="b", time="2026-11-21T00:00:00"),
        raw(id="a"),
        "no record",
        raw(id="c#"),
        raw(id="d", data={"x": float("nan")}),
        raw(id="a", data={}),
        raw(id="e"),
    ]
    answer = system.invoke(envelope(*records))
    assert told(answer) == ["stored", "rejected", "duplicate", "rejected", "rejected", "rejected", "conflict", "stored"]
    assert [result["id"] for result in answer["results"]] == ["a", "b", "a", None, None, "d", "a", "e"]
    assert [result["index"] for result in answer["results"]] == list(range(8))
    paths = [result["errors"][0]["path"] for result in answer["results"] if "errors" in result]
    assert paths == ["/records/1/time", "/records/3", "/records/4/id", "/records/5/data/x"]
    assert answer["summary"] == {
        "received": 8,
        "stored": 2,
        "duplicate": 1,
        "not_first": 0,
        "earlier": 0,
        "conflict": 1,
        "rejected": 4,
        "failed": 0,
    }
    assert len(system.table.items) == 2
    assert system.quarantine.entries == []


@pytest.mark.parametrize(
    ("body", "path", "code"),
    [
        (None, "", "type"),
        ([raw()], "", "type"),
        ("text", "", "type"),
        (envelope(raw(), schema="switchboard.cdr/2"), "/schema", "format"),
        (envelope(raw(), schema=1), "/schema", "type"),
        ({"records": [raw()]}, "/schema", "required"),
        (envelope(records=raw()), "/records", "type"),
        (envelope(records=None), "/records", "type"),
        (envelope(), "/records", "range"),
        (envelope(*[raw()] * 1_001), "/records", "too_large"),
        (envelope(raw(), on_failed="ignore"), "/on_failed", "format"),
        (envelope(raw(), on_failed=True), "/on_failed", "type"),
        (envelope(raw(), extra=1), "/extra", "unknown_field"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_unreadable_envelope_is_a_function_error_and_nothing_is_stored(body: Any, path: str, code: str) -> None:
    system = System()
    with pytest.raises(InvalidEnvelope) as refusal:
        system.invoke(body)
    errors = json.loads(str(refusal.value))["errors"]
    assert [(error["path"], error["code"]) for error in errors] == [(path, code)]
    assert set(errors[0]) == {"path", "code", "message"}
    assert (system.table.requests, system.quarantine.entries) == ([], [])


def test_a_bare_record_with_a_schema_has_an_unknown_field() -> None:
    answer = System().invoke(raw(schema=cdr.ENVELOPE_SCHEMA))
    assert [(error["path"], error["code"]) for error in answer["results"][0]["errors"]] == [
        ("/schema", "unknown_field")
    ]


def test_a_thousand_records_fit_into_a_call() -> None:
    system = System()
    assert system.invoke(envelope(*[raw(id=f"r-{n}") for n in range(1_000)]))["summary"]["stored"] == 1_000


@pytest.mark.parametrize("character", ["x", "\0", "😀"])
def test_the_largest_refusal_fits_what_lambda_may_answer(character: str) -> None:
    hostile = character * (495 // len(json.dumps(character, ensure_ascii=False).encode()[1:-1]))
    unknown = {f"{n}{hostile}": 1 for n in range(20)}
    worst = {**unknown, "data": {f"{n}{hostile}": float("nan") for n in range(20)}}
    answer = System().invoke(envelope(*[worst] * 1_000))
    assert len(json.dumps(answer, ensure_ascii=False).encode()) < 6 * 1024 * 1024
    assert all(result["errors"] for result in answer["results"])
    assert len(answer["results"][0]["errors"][-1]["path"]) > len(hostile)


@pytest.mark.parametrize("on_failed", ["raise", None])
def test_a_failed_record_fails_the_invocation_unless_the_caller_reads_results(on_failed: str | None) -> None:
    system = System(FakeTable(fault=lambda _: Fault(members={1: "AccessDenied"})))
    body = envelope(raw(id="a"), raw(id="b"))
    assert told(system.invoke(body)) == ["stored", "failed"]
    body = {name: value for name, value in (body | {"on_failed": on_failed}).items() if value}
    system.table.fault = lambda operation: Fault(before=refused("AccessDeniedException", operation=operation))
    with pytest.raises(RecordsFailed) as failure:
        system.invoke(body)
    text = json.loads(str(failure.value))
    assert text["summary"]["failed"] == 2
    assert text["failed"] == [
        {"index": 0, "code": "AccessDeniedException"},
        {"index": 1, "code": "AccessDeniedException"},
    ]


def test_the_text_of_a_failure_is_bounded_and_names_no_id() -> None:
    system = System(time=Time(left=1.0))
    with pytest.raises(RecordsFailed) as failure:
        system.invoke(envelope(*[raw(id=f"zebra-{n}") for n in range(1_000)], on_failed="raise"))
    assert len(str(failure.value)) < 8_000
    assert "zebra" not in str(failure.value)
    assert json.loads(str(failure.value))["summary"]["failed"] == 1_000


def test_rejected_and_conflicting_records_are_kept_for_a_caller_that_reads_no_results() -> None:
    system = System()
    good, other, bad = raw(id="a"), raw(id="a", data={}), raw(id="b", time="x")
    answer = system.invoke(envelope(good, other, bad, on_failed="raise"))
    assert told(answer) == ["stored", "conflict", "rejected"]
    conflict, rejected = system.quarantine.entries
    assert (conflict.reason, conflict.code, conflict.payload, conflict.errors) == ("conflict", "conflict", other, [])
    assert (rejected.reason, rejected.code, rejected.payload) == ("rejected", "format", bad)
    assert [error["path"] for error in rejected.errors] == ["/time"]
    assert conflict.source == "invoke"


def test_a_call_fails_where_a_refused_record_could_not_be_kept() -> None:
    bad = raw(time="x")
    system = System(quarantine=Kept(refuses=[bad]))
    with pytest.raises(QuarantineUnavailable):
        system.invoke(bad)


def test_messages_are_written_in_one_go_and_a_message_with_a_failed_record_comes_again() -> None:
    system = System(FakeTable(fault=lambda _: Fault(members={2: "AccessDenied"})))
    again = system.deliver(
        json.dumps(raw(id="a")),
        json.dumps(envelope(raw(id="b"), raw(id="c"))),
        json.dumps(raw(id="d")),
    )
    assert again == ["m-1"]
    assert system.table.requests == [("BatchExecuteStatement", 4)]
    assert len(system.table.items) == 3


def test_what_nobody_can_read_is_kept_whole_and_counts_as_done() -> None:
    system = System()
    deep = "[" * 100_000 + "]" * 100_000
    bad_envelope = envelope()
    again = system.deliver("{not json", deep, json.dumps(bad_envelope), "7", "1" * 5_000, json.dumps(raw()))
    assert again == []
    assert [(entry.reason, entry.code, entry.payload) for entry in system.quarantine.entries] == [
        ("unreadable", "format", "{not json"),
        ("unreadable", "format", deep),
        ("invalid_envelope", "range", bad_envelope),
        ("invalid_envelope", "type", 7),
        ("unreadable", "format", "1" * 5_000),
    ]
    assert len(system.table.items) == 1


def test_the_queue_reads_numbers_as_an_invocation_does() -> None:
    system = System()
    body = json.dumps(raw(id="a", data={"whole": 1.0, "part": 0.1, "big": 10**30}))
    system.invoke(json.loads(body))
    assert system.deliver(body) == []
    assert system.quarantine.entries == []
    nan = json.dumps(raw(id="b", data={"x": float("nan")}))
    assert system.deliver(nan) == []
    (entry,) = system.quarantine.entries
    assert (entry.reason, entry.code, entry.source) == ("rejected", "number", "queue")


@pytest.mark.parametrize("on_failed", cdr.ON_FAILED)
def test_the_queue_keeps_what_is_refused_whatever_the_envelope_says(on_failed: str) -> None:
    system = System()
    bad = raw(time="x")
    assert system.deliver(json.dumps(envelope(bad, raw(), on_failed=on_failed))) == []
    assert [entry.payload for entry in system.quarantine.entries] == [bad]


def test_a_message_whose_refused_record_could_not_be_kept_comes_again_and_no_other() -> None:
    bad, good = raw(id="a", time="x"), raw(id="b")
    system = System(quarantine=Kept(refuses=[bad, "{"]))
    assert system.deliver(json.dumps(bad), json.dumps(good), "{", json.dumps(raw(id="c", time="y"))) == ["m-0", "m-2"]
    assert len(system.quarantine.entries) == 1


def test_equal_messages_of_one_batch_store_one_record() -> None:
    system = System()
    assert system.deliver(*[json.dumps(raw())] * 10) == []
    assert len(system.table.items) == 1
