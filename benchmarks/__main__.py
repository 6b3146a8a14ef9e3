"""Run every benchmark, and write what they print, and pictures of it, for the documentation.

    .venv/bin/python -m benchmarks [NAME …]

Without names all of them run, and `docs/benchmarks.md` and the pictures beside it are written anew; with names only
those run, and nothing is written. Exits with 1 where one of them misses an aim.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

from local_cloud.paths import ROOT

PAGE: Final = ROOT / "docs" / "benchmarks.md"
PICTURES: Final = ROOT / "docs" / "benchmarks"
PLOTS_PYTHON: Final = ROOT / ".local" / "environments" / "plots" / "bin" / "python"

TITLES: Final = {
    "timestamp_key": "Call data records lost by the key that was replaced",
    "cdr_writer": "The CDR writer",
    "stream_handler": "The stream handler",
    "backfill": "The backfill",
    "backfill_scaling": "The backfill by the size of the table",
}
"""The benchmarks in the order of the page."""

_CELL: Final = re.compile(r"-?[\d,]*\.?\d+")


@dataclass(frozen=True, slots=True)
class Section:
    """What one benchmark printed, and whether it met its aims."""

    name: str
    text: str
    met: bool
    seconds: float


def run(name: str) -> Section:
    """Run one benchmark in a process of its own, printing what it prints."""
    began = time.monotonic()
    lines = []
    with subprocess.Popen(
        [sys.executable, "-m", f"benchmarks.{name}"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as running:
        for line in running.stdout or ():
            print(line, end="", flush=True)
            lines.append(line)
    return Section(name, "".join(lines).strip(), running.returncode == 0, time.monotonic() - began)


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a Markdown text: rows of cells, the titles first."""
    found: list[list[list[str]]] = []
    inside = False
    for line in text.splitlines():
        if not line.startswith("|"):
            inside = False
            continue
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not inside:
            found.append([])
            inside = True
        if set("".join(cells)) - set("-: "):
            found[-1].append(cells)
    return found


def number(cell: str) -> float:
    """The first number in a cell. Raises `ValueError` where it has none."""
    match = _CELL.search(cell)
    if match is None:
        raise ValueError("a cell of a benchmark's table has no number where its picture expects one")
    return float(match[0].replace(",", ""))


def machine() -> str:
    """What the figures were made on, in a line."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    emulator = next(
        line.strip() for line in (ROOT / "requirements" / "emulator.in").read_text().splitlines() if "==" in line
    )
    return (
        f"{model}, {os.cpu_count()} cores; {platform.system()}, Python {platform.python_version()}, "
        f"botocore {metadata.version('botocore')}, {emulator.replace('==', ' ')}"
    )


def write_page(sections: list[Section]) -> None:
    """Write the page and the figures from which the pictures are drawn, and draw them."""
    parts = [
        "# Benchmarks",
        "Made by `make bench`, which writes this page anew. Times are of one machine and one run, worth only as ratios "
        "between ways that took turns on the same engine; what a benchmark does stands at the head of its program in "
        "[`benchmarks/`](../benchmarks/).",
        f"Run on {datetime.now(UTC).date()} on {machine()}.",
    ]
    for section in sections:
        verdict = "" if section.met else " It missed an aim, which its lines name."
        parts += [
            f"## {TITLES[section.name]}",
            f"`python -m benchmarks.{section.name}`, {section.seconds:,.0f} s.{verdict}",
            section.text,
        ]
        if section.name in PICTURED:
            parts.append(f"![{TITLES[section.name]}](benchmarks/{section.name}.svg)")
    PAGE.write_text("\n\n".join(parts) + "\n")
    with tempfile.NamedTemporaryFile("w", suffix=".json") as figures:
        drawn = {each.name: PICTURED[each.name](each) for each in sections if each.name in PICTURED}
        json.dump(drawn, figures)
        figures.flush()
        PICTURES.mkdir(exist_ok=True)
        subprocess.run([PLOTS_PYTHON, ROOT / "benchmarks" / "plots.py", figures.name, PICTURES], check=True)


def _lost(section: Section) -> dict[str, object]:
    (_titles, *rows) = tables(section.text)[0]
    return {
        "kind": "lines",
        "title": TITLES[section.name],
        "x": [number(row[0]) for row in rows],
        "x label": "events per second of one sponsor",
        "y label": "of 2,000 events lost",
        "lines": {
            "keyed by second": [number(row[1]) for row in rows],
            "keyed by millisecond": [number(row[3]) for row in rows],
            "keyed by identity": [number(row[5]) for row in rows],
        },
    }


def _rates(section: Section, column: int) -> dict[str, object]:
    found = tables(section.text)
    return {
        "kind": "bars",
        "title": TITLES[section.name],
        "y label": "per second",
        "groups": {
            name: {row[0]: number(row[column]) for row in table[1:]}
            for name, table in zip(("no network", "5 ms of network"), found, strict=False)
        },
    }


def _handler(section: Section) -> dict[str, object]:
    (_titles, *rows) = tables(section.text)[0]
    return {
        "kind": "bars",
        "title": TITLES[section.name],
        "y label": "requests for a batch",
        "groups": {way: {f"{row[0]}": number(row[column]) for row in rows} for way, column in (("old", 4), ("new", 5))},
    }


def _scaling(section: Section) -> dict[str, object]:
    (_titles, *rows) = tables(section.text)[0]
    return {
        "kind": "lines",
        "title": TITLES[section.name],
        "x": [number(row[0]) for row in rows],
        "x label": "items",
        "y label": "seconds",
        "lines": {"seconds": [number(row[1]) for row in rows]},
    }


PICTURED: Final = {
    "timestamp_key": _lost,
    "cdr_writer": lambda section: _rates(section, 1),
    "stream_handler": _handler,
    "backfill": lambda section: _rates(section, 2),
    "backfill_scaling": _scaling,
}


def main(names: list[str]) -> int:
    """Run them. Exit codes: 0 every aim was met, 1 one was not, 2 there is no such benchmark."""
    unknown = set(names) - TITLES.keys()
    if unknown:
        print(f"There is no such benchmark: they are {', '.join(TITLES)}.", file=sys.stderr)
        return 2
    sections = []
    for name in names or TITLES:
        print(f"\n## {TITLES[name]}\n", flush=True)
        sections.append(run(name))
    if not names:
        write_page(sections)
        print(f"\nWritten to {PAGE.relative_to(ROOT)}.")
    return 0 if all(section.met for section in sections) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
