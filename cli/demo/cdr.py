"""The part of the demo about call data records."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cli.demo.callers import service_role
from cli.demo.waiting import wait_for
from switchboard.schema import cdr, deployment

if TYPE_CHECKING:
    from cli.demo.callers import Caller
    from cli.demo.walk import Walk
    from local_cloud.stage import DeployedStage

SOURCE = "qm/reporting-api"
SPONSOR = "s-12"
SPONSORSHIP = "sp-901"
SUBSCRIBER = "p-77"


class Records:
    """The demo's records, minutes after each other in the last hour."""

    def __init__(self, now: datetime) -> None:
        self._start = (now - timedelta(hours=1)).replace(microsecond=0)

    def at(self, minutes: float) -> str:
        """A time of the demo's hour, as a service would send it."""
        return (self._start + timedelta(minutes=minutes)).isoformat()

    def record(self, number: int, record_type: str, minutes: float, **fields: object) -> dict[str, Any]:
        """One record of the demo's sponsorship."""
        return {
            cdr.SOURCE: SOURCE,
            cdr.ID: f"demo:{number}",
            cdr.TYPE: record_type,
            "time": self.at(minutes),
            cdr.SPONSOR_ID: SPONSOR,
            cdr.SPONSORSHIP_ID: SPONSORSHIP,
            cdr.DATA: {},
            **fields,
        }

    def one_of_each(self) -> list[dict[str, Any]]:
        """The life of a sponsorship in five records."""
        subscriber = {cdr.SUBSCRIBER_ID: SUBSCRIBER}
        return [
            self.record(1, cdr.CREATE, 0, data={"bytes_granted": 104_857_600}),
            self.record(2, cdr.FIRST_RETRIEVE, 3, **subscriber),
            self.record(3, cdr.FIRST_ACTIVATE, 4, **subscriber),
            self.record(4, cdr.CONSUME, 8, **subscriber, data={"bytes_down": 9_876_543}),
            self.record(5, cdr.EXPIRE, 50),
        ]


def envelope(*records: dict[str, Any]) -> dict[str, Any]:
    """A request of the writer whose results the caller reads."""
    return {"schema": cdr.ENVELOPE_SCHEMA, "on_failed": "report", "records": list(records)}


def results_table(records: list[dict[str, Any]], answer: dict[str, Any]) -> Table:
    """Records beside what became of them."""
    table = Table(box=None, pad_edge=False)
    for name in ("type", "id", "time", "status"):
        table.add_column(name)
    for record, result in zip(records, answer["results"], strict=True):
        table.add_row(record[cdr.TYPE], record[cdr.ID], record["time"], f"[bold]{result['status']}[/]")
    return table


def walk(stage: DeployedStage, tour: Walk) -> None:
    """Show writing and reading of CDRs."""
    records = Records(datetime.now(UTC))
    with tour.step(
        "A service takes its role", "QM runs with temporary credentials of `qm-service`; nobody's keys."
    ) as step:
        qm = service_role(stage, deployment.QM_SERVICE)
        identity = qm.client("sts").get_caller_identity()["Arn"]
        step.show(identity)
        step.check("the identity is the role", ":assumed-role/" in identity)
        step.prove("temporary credentials, no key")
    first_records(qm, records, tour)
    same_instant(stage, qm, records, tour)
    earlier_first(stage, qm, records, tour)
    rejected(qm, records, tour)
    by_queue(stage, qm, records, tour)
    reads(stage, records, tour)


def first_records(qm: Caller, records: Records, tour: Walk) -> None:
    """Five kinds of record, then the same ones again."""
    five = records.one_of_each()
    with tour.step("Five kinds of record", "One call with the life of a sponsorship; one result per record.") as step:
        answer = qm.invoke(deployment.CDR_WRITER_PATH, envelope(*five))
        step.show(results_table(five, answer))
        step.check("all five are stored", answer["summary"]["stored"] == len(five))
        step.prove("5 stored")
    with tour.step(
        "The same delivery again", "A retry, or a queue that delivers twice. Identity holds no time."
    ) as step:
        again = qm.invoke(deployment.CDR_WRITER_PATH, envelope(*five))
        step.check("all five are known as duplicates", again["summary"]["duplicate"] == len(five))
        step.check("and none is stored twice", again["summary"]["stored"] == 0)
        step.prove("5 duplicates, 0 stored")


