"""Draw the figures of the benchmarks as SVG pictures; runs in an environment of its own, which has Matplotlib.

    plots.py FIGURES.json FOLDER

A figure is `bars` (groups of bars by name) or `lines` (over `x`, both scales logarithmic).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from textwrap import fill
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

mpl.rcParams.update({"svg.hashsalt": "switchboard", "svg.fonttype": "none", "font.size": 9})


def bars(axes: Any, figure: dict[str, Any]) -> None:
    """Groups side by side, a bar for each way, with its value above it."""
    groups = figure["groups"]
    ways = list(dict.fromkeys(way for values in groups.values() for way in values))
    width = 0.8 / len(groups)
    for place, (name, values) in enumerate(groups.items()):
        offsets = [index + place * width for index in range(len(ways))]
        drawn = axes.bar(offsets, [values.get(way, 0) for way in ways], width, label=name)
        axes.bar_label(drawn, fmt="{:,.0f}", fontsize=7, padding=2)
    axes.set_yscale("log")
    axes.set_xticks(
        [index + width * (len(groups) - 1) / 2 for index in range(len(ways))], [fill(way, 16) for way in ways]
    )


def lines(axes: Any, figure: dict[str, Any]) -> None:
    """One line for each way; nothing lost is drawn at the bottom of a logarithmic scale."""
    for name, values in figure["lines"].items():
        axes.plot(figure["x"], values, marker="o", label=name)
    axes.set_xscale("log")
    axes.set_yscale("symlog")
    axes.set_xticks(figure["x"], [f"{value:,g}" for value in figure["x"]])
    axes.set_xlabel(figure["x label"])


def main(source: str, folder: str) -> None:
    """Draw every figure of a file into the folder."""
    for name, figure in json.loads(Path(source).read_text()).items():
        drawing, axes = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
        {"bars": bars, "lines": lines}[figure["kind"]](axes, figure)
        axes.set_ylabel(figure["y label"])
        axes.set_title(figure["title"], loc="left", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
        drawing.savefig(Path(folder) / f"{name}.svg", metadata={"Date": None})
        plt.close(drawing)


if __name__ == "__main__":
    main(*sys.argv[1:])
