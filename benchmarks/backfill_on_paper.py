"""What a backfill of a large table takes, by the cost model that its plan uses: the tables of the documentation.

python -m benchmarks.backfill_on_paper            prints them
python -m benchmarks.backfill_on_paper --write    puts them into docs/backfill-at-scale.md
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from switchboard.backfill.cost import GB, HISTORY_EVENTS, Work, cost
from switchboard.backfill.dry_run import USABLE_SECONDS, pace
from switchboard.backfill.segments import segmented
from switchboard.prices import list_prices

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from switchboard.backfill.cost import Cost
    from switchboard.backfill.segments import Segmented

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "backfill-at-scale.md"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"

ITEM_BYTES = 1_024
KEY_BYTES = 60
SIZES = (5_000_000, 1_000_000_000)
RATES = (4_000, 40_000)
EXPORT = "export"
_MILLIONS = 1_000


def work(items: int) -> Work:
    """Every item of a table on demand lacks the attribute, and has a kilobyte once it has it; no index holds it."""
    return Work(items=items, items_to_change=items, item_bytes=ITEM_BYTES, key_bytes=KEY_BYTES, update_units=1)


def of(items: int, rate: int, **changed: float) -> tuple[Cost, Segmented]:
    """What `work` costs at so many write and as many read units per second, and how it is divided."""
    parts = segmented(
        items=items,
        table_bytes=items * ITEM_BYTES,
        write_units=rate,
        read_units=rate,
        usable_seconds=USABLE_SECONDS,
    )
    paced = pace(rate, rate, parts.segments, parts.concurrency, distributed=parts.distributed)
    return cost(replace(work(items), **changed), paced, list_prices()), parts  # type: ignore[arg-type]  # of Work


def tables() -> str:
    """The tables as Markdown."""
    prices = list_prices()
    return "\n\n".join(
        (
            f"Prices: {prices.region}, on demand, list prices of {prices.date}, US dollars.",
            "### Work and time\n\n" + _table(_WORK, _work_rows()),
            "### Money\n\n" + _table(_MONEY, _money_rows()),
            "### Journal\n\n" + _table(_JOURNAL, _journal_rows()),
            "### Indexes that hold the attribute\n\n" + _table(_INDEXES, _index_rows()),
            "### Scan or export\n\n" + _table(_EXPORTS, _export_rows()),
        )
    )


_WORK = (
    "items",
    "units/s",
    "write units",
    "read units",
    "time",
    "workers / segments",
    "map",
    "invocations",
    "state transitions",
    "events if inline, at worst",
    f"events in the longest history, of at most {HISTORY_EVENTS:,}",
)
_MONEY = ("items", "units/s", "writing", "reading", "Lambda", "Step Functions", "journal", "checkpoints", "together")
_JOURNAL = ("items", "objects written", "size", "writing it", "keeping it for a month")
_INDEXES = ("items", "units/s", "indexes", "write units", "time", "writing")
_EXPORTS = ("items", "scan: read units", "scan", "export: read units", "export")


def _work_rows() -> Iterator[Sequence[str]]:
    for items in SIZES:
        for rate in RATES:
            found, parts = of(items, rate)
            yield (
                *_named(items, rate),
                _count(found.write_units),
                _count(found.read_units),
                _time(found.seconds),
                f"{parts.concurrency} / {parts.segments}",
                "distributed" if parts.distributed else "inline",
                _count(found.invocations),
                _count(found.transitions),
                _count(parts.events),
                _count(found.events),
            )


def _money_rows() -> Iterator[Sequence[str]]:
    for items in SIZES:
        for rate in RATES:
            found, _ = of(items, rate)
            names = ("write units", "read units", "Lambda", "state transitions", "journal", "checkpoints")
            yield (*_named(items, rate), *(_usd(found.dollars[name]) for name in names), _usd(found.usd))


def _journal_rows() -> Iterator[Sequence[str]]:
    for items in SIZES:
        found, _ = of(items, RATES[0])
        size = found.journal_bytes / GB
        yield (
            _items(items),
            _count(found.objects),
            f"{size:,.1f} GB",
            _usd(found.dollars["journal"]),
            _usd(size * list_prices().s3_gb_month),
        )


def _index_rows() -> Iterator[Sequence[str]]:
    for items in SIZES:
        for indexes in (0, 1, 2):
            found, _ = of(items, RATES[0], update_units=1 + indexes)
            yield (
                *_named(items, RATES[0]),
                str(indexes),
                _count(found.write_units),
                _time(found.seconds),
                _usd(found.dollars["write units"]),
            )


def _export_rows() -> Iterator[Sequence[str]]:
    for items in SIZES:
        scanned, _ = of(items, RATES[0])
        exported, _ = of(items, RATES[0], from_export=True)
        saved = scanned.dollars["read units"] - exported.dollars["read units"]
        yield (
            _items(items),
            _count(scanned.read_units - exported.read_units),
            _usd(saved),
            "0",
            _usd(exported.dollars[EXPORT]),
        )


def _named(items: int, rate: int) -> tuple[str, str]:
    return _items(items), f"{rate:,}"


def _items(items: int) -> str:
    millions = items // 1_000_000
    return f"{millions // 1_000} billion" if millions >= _MILLIONS else f"{millions} million"


def _count(number: float) -> str:
    return f"{round(number):,}"


def _usd(dollars: float) -> str:
    return f"{dollars:,.2f}"


def _time(seconds: float) -> str:
    minutes, hours, days = seconds / 60, seconds / 3_600, seconds / 86_400
    if days >= 1:
        return f"{days:.1f} days"
    return f"{hours:.1f} hours" if hours >= 1 else f"{minutes:.1f} minutes"


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def written(text: str) -> str:
    """The document's text with the tables of now."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n\n{tables()}\n\n{END}{after}"


def main(arguments: Sequence[str]) -> None:
    """Print the tables, or write them into the document."""
    if "--write" in arguments:
        DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
    else:
        print(tables())


if __name__ == "__main__":
    main(sys.argv[1:])
