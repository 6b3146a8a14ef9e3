"""The backfill on tables of growing size: time and memory per item stay what they are.

    .venv/bin/python -m benchmarks.backfill_scaling

Each table is backfilled once, in turn, on the same emulator, as it answers. The time is from the plan to the verified
report. Memory is the most that this process has held until then, everything included: had a larger table needed more,
it would have grown. Exits with 1 where it did by more than a fifth from the smallest table to the largest, which has
thirty times the items.
"""

from __future__ import annotations

import resource
import sys
from typing import Final

from benchmarks.backfill import create_table, engine
from benchmarks.cdr_writer import judged
from local_cloud.cloud import LocalCloud

SIZES: Final = (10_000, 30_000, 100_000, 300_000)
MOST_GROWTH: Final = 1.2


def peak_megabytes() -> float:
    """The most memory that this process has held so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def main() -> int:
    """Print the table, and say whether memory is constant."""
    peaks = []
    print("| items | s | items/s | client processor time per item, µs | peak memory of the process, MB |")
    print("|---|---|---|---|---|")
    with LocalCloud.start() as cloud:
        client = cloud.client("dynamodb")
        for items in SIZES:
            table = f"scaling-{items}"
            create_table(client, table, items)
            running = engine(client, table, items)
            running.run("timed")
            client.delete_table(TableName=table)
            ((rate,), (processor,)) = running.rates, running.processor
            peaks.append(peak_megabytes())
            cells = (items, items / rate, rate, processor * 1e6, peaks[-1])
            print(f"| {' | '.join(f'{cell:,.0f}' for cell in cells)} |", flush=True)
    print()
    return 0 if judged("peak memory at the largest over the smallest", peaks[-1] / peaks[0], most=MOST_GROWTH) else 1


if __name__ == "__main__":
    sys.exit(main())
