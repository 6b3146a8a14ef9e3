"""The backfill on tables of growing size: time and memory per item stay what they are.

    .venv/bin/python -m benchmarks.backfill_scaling

Each table is backfilled once, in turn, on the same emulator, as it answers. The time is from the plan to the verified
report. Peak memory is that of this process's objects, taken in a round of its own, in which the client is slower. A
memory that grew with the table would show: the largest table has thirty times the items of the smallest. Exits with 1
where the peak at the largest is more than 1.2 times that at the smallest.
"""

from __future__ import annotations

import sys
from typing import Final

from benchmarks.backfill import create_table, engine
from benchmarks.cdr_writer import judged
from local_cloud.cloud import LocalCloud

SIZES: Final = (10_000, 30_000, 100_000, 300_000)
MOST_GROWTH: Final = 1.2


def main() -> int:
    """Print the table, and say whether memory is constant."""
    peaks = []
    print("| items | s | items/s | client processor time per item, µs | peak memory, MB |")
    print("|---|---|---|---|---|")
    with LocalCloud.start() as cloud:
        client = cloud.client("dynamodb")
        for items in SIZES:
            table = f"scaling-{items}"
            create_table(client, table, items)
            running = engine(client, table, items)
            running.run("timed")
            running.weigh("weighed")
            client.delete_table(TableName=table)
            ((rate,), (processor,)) = running.rates, running.processor
            peaks.append(running.memory)
            cells = (items / rate, rate, processor * 1e6)
            print(f"| {items:,} | {' | '.join(f'{cell:,.0f}' for cell in cells)} | {running.memory / 1e6:.1f} |")
    print()
    return 0 if judged("peak memory at the largest over the smallest", peaks[-1] / peaks[0], most=MOST_GROWTH) else 1


if __name__ == "__main__":
    sys.exit(main())
