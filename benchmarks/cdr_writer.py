"""The CDR writer against one `PutItem` per record (the old way) and against the floor of its own requests.

The floor is a bare loop of `BatchExecuteStatement` calls whose statements were built beforehand. All three write new
records of the same shape to tables of the same shape on the same emulator in one run, taking turns:

    .venv/bin/python -m benchmarks.cdr_writer

Once as the emulator answers, whose time goes into reading each statement's text in Python, and once with the wait of a
network before each request. The emulator has one process for all and no wait; DynamoDB has the wait and no such limit:
the aim over `PutItem` is that of the second table, the aim over the floor that of both.

Also the cost of importing the handler, over that of importing botocore and making a bare DynamoDB client, in fresh
interpreters of the functions' own environment. Times are of this machine and worth only as ratios, medians of the
rounds; processor time is that of the client alone. Exits with 1 where the writer misses an aim.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from benchmarks.cdr_table import create_table
from local_cloud.cloud import LocalCloud
from local_cloud.paths import FUNCTIONS_PYTHON, ROOT
from switchboard.cdr.intake import Intake
from switchboard.cdr.record import Record
from switchboard.cdr.store import STATEMENTS_PER_REQUEST, CdrStore, insert_statement
from switchboard.cdr.validation import RecordContract
from switchboard.cdr.writer import CdrWriter
from switchboard.concurrency import IN_FLIGHT
from switchboard.dynamo.budget import Budget
from switchboard.dynamo.client import dynamodb_client
from switchboard.quarantine import BucketQuarantine
from switchboard.schema import cdr, deployment
from switchboard.times import to_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from switchboard.cdr.record import Item

RECORDS: Final = cdr.MAX_RECORDS
PUTS: Final = 200
"""Records of the old way in a round: its rate does not depend on how many there are."""
WAITS: Final = (0.0, 0.005)
"""Seconds of network before each request."""
ROUNDS: Final = 5
IMPORTS: Final = 15
LEAST_FASTER_THAN_PUTS: Final = 5.0
LEAST_OF_THE_FLOOR: Final = 0.8
MOST_IMPORT_COST: Final = 1.25

BARE_CLIENT: Final = "import botocore.session; botocore.session.get_session().create_client('dynamodb')"
HANDLER: Final = "import lambdas.cdr_writer.handler"


@dataclass
class Contender:
    """One way to write `records` a round: `prepare` is not measured, `write` is, and takes what `prepare` gives."""

    name: str
    records: int
    prepare: Callable[[list[dict[str, Any]]], Any]
    write: Callable[[Any], None]
    rates: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)

    def run(self, round_: str) -> None:
        """Write new records, and take the times."""
        prepared = self.prepare(new_records(self.name.replace(" ", "-"), round_, self.records))
        started, used = time.perf_counter(), time.process_time()
        self.write(prepared)
        self.processor.append((time.process_time() - used) / self.records)
        self.rates.append(self.records / (time.perf_counter() - started))


def new_records(contender: str, round_: str, count: int) -> list[dict[str, Any]]:
    """Records nobody has sent before, as a reporting API sends them: many sponsorships, some fields of data."""
    return [
        {
            "source": "qm/reporting-api",
            "id": f"{contender}-{round_}:{number}",
            "type": cdr.CONSUME,
            "time": "2026-11-21T00:08:12.345678Z",
            "sponsor_id": f"s-{number % 7}",
            "sponsorship_id": f"sp-{number % 101}",
            "subscriber_id": f"p-{number}",
            "data": {"bytes_down": 9_876_543 + number, "bytes_up": 1_234, "apn": "internet", "cell": [310, 150, 7]},
        }
        for number in range(count)
    ]


def items(records: list[dict[str, Any]]) -> list[Item]:
    """What the writer would store for these records."""
    now = datetime.now(UTC)
    read = [RecordContract(retention=None).read(record, now=now) for record in records]
    return [
        record.item(record.sk, recorded_at=to_fixed(now), expires_at=None)
        for record in read
        if isinstance(record, Record)
    ]


def batches(records: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """The requests that store them, ready to send."""
    statements = [
        {"Statement": insert_statement("floor", tuple(item)), "Parameters": list(item.values())}
        for item in items(records)
    ]
    return [
        statements[start : start + STATEMENTS_PER_REQUEST]
        for start in range(0, len(statements), STATEMENTS_PER_REQUEST)
    ]


def envelope(records: list[dict[str, Any]]) -> dict[str, Any]:
    """The request with which a caller of the writer sends them."""
    return {"schema": cdr.ENVELOPE_SCHEMA, "on_failed": cdr.REPORT, "records": records}


def contenders(wait: float) -> tuple[Contender, Contender, Contender]:
    """The old way, the floor and the writer, each with a table and a client of its own."""
    puts, floor = waiting(dynamodb_client(), wait), waiting(dynamodb_client(), wait)
    store = CdrStore(waiting(dynamodb_client(attempts=1, connections=IN_FLIGHT), wait), "writer")
    intake = Intake(
        RecordContract(retention=None),
        CdrWriter(store, retention=None),
        BucketQuarantine("nothing-is-refused", function=deployment.CDR_WRITER),
    )
    budget = Budget(remaining_seconds=lambda: 600.0, sleep=time.sleep, jitter=lambda: 1.0)

    def write_one_by_one(prepared: list[Item]) -> None:
        for item in prepared:
            puts.put_item(TableName="puts", Item=item)

    def write_batches(prepared: list[list[Any]]) -> None:
        for statements in prepared:
            answer = floor.batch_execute_statement(Statements=statements)
            if any("Error" in response for response in answer["Responses"]):
                raise AssertionError("the emulator refused a statement: run the benchmark again")

    def write_envelope(prepared: dict[str, Any]) -> None:
        answer = intake.invoke(prepared, now=datetime.now(UTC), budget=budget).response()
        if answer["summary"][cdr.STORED] != RECORDS:
            raise AssertionError("the emulator did not store every record: run the benchmark again")

    return (
        Contender("PutItem per record", PUTS, items, write_one_by_one),
        Contender("pre-built batches", RECORDS, batches, write_batches),
        Contender("cdr-writer", RECORDS, envelope, write_envelope),
    )


def waiting(client: Any, seconds: float) -> Any:
    """`client`, whose every request waits `seconds` as it would on a network."""
    if seconds:
        client.meta.events.register("before-send.dynamodb", lambda **_: time.sleep(seconds))
    return client


def measure(wait: float) -> tuple[Contender, Contender, Contender]:
    """All contenders on new records of their own, in turn; the first round only warms them up."""
    running = contenders(wait)
    for round_ in range(1 + ROUNDS):
        for contender in running:
            contender.run(f"{wait}-{round_}")
    for contender in running:
        del contender.rates[0], contender.processor[0]
    return running


def import_seconds(program: str) -> float:
    """How long `program` takes in a fresh interpreter of the functions, its start not counted."""
    timed = f"import time; started = time.perf_counter(); {program}; print(time.perf_counter() - started)"
    environ = {
        **os.environ,
        deployment.ENV_STAGE: "benchmark",
        deployment.ENV_CDR_TABLE: "writer",
        deployment.ENV_QUARANTINE_BUCKET: "quarantine",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run([FUNCTIONS_PYTHON, "-c", timed], env=environ, capture_output=True, text=True, check=True)
    return float(done.stdout)


def measure_imports() -> tuple[float, float]:
    """Seconds for a bare client and for the handler, in turn; the first of each only writes the byte code."""
    times: dict[str, list[float]] = {BARE_CLIENT: [], HANDLER: []}
    for _ in range(1 + IMPORTS):
        for program, seconds in times.items():
            seconds.append(import_seconds(program))
    return median(times[BARE_CLIENT][1:]), median(times[HANDLER][1:])


def main() -> int:
    """Print the tables, and say whether the aims are met."""
    with LocalCloud.start() as cloud:
        os.environ.update(cloud.environment())
        for name in ("puts", "floor", "writer"):
            create_table(cloud.client("dynamodb"), name)
        met = [report(wait, measure(wait)) for wait in WAITS]
        bare, handler = measure_imports()
    print(f"Import: {bare * 1000:,.0f} ms bare client, {handler * 1000:,.0f} ms handler.")
    met.append(judged("import of the handler over a bare client", handler / bare, most=MOST_IMPORT_COST))
    return 0 if all(met) else 1


def report(wait: float, running: tuple[Contender, Contender, Contender]) -> bool:
    """Print one table, and say whether its aims are met."""
    puts, floor, writer = running
    print(f"With {wait * 1000:g} ms of network before each request:\n")
    print("| way | records/s | client processor time per record, µs |")
    print("|---|---|---|")
    for contender in running:
        print(f"| {contender.name} | {median(contender.rates):,.0f} | {median(contender.processor) * 1e6:,.0f} |")
    print()
    aims = [
        judged("rate over PutItem", ratio(writer.rates, puts.rates), least=LEAST_FASTER_THAN_PUTS if wait else None),
        judged("rate over the floor", ratio(writer.rates, floor.rates), least=LEAST_OF_THE_FLOOR),
        judged("client processor time of PutItem over the writer's", ratio(puts.processor, writer.processor)),
    ]
    print()
    return all(aims)


def judged(name: str, measured: float, *, least: float | None = None, most: float | None = None) -> bool:
    """Print one ratio and its aim, and say whether it is met."""
    met = (least is None or measured >= least) and (most is None or measured <= most)
    aim = f", aim at least {least}" if least is not None else f", aim at most {most}" if most is not None else ""
    print(f"- {name}: {measured:.2f}{aim}{'' if met else ': MISSED'}")
    return met


def ratio(ones: Sequence[float], others: Sequence[float]) -> float:
    """The median of the rounds' ratios."""
    return median(one / other for one, other in zip(ones, others, strict=True))


if __name__ == "__main__":
    sys.exit(main())
