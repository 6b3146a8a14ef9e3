"""The deployed writer, called by QM's role: every status, every way in, and everything that is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from switchboard.schema import cdr, deployment
from tests.integration.calls import (
    envelope,
    eventually,
    history,
    invoke,
    quarantined,
    query,
    record,
    statuses,
    unique,
    write,
)

if TYPE_CHECKING:
    import random

    from local_cloud.stage import DeployedStage

BIG_ENVELOPE_BYTES = 7_000_000


def test_each_type_is_stored_once_and_known_afterwards(local: DeployedStage, rng: random.Random) -> None:
    sponsorship = unique(rng, "sp")
    records = [record(f"e-{kind}", kind, sponsorship_id=sponsorship) for kind in cdr.RECORD_TYPES]
    first, second = write(local, envelope(*records)), write(local, envelope(*records))
    assert statuses(first) == ["stored"] * 5
    assert statuses(second) == ["duplicate"] * 5
    assert [one["recorded_at"] for one in second["results"]] == [one["recorded_at"] for one in first["results"]]
    others = dict.fromkeys(("stored", "not_first", "earlier", "conflict", "rejected", "failed"), 0)
    assert second["summary"] == {"received": 5, "duplicate": 5, **others}
    assert {one["id"] for one in history(local, sponsorship)} == {one["id"] for one in records}


def test_first_earlier_later_and_conflicting(local: DeployedStage, rng: random.Random) -> None:
    sponsorship = unique(rng, "sp")

    def retrieved(record_id: str, second: int, **fields: Any) -> dict[str, Any]:
        time = f"2026-11-20T12:00:{second:02}Z"
        common = {"sponsorship_id": sponsorship, "subscriber_id": "p-7", "time": time}
        return record(record_id, cdr.FIRST_RETRIEVE, **{**common, **fields})

    assert statuses(write(local, envelope(retrieved("a", 30)))) == ["stored"]
    late = envelope(retrieved("b", 40), retrieved("c", 10), retrieved("a", 31), retrieved("d", 5, subscriber_id="p-77"))
    assert sorted(statuses(write(local, late))) == ["conflict", "earlier", "not_first", "stored"]
    first = query(local, query="first", sponsorship_id=sponsorship, type=cdr.FIRST_RETRIEVE, subscriber_id="p-7")
    assert first["record"]["id"] == "c"


def test_a_second_different_create_is_a_conflict_and_the_stored_one_stands(
    local: DeployedStage, rng: random.Random
) -> None:
    sponsorship = unique(rng, "sp")
    write(local, envelope(record("one", cdr.CREATE, sponsorship_id=sponsorship)))
    assert statuses(write(local, envelope(record("two", cdr.CREATE, sponsorship_id=sponsorship)))) == ["conflict"]
    assert [one["id"] for one in history(local, sponsorship)] == ["one"]


def test_a_bare_record_is_answered_with_one_result(local: DeployedStage, rng: random.Random) -> None:
    answer = write(local, record(unique(rng, "bare")))
    assert answer["schema"] == cdr.RESULT_SCHEMA
    assert statuses(answer) == ["stored"]
    rejected = write(local, record(unique(rng, "bare"), colour="red"))
    assert [error["path"] for error in rejected["results"][0]["errors"]] == ["/colour"]


@pytest.mark.parametrize(
    ("fields", "path", "code"),
    [
        ({"id": "a#b"}, "id", "format"),
        ({"time": "2026-11-20T12:00:00"}, "time", "format"),
        ({"time": "2999-01-01T00:00:00Z"}, "time", "range"),
        ({"time": None}, "time", "type"),
        ({"type": "consumed"}, "type", "format"),
        ({"subscriber_id": "-"}, "subscriber_id", "format"),
        ({"sponsor_id": "s" * 129}, "sponsor_id", "too_long"),
        ({"colour": "red"}, "colour", "unknown_field"),
        ({"data": []}, "data", "type"),
        ({"data": {"n": int("7" * 39)}}, "data/n", "number"),
        ({"data": {"text": "\ud800"}}, "data/text", "text"),
        ({"data": {"text": "x" * 32 * 1024}}, "data", "too_large"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_bad_field_is_named_and_the_good_record_beside_it_is_stored(
    local: DeployedStage, rng: random.Random, fields: dict[str, Any], path: str, code: str
) -> None:
    sponsorship = unique(rng, "sp")
    good = record("good", sponsorship_id=sponsorship)
    answer = write(local, envelope(record("bad", sponsorship_id=sponsorship) | fields, good))
    assert statuses(answer) == ["rejected", "stored"]
    assert (f"/records/0/{path}", code) in {(one["path"], one["code"]) for one in answer["results"][0]["errors"]}
    assert [one["id"] for one in history(local, sponsorship)] == ["good"]


def test_a_missing_field_is_named(local: DeployedStage) -> None:
    bare = record("x")
    del bare["sponsor_id"]
    errors = write(local, envelope(bare))["results"][0]["errors"]
    assert [(one["path"], one["code"]) for one in errors] == [("/records/0/sponsor_id", "required")]


@pytest.mark.parametrize(
    "request_",
    [
        {"schema": "switchboard.cdr/2", "records": [record("a")]},
        {"records": [record("a")]},
        {"schema": cdr.ENVELOPE_SCHEMA, "records": []},
        {"schema": cdr.ENVELOPE_SCHEMA, "records": [record("a")] * 1_001},
        {"schema": cdr.ENVELOPE_SCHEMA, "records": [record("a")], "on_failed": "ignore"},
        ["not", "an", "object"],
        "text",
    ],
    ids=["wrong schema", "no schema", "no records", "1,001 records", "on_failed", "a list", "text"],
)
def test_a_bad_envelope_is_a_function_error_and_nothing_is_stored(
    local: DeployedStage, rng: random.Random, request_: Any
) -> None:
    sponsorship = unique(rng, "sp")
    if isinstance(request_, dict):
        request_ = {**request_, "records": [{**one, "sponsorship_id": sponsorship} for one in request_["records"]]}
    answer, error = invoke(local, deployment.CDR_WRITER_PATH, request_, deployment.QM_SERVICE)
    assert error == "Unhandled"
    assert answer["errorType"] == "InvalidEnvelope"
    assert all(set(one) == {"path", "code", "message"} for one in json.loads(answer["errorMessage"])["errors"])
    assert history(local, sponsorship) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"not json", "InvalidRequestContentException"),
        (b'{"data": {"n": NaN}}', "InvalidRequestContentException"),
        (b'{"pad": "' + b"x" * BIG_ENVELOPE_BYTES + b'"}', "RequestTooLargeException"),
    ],
    ids=["not JSON", "NaN", "7 MB"],
)
def test_invoke_itself_refuses(local: DeployedStage, body: bytes, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        invoke(local, deployment.CDR_WRITER_PATH, body, deployment.QM_SERVICE)
    assert refused.value.response["Error"]["Code"] == code


def test_a_thousand_equal_ids_are_one_record(local: DeployedStage, rng: random.Random) -> None:
    sponsorship = unique(rng, "sp")
    answer = write(local, envelope(*[record("same", sponsorship_id=sponsorship)] * cdr.MAX_RECORDS))
    assert answer["summary"]["stored"] == 1
    assert answer["summary"]["duplicate"] == cdr.MAX_RECORDS - 1
    assert len(history(local, sponsorship)) == 1


def test_what_a_caller_does_not_read_goes_to_the_quarantine(local: DeployedStage, rng: random.Random) -> None:
    bad = record(unique(rng, "bad"), colour="red")
    silent, _ = invoke(local, deployment.CDR_WRITER_PATH, envelope(bad, on_failed="raise"), deployment.QM_SERVICE)
    assert statuses(silent) == ["rejected"]
    kept = [one for one in quarantined(local) if one["payload"] == bad]
    assert [(one["schema"], one["reason"], one["code"]) for one in kept] == [
        (deployment.QUARANTINE_SCHEMA, "rejected", "unknown_field")
    ]
    read = record(unique(rng, "bad"), colour="red")
    write(local, envelope(read))
    assert read not in [one["payload"] for one in quarantined(local)]


def test_an_asynchronous_record_arrives(local: DeployedStage, rng: random.Random) -> None:
    sponsorship = unique(rng, "sp")
    send_asynchronously(local, record("async", sponsorship_id=sponsorship))
    eventually(lambda: len(history(local, sponsorship)) == 1, "the record is stored")


def test_an_asynchronous_request_that_fails_for_good_is_kept_by_lambda(
    local: DeployedStage, rng: random.Random
) -> None:
    mark = unique(rng, "mark")
    send_asynchronously(local, {"schema": mark, "records": [record("a")]})

    def kept() -> bool:
        documents = quarantined(local, f"aws/lambda/async/{deployment.function_name('local', deployment.CDR_WRITER)}")
        return any(one["requestPayload"].get("schema") == mark for one in documents)

    eventually(kept, "the request lies at the on-failure destination with its payload")


def send_asynchronously(local: DeployedStage, payload: Any) -> None:
    answer = local.client("lambda", deployment.QM_SERVICE).invoke(
        FunctionName=local.parameter(deployment.CDR_WRITER_PATH),
        InvocationType="Event",
        Payload=json.dumps(payload).encode(),
    )
    assert answer["StatusCode"] == 202


def test_the_queue_takes_records_and_envelopes_and_keeps_what_cannot_be_stored(
    local: DeployedStage, rng: random.Random
) -> None:
    sponsorship, mark = unique(rng, "sp"), unique(rng, "no-json")
    rejected = record(unique(rng, "bad"), colour="red", sponsorship_id=sponsorship)
    not_a_number = json.dumps(record(mark, data={"n": float("nan")}, sponsorship_id=sponsorship))
    bodies = [
        json.dumps(record("alone", sponsorship_id=sponsorship)),
        json.dumps(envelope(*[record(f"e-{n}", sponsorship_id=sponsorship) for n in range(3)], rejected)),
        f"{{{mark}",
        not_a_number,
        json.dumps({"schema": mark, "records": [record("never", sponsorship_id=sponsorship)]}),
    ]
    sqs, url = local.client("sqs", deployment.QM_SERVICE), local.parameter(deployment.CDR_QUEUE_PATH)
    for body in bodies:
        sqs.send_message(QueueUrl=url, MessageBody=body)
    eventually(lambda: len(history(local, sponsorship)) == 4, "the four good records are stored")

    def all_kept() -> bool:
        payloads = [one["payload"] for one in quarantined(local)]
        whole = [f"{{{mark}", json.loads(bodies[4]), rejected]
        # What strict JSON cannot carry is kept as the text of its JSON.
        as_text = [one for one in payloads if isinstance(one, str) and f'"id":"{mark}"' in one and "NaN" in one]
        return all(payload in payloads for payload in whole) and len(as_text) == 1

    eventually(all_kept, "everything else is kept with its payload")
    eventually(lambda: waiting(local) == 0, "the queue is empty")


def waiting(local: DeployedStage) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = local.client("sqs").get_queue_attributes(
        QueueUrl=local.parameter(deployment.CDR_QUEUE_PATH), AttributeNames=names
    )["Attributes"]
    return sum(int(attributes[name]) for name in names)
