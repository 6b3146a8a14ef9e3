"""Call data records lost by a table keyed by timestamp and sponsor, which the CDR table replaces.

The same events of one sponsor go to both tables on the same emulator: with one `PutItem` each, as the old writer did,
and through the CDR writer. Then the items of both are counted. Written as a table in Markdown:

    .venv/bin/python -m benchmarks.timestamp_key

Events come at random moments (a Poisson process), which is kind to the old key: real ones come in bursts. Beside each
count stands what theory expects to be lost: of events with a mean of m in one tick of the clock, the share
1 - (1 - e^-m) / m shares its tick with an earlier one and replaces it. Exits with 1 where the new table lost any.
"""

from __future__ import annotations

import os
import random
import sys
import time
from datetime import UTC, datetime, timedelta
from math import exp
from typing import TYPE_CHECKING, Any, Final

from benchmarks.cdr_table import create_table
from local_cloud.cloud import LocalCloud
from switchboard.cdr.record import Record
from switchboard.cdr.store import CdrStore
from switchboard.cdr.validation import RecordContract
from switchboard.cdr.writer import CdrWriter
from switchboard.concurrency import IN_FLIGHT
from switchboard.dynamo.budget import Budget
from switchboard.dynamo.client import dynamodb_client
from switchboard.schema import cdr
from switchboard.times import to_fixed

if TYPE_CHECKING:
    from collections.abc import Sequence

EVENTS: Final = 2_000
RATES: Final = (0.1, 1, 10, 100)
"""Events per second of one sponsor."""
TICKS: Final = {"second": 1.0, "millisecond": 0.001}
"""What one step of the old key's timestamp means, in seconds."""
START: Final = datetime(2026, 11, 20, tzinfo=UTC)
SEED: Final = 20_261_121
SPONSOR: Final = "s-12"


def moments(rate: float) -> list[float]:
    """Seconds since the beginning at which the events happen."""
    rng = random.Random(f"{SEED}:{rate}")
    at = 0.0
    found = []
    for _ in range(EVENTS):
        at += rng.expovariate(rate)
        found.append(at)
    return found


def expected_share(rate: float, tick: float) -> float:
    """The share of events that theory expects to replace an earlier one."""
    mean = rate * tick
    return 1 - (1 - exp(-mean)) / mean


def lost_by_timestamp(client: Any, times: Sequence[float], tick: float, table: str) -> int:
    """How many of the events are not in a new table of the old kind after all of them were put."""
    client.create_table(
        TableName=table,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[
            {"AttributeName": "timestamp", "KeyType": "HASH"},
            {"AttributeName": "sponsor_id", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "timestamp", "AttributeType": "N"},
            {"AttributeName": "sponsor_id", "AttributeType": "S"},
        ],
    )
    for number, at in enumerate(times):
        stamp = int((START.timestamp() + at) / tick)
        client.put_item(
            TableName=table,
            Item={"timestamp": {"N": str(stamp)}, "sponsor_id": {"S": SPONSOR}, "number": {"N": str(number)}},
        )
    return len(times) - stored(client, table)


def lost_by_identity(client: Any, times: Sequence[float], rate: float, table: str) -> int:
    """How many of the events are not in the CDR table after the writer stored all of them."""
    create_table(client, table)
    contract = RecordContract(retention=None)
    writer = CdrWriter(CdrStore(client, table), retention=None)
    budget = Budget(remaining_seconds=lambda: 600.0, sleep=time.sleep, jitter=lambda: 1.0)
    now = START + timedelta(seconds=times[-1])
    for start in range(0, len(times), cdr.MAX_RECORDS):
        requests = [
            {
                "source": "qm/reporting-api",
                "id": f"{rate:g}:{number}",
                "type": cdr.CONSUME,
                "time": to_fixed(START + timedelta(seconds=times[number])),
                "sponsor_id": SPONSOR,
                "sponsorship_id": f"sp-{number % 50}",
            }
            for number in range(start, min(start + cdr.MAX_RECORDS, len(times)))
        ]
        read = [contract.read(request, now=now) for request in requests]
        writer.write([record for record in read if isinstance(record, Record)], now=now, budget=budget)
    return len(times) - stored(client, table)


def stored(client: Any, table: str) -> int:
    """How many items a table has."""
    pages = client.get_paginator("scan").paginate(TableName=table, Select="COUNT", ConsistentRead=True)
    return sum(page["Count"] for page in pages)


def main() -> int:
    """Print the table, and say whether the CDR table has everything."""
    kept = True
    print(f"CDRs lost of {EVENTS:,} events of one sponsor:\n")
    print("| events per second | keyed by second | theory | keyed by millisecond | theory | keyed by identity |")
    print("|---|---|---|---|---|---|")
    with LocalCloud.start() as cloud:
        os.environ.update(cloud.environment())
        client = dynamodb_client(attempts=1, connections=IN_FLIGHT)
        for rate in RATES:
            times = moments(rate)
            cells = []
            for name, tick in TICKS.items():
                lost = lost_by_timestamp(client, times, tick, f"old-{name}-{rate:g}")
                cells += [f"{lost:,} ({lost / EVENTS:.1%})", f"{expected_share(rate, tick):.1%}"]
            lost = lost_by_identity(client, times, rate, f"new-{rate:g}")
            kept = kept and lost == 0
            print(f"| {rate:g} | {' | '.join(cells)} | {lost} |")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