def same_instant(stage: DeployedStage, qm: Caller, records: Records, tour: Walk) -> None:
    """Two events of one sponsor in one microsecond, in the new table and in one keyed as the old one was."""
    pair = [
        records.record(number, cdr.CONSUME, 10, **{cdr.SUBSCRIBER_ID: subscriber}, data={"bytes_down": 1_000})
        for number, subscriber in ((6, "p-1"), (7, "p-2"))
    ]
    with tour.step("Two events in the same instant", "The old table was keyed by timestamp and sponsor.") as step:
        kept_before = kept_by_old_key(stage, pair)
        answer = qm.invoke(deployment.CDR_WRITER_PATH, envelope(*pair))
        step.show(results_table(pair, answer))
        step.check(f"the old key kept {kept_before} of 2", kept_before == 1)
        step.check("the new one keeps both", answer["summary"]["stored"] == len(pair))
        step.prove(f"both kept; the old key kept {kept_before}")


def kept_by_old_key(stage: DeployedStage, pair: list[dict[str, Any]]) -> int:
    """Put the records into a throw-away table keyed `timestamp` and `sponsor_id`, and count what remains."""
    dynamodb = stage.client("dynamodb")
    table = "demo-keyed-by-timestamp"
    dynamodb.create_table(
        TableName=table,
        KeySchema=[
            {"AttributeName": "timestamp", "KeyType": "HASH"},
            {"AttributeName": "sponsor_id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "timestamp", "AttributeType": "N"},
            {"AttributeName": "sponsor_id", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    try:
        for record in pair:
            stamp = datetime.fromisoformat(record["time"]).timestamp()
            item = {"timestamp": {"N": f"{stamp:.6f}"}, "sponsor_id": {"S": record[cdr.SPONSOR_ID]}}
            dynamodb.put_item(TableName=table, Item={**item, "id": {"S": record[cdr.ID]}})
        count: int = dynamodb.scan(TableName=table, Select="COUNT")["Count"]
        return count
    finally:
        dynamodb.delete_table(TableName=table)


def earlier_first(stage: DeployedStage, qm: Caller, records: Records, tour: Walk) -> None:
    """An event that is earlier than the stored first one and arrives later."""
    late = records.record(8, cdr.FIRST_RETRIEVE, 2, **{cdr.SUBSCRIBER_ID: SUBSCRIBER})
    later = records.record(9, cdr.FIRST_RETRIEVE, 20, **{cdr.SUBSCRIBER_ID: SUBSCRIBER})
    with tour.step("Who was first?", "The first write is never changed; an earlier event is added beside it.") as step:
        answer = qm.invoke(deployment.CDR_WRITER_PATH, envelope(late, later))
        step.show(results_table([late, later], answer))
        reader = service_role(stage, deployment.CDR_READER)
        question = {
            "query": "first",
            "sponsorship_id": SPONSORSHIP,
            "type": cdr.FIRST_RETRIEVE,
            "subscriber_id": SUBSCRIBER,
        }
        first = reader.invoke(deployment.CDR_QUERY_PATH, question)["record"]
        step.show(f"first retrieved at {first['time']}, by {first['id']}")
        step.check("the earlier event counts, though it came later", first["id"] == late[cdr.ID])
        step.prove("the earlier one, arrived later")


def rejected(qm: Caller, records: Records, tour: Walk) -> None:
    """A record with several faults beside a good one."""
    bad = records.record(10, "consumed", 5, colour="red")
    bad |= {"time": "2026-11-21 00:08", "data": {"bytes_down": 12_345, "rate": int("7" * 39)}}
    good = records.record(11, cdr.CONSUME, 11, data={"bytes_down": 5})
    with tour.step(
        "A record that breaks the contract", "Each field is named; the good records of the call are stored."
    ) as step:
        answer = qm.invoke(deployment.CDR_WRITER_PATH, envelope(bad, good))
        errors = answer["results"][0]["errors"]
        table = Table(box=None, pad_edge=False)
        for name in ("path", "code", "message"):
            table.add_column(name)
        for error in errors:
            table.add_row(error["path"], error["code"], error["message"])
        step.show(table)
        step.check(
            "every fault is named", {"/records/0/time", "/records/0/type"} <= {error["path"] for error in errors}
        )
        step.check("the good record beside it is stored", answer["results"][1]["status"] == "stored")
        step.prove(f"{len(errors)} field errors, 1 stored")


def by_queue(stage: DeployedStage, qm: Caller, records: Records, tour: Walk) -> None:
    """A record and a message that is no JSON through the queue: one stored, one in the quarantine."""
    with tour.step("Through the queue", "Fire and forget: what cannot be stored is kept with its payload.") as step:
        queued = records.record(12, cdr.CONSUME, 12, data={"bytes_down": 7})
        sqs, url = qm.client("sqs"), stage.parameters[deployment.CDR_QUEUE_PATH]
        sqs.send_message(QueueUrl=url, MessageBody=json.dumps(queued))
        sqs.send_message(QueueUrl=url, MessageBody="this is no JSON")
        reader = service_role(stage, deployment.CDR_READER)
        question = {"query": "history", "sponsorship_id": SPONSORSHIP}
        arrived = wait_for(
            lambda: (
                queued[cdr.ID] in {one["id"] for one in reader.invoke(deployment.CDR_QUERY_PATH, question)["records"]}
            )
        )
        kept = wait_for(lambda: "this is no JSON" in quarantined(stage, deployment.CDR_WRITER))
        step.check("the record arrived", arrived)
        step.check("the other message lies in the quarantine, word for word", kept)
        step.prove("1 stored, 1 in quarantine")


def quarantined(stage: DeployedStage, function: str) -> list[Any]:
    """Payloads of everything that a function put into the quarantine."""
    s3, bucket = stage.client("s3"), stage.parameters[deployment.QUARANTINE_PATH]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"{function}/").get("Contents", [])
    return [json.load(s3.get_object(Bucket=bucket, Key=one["Key"])["Body"])["payload"] for one in listed]


def reads(stage: DeployedStage, records: Records, tour: Walk) -> None:
    """The four questions a reader asks."""
    with tour.step("Reading", "`cdr-reader` may invoke the query function and nothing else.") as step:
        reader = service_role(stage, deployment.CDR_READER)
        history = reader.invoke(deployment.CDR_QUERY_PATH, {"query": "history", "sponsorship_id": SPONSORSHIP})
        step.show(history_table(history["records"]))
        span = {"from": records.at(0), "to": records.at(60)}
        by_sponsor = pages(reader, {"query": "by_sponsor", "sponsor_id": SPONSOR, **span})
        by_time = pages(reader, {"query": "by_time", **span})
        step.check(f"history: {len(history['records'])} records in order of time", in_order(history["records"]))
        step.check(f"the sponsor's hour: {len(by_sponsor)}, merged from {cdr.SHARDS} shards", in_order(by_sponsor))
        step.check(
            f"everything in that hour: {len(by_time)}", len(by_time) == len(by_sponsor) == len(history["records"])
        )
        step.prove(f"{len(by_time)} records, three ways")


def pages(reader: Caller, question: dict[str, Any]) -> list[dict[str, Any]]:
    """All records of a query, three a page, to show that cursors lose and double nothing."""
    found: list[dict[str, Any]] = []
    answer = reader.invoke(deployment.CDR_QUERY_PATH, {**question, "limit": 3})
    found += answer["records"]
    while "cursor" in answer:
        answer = reader.invoke(deployment.CDR_QUERY_PATH, {**question, "limit": 3, "cursor": answer["cursor"]})
        found += answer["records"]
    return found


def in_order(found: list[dict[str, Any]]) -> bool:
    """Whether records stand in order of time."""
    times = [one["time"] for one in found]
    return bool(times) and times == sorted(times)


def history_table(found: list[dict[str, Any]]) -> Table:
    """Records as a person reads them."""
    table = Table(box=None, pad_edge=False)
    for name in ("time", "type", "subscriber", "source", "id"):
        table.add_column(name)
    for one in found:
        table.add_row(one["time"], one["type"], one.get(cdr.SUBSCRIBER_ID, ""), one["source"], one["id"])
    return table
