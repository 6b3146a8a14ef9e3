"""The review on a terminal: what a change does, then the stages in figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.table import Table
from rich.text import Text

from cli import output
from cli.review.changes import Weight

if TYPE_CHECKING:
    from cli.review.changes import Change
    from cli.review.report import Comparison, Review

_STYLES: Final = {Weight.DANGER: "bold red", Weight.CAUTION: "yellow", Weight.NOTE: "dim"}

_LETTERS: Final = 120
"""What is shown of a long value; the page shows all of it."""


def show(review: Review) -> None:
    """Print the review. Names from templates are printed as text, whatever they hold."""
    if review.comparison:
        _show_changes(review.comparison)
    console = output.results()
    console.print(_stages(review))
    for finding in review.findings:
        if finding.row.rule.is_urgent:
            line = f"{finding.row.rule}: {finding.row.place}: {finding.row.what} ({', '.join(finding.stages)})"
            console.print(Text(output.printable(line), style="bold red"), soft_wrap=True)


def _show_changes(comparison: Comparison) -> None:
    console = output.results()
    console.print(Text(output.printable(f"What changes against {comparison.against}"), style="bold"), soft_wrap=True)
    if not comparison.changes:
        console.print("Nothing: the templates say the same.")
    for change in comparison.changes:
        console.print(_line(change), soft_wrap=True)
    console.print()


def _line(change: Change) -> Text:
    becomes = f": {_short(change.before)} \N{RIGHTWARDS ARROW} {_short(change.after)}" if change.after else ""
    line = Text(f"{change.kind.label:24} ", style=_STYLES[change.kind.weight])
    line.append(output.printable(f"{change.place}  {change.what}{becomes}"), style="default")
    line.append(output.printable(f"  ({', '.join(change.stages)})"), style="dim")
    return line


def _short(text: str) -> str:
    return text if len(text) <= _LETTERS else f"{text[: _LETTERS - 1]}\N{HORIZONTAL ELLIPSIS}"


def _stages(review: Review) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("stage")
    for name in ("stacks", "resources", "failures without an alarm", "acknowledged", "US dollars a month"):
        table.add_column(name, justify="right")
    before = review.comparison.usd_before if review.comparison else {}
    for stage in review.stages:
        change = f" ({stage.usd - before[stage.name]:+,.2f})" if stage.name in before else ""
        table.add_row(
            output.printable(stage.name),
            str(len(stage.stacks)),
            str(stage.resources),
            str(stage.gaps or "none"),
            str(len(stage.acknowledged)),
            f"{stage.usd:,.2f}{change}",
        )
    return table
