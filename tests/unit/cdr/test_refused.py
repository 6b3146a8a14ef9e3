"""What is kept of a request, and in what time."""

from __future__ import annotations

import json

import pytest

from switchboard.cdr.refused import KEPT_SINGLY
from switchboard.quarantine import QuarantineUnavailable
from switchboard.schema import cdr
from tests.unit.cdr.cdr_table import Fault, Time, in_turn, raw
from tests.unit.cdr.test_intake import System, envelope, told


def test_an_envelope_of_many_refused_records_is_kept_once_and_the_same_after_every_delivery() -> None:
    system = System()
    bad = [raw(id=f"b-{n}", time="x") for n in range(KEPT_SINGLY + 1)]
    few = envelope(raw(), *bad[1:])
    many = envelope(raw(), *bad, raw(data={}))
    assert system.deliver(json.dumps(few)) == []
    assert [entry.payload for entry in system.quarantine.entries] == bad[1:]
    system.quarantine.entries.clear()
    system.table.fault = in_turn(Fault(members={0: "AccessDenied"}), None)
    assert system.deliver(json.dumps(many), json.dumps(raw(id="good"))) == ["m-0"]
    assert system.deliver(json.dumps(many)) == []
    once, again = system.quarantine.entries
    assert once.payload == again.payload == many
    assert (again.reason, again.code, again.source) == ("rejected", "format", "queue")
    assert [error["path"] for error in again.errors] == [
        *[f"/records/{n}/time" for n in range(1, KEPT_SINGLY + 2)],
        f"/records/{KEPT_SINGLY + 2}",
    ]
    assert again.errors[-1]["code"] == "conflict"


def test_an_envelope_of_conflicts_alone_is_kept_as_conflict() -> None:
    system = System()
    system.invoke(envelope(raw()))
    system.invoke(envelope(*[raw(data={"n": n}) for n in range(1_000)], on_failed="raise"))
    (entry,) = system.quarantine.entries
    assert (entry.reason, entry.code, len(entry.errors)) == ("conflict", "conflict", 1_000)


def test_the_fullest_batch_is_kept_in_as_many_objects_as_an_invocation_has_time_for() -> None:
    system = System()
    few, many = envelope(*[{}] * KEPT_SINGLY), envelope(*[{}] * 1_000)
    assert system.deliver(*[json.dumps(many)] * 50, *[json.dumps(few)] * 50) == []
    assert len(system.quarantine.entries) <= 1_000


@pytest.mark.parametrize(("left", "status"), [(16.0, "stored"), (14.0, "failed")])
def test_writing_leaves_time_for_what_is_to_be_kept(left: float, status: str) -> None:
    system = System(time=Time(left=left))
    body = envelope(raw(id="good"), raw(id="bad", time="x"), on_failed="raise")
    answer = system.intake.invoke(body, now=system.time.now(), budget=system.time.budget())
    assert [verdict.status for verdict in answer.verdicts] == [status, "rejected"]
    assert (answer.quarantined, answer.lost) == (1, 0)
    assert told(system.invoke({**body, "on_failed": cdr.REPORT})) == [
        "duplicate" if status == "stored" else "stored",
        "rejected",
    ]
    again = system.deliver("{", json.dumps(raw(id="late")))
    assert again == ([] if status == "stored" else ["m-1"])


def test_what_the_quarantine_has_no_time_for_comes_again() -> None:
    system = System(time=Time(left=3.0))
    assert system.deliver("{", json.dumps(raw(time="x"))) == ["m-0", "m-1"]
    with pytest.raises(QuarantineUnavailable):
        system.invoke(raw(time="x"))
