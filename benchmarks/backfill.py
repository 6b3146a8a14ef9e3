"""The backfill's engine against the ways in which tables are backfilled otherwise, and against its floor.

    .venv/bin/python -m benchmarks.backfill

The ways: a scan into a list and one `UpdateItem` after the other, and the same with 8 and 32 threads. The floor: a bare
loop of `BatchExecuteStatement` calls whose statements were built beforehand. Each has a table of its own of the same
shape on the same emulator, whose items all lack an attribute that no round had before, and they take turns.

Once as the emulator answers and once with the wait of a network before each request. The old ways have fewer items,
since their rate does not depend on how many there are; their memory does. The engine is one worker, which keeps several
batches in flight; its plan, its scans and its strongly consistent count at the end are in its time. Times are of this
machine and worth only as ratios, medians of the rounds; processor time is that of the client alone. Exits with 1 where
the engine misses an aim.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from botocore.config import Config

from benchmarks.cdr_writer import judged, ratio, waiting
from local_cloud.cloud import LocalCloud
from switchboard.backfill.engine import Checkpoint
from switchboard.backfill.job import SetAttribute
from switchboard.backfill.plan import described, planned
from switchboard.backfill.run import Run
from switchboard.backfill.waiting import Waiting
from switchboard.backfill.writes import STATEMENTS_PER_REQUEST
from switchboard.concurrency import IN_FLIGHT
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Callable

ITEMS: Final = 20_000
FEWER: Final = 500
"""Items of the old ways in a round."""
WAITS: Final = (0.0, 0.005)
"""Seconds of network before each request."""
ROUNDS: Final = 3
THREADS: Final = (1, 8, 32)
VALUE: Final = {"S": "1"}
UNBOUNDED: Final = 1e9
LEAST_OVER_ONE_BY_ONE: Final = {0.0: 8.0, 0.005: 12.0}
LEAST_OVER_THREADS: Final = 4.0
LEAST_OF_THE_FLOOR: Final = 0.8


@dataclass
class Contender:
    """One way to give `items` items the attribute: `prepare` is not measured, `write` takes what it gives."""

    name: str
    table: str
    items: int
    prepare: Callable[[str], Any]
    write: Callable[[Any], None]
    rates: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)
    memory: int = 0

    def run(self, attribute: str) -> None:
        """Give every item the attribute, and take the times."""
        prepared = self.prepare(attribute)
        started, used = time.perf_counter(), time.process_time()
        self.write(prepared)
        self.processor.append((time.process_time() - used) / self.items)
        self.rates.append(self.items / (time.perf_counter() - started))

    def weigh(self, attribute: str) -> None:
        """Take the peak of memory that the way itself needs, in a round of its own: measuring it costs time."""
        prepared = self.prepare(attribute)
        tracemalloc.start()
        self.write(prepared)
        self.memory = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def scanned(client: Any, table: str, attribute: str) -> list[dict[str, Any]]:
    """The keys of all items that lack the attribute."""
    pages = client.get_paginator("scan").paginate(
        TableName=table,
        FilterExpression="attribute_not_exists(#attribute)",
        ProjectionExpression="pk, sk",
        ExpressionAttributeNames={"#attribute": attribute},
    )
    return [item for page in pages for item in page["Items"]]


def one_by_one(client: Any, table: str, threads: int) -> Contender:
    """A scan into a list, and an `UpdateItem` each in so many threads."""

    def write(attribute: str) -> None:
        def update(key: dict[str, Any]) -> None:
            client.update_item(
                TableName=table,
                Key=key,
                UpdateExpression="SET #attribute = :value",
                ConditionExpression="attribute_exists(pk) AND attribute_not_exists(#attribute)",
                ExpressionAttributeNames={"#attribute": attribute},
                ExpressionAttributeValues={":value": VALUE},
            )

        keys = scanned(client, table, attribute)
        if threads == 1:
            for key in keys:
                update(key)
        else:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(update, keys))

    name = f"UpdateItem per item, {threads} thread{'s' if threads > 1 else ''}"
    return Contender(name, table, FEWER, lambda attribute: attribute, write)


def floor(client: Any, table: str, items: int) -> Contender:
    """Requests that were built beforehand, one after the other."""

    def prepare(attribute: str) -> list[list[dict[str, Any]]]:
        job = SetAttribute(described(client, table, attribute), attribute, VALUE)
        statements = [
            {"Statement": job.statement(), "Parameters": job.parameters(job.table.key(key))}
            for key in scanned(client, table, attribute)
        ]
        return [
            statements[start : start + STATEMENTS_PER_REQUEST]
            for start in range(0, len(statements), STATEMENTS_PER_REQUEST)
        ]

    def write(batches: list[list[dict[str, Any]]]) -> None:
        for statements in batches:
            answer = client.batch_execute_statement(Statements=statements)
            if any("Error" in response for response in answer["Responses"]):
                raise AssertionError("the emulator refused a statement: run the benchmark again")

    return Contender("pre-built batches", table, items, prepare, write)


def engine(client: Any, table: str, items: int) -> Contender:
    """A run of the backfill, from its plan to its report."""
    waits = Waiting(clock=time.monotonic, sleep=time.sleep, jitter=lambda: 1.0)

    def write(attribute: str) -> None:
        plan = planned(
            client,
            table,
            attribute=attribute,
            value=VALUE,
            prefix=None,
            max_write_units=UNBOUNDED,
            max_read_units=UNBOUNDED,
        )
        run = Run(client, plan, run_id=attribute, waiting=waits, start=Checkpoint(), settled=lambda _: None)
        report = run()
        if (report.status, report.at.counters.updated) != (runs.SUCCEEDED, items):
            raise AssertionError("the backfill did not update every item: run the benchmark again")

    return Contender("backfill", table, items, lambda attribute: attribute, write)


def create_table(client: Any, name: str, items: int) -> None:
    """A table that can be recovered, of small items without any of the attributes."""
    client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("pk", "sk")],
    )
    client.update_continuous_backups(
        TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    for start in range(0, items, STATEMENTS_PER_REQUEST):
        numbers = range(start, min(start + STATEMENTS_PER_REQUEST, items))
        puts = [
            {"PutRequest": {"Item": {"pk": {"S": f"p-{n % 997}"}, "sk": {"S": f"{n:09}"}, "text": {"S": "some text"}}}}
            for n in numbers
        ]
        client.batch_write_item(RequestItems={name: puts})


def contenders(cloud: LocalCloud, wait: float, items: int) -> list[Contender]:
    """The old ways, the floor and the engine, each with a client and a table of its own."""

    def client(connections: int = IN_FLIGHT) -> Any:
        return waiting(cloud.client("dynamodb", config=Config(max_pool_connections=connections)), wait)

    found = [one_by_one(client(threads), f"threads-{threads}", threads) for threads in THREADS]
    found += [floor(client(), "floor", items), engine(client(), "engine", items)]
    return found


def measure(cloud: LocalCloud, wait: float, items: int) -> list[Contender]:
    """All contenders in turn, each round with a new attribute; the first only warms them up and weighs them."""
    running = contenders(cloud, wait, items)
    for round_ in range(1 + ROUNDS):
        for contender in running:
            attribute = f"round-{wait}-{round_}"
            contender.run(attribute) if round_ else contender.weigh(attribute)
    return running


def report(wait: float, running: list[Contender]) -> bool:
    """Print one table, and say whether its aims are met."""
    print(f"With {wait * 1000:g} ms of network before each request:\n")
    print("| way | items | items/s | client processor time per item, µs | peak memory, MB |")
    print("|---|---|---|---|---|")
    for each in running:
        print(
            f"| {each.name} | {each.items:,} | {median(each.rates):,.0f} | {median(each.processor) * 1e6:,.0f} "
            f"| {each.memory / 1e6:,.1f} |"
        )
    print()
    *olds, bare, run = running
    best = max(olds[1:], key=lambda each: median(each.rates))
    aims = [
        judged("rate over one by one", ratio(run.rates, olds[0].rates), least=LEAST_OVER_ONE_BY_ONE[wait]),
        judged(f"rate over {best.name}", ratio(run.rates, best.rates), least=LEAST_OVER_THREADS),
        judged("rate over the floor", ratio(run.rates, bare.rates), least=LEAST_OF_THE_FLOOR),
        judged("rate of the floor over one by one", ratio(bare.rates, olds[0].rates)),
        judged("client processor time of one by one over the backfill's", ratio(olds[0].processor, run.processor)),
    ]
    print()
    return all(aims)


def main(items: int) -> int:
    """Print the tables, and say whether the aims are met."""
    with LocalCloud.start() as cloud:
        client = cloud.client("dynamodb")
        for threads in THREADS:
            create_table(client, f"threads-{threads}", FEWER)
        for name in ("floor", "engine"):
            create_table(client, name, items)
        met = [report(wait, measure(cloud, wait, items)) for wait in WAITS]
    return 0 if all(met) else 1


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description="Compare the backfill with the old ways and with its floor.")
    arguments.add_argument("--items", type=int, default=ITEMS, help="fewer, where the machine is slow")
    sys.exit(main(arguments.parse_args().items))
