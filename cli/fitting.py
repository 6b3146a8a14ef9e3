"""Tables that a terminal can show: columns for which it is too narrow are left out, the least important first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.table import Table

from cli import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.text import Text

READABLE: Final = 16
"""Characters that a column needs whose text may continue on the next line."""
_SEPARATOR: Final = 3
_FEWEST: Final = 3
"""With fewer columns a table says too little; one value per line says all."""


@dataclass(frozen=True, slots=True)
class Column:
    """A title and what stands below it.

    `rank` says when it is left out: the highest rank first, 0 never. `needs` is how many characters make it readable,
    unless all it holds is shorter; `is_whole` keeps each value on one line, `is_cut` shows its beginning alone.
    """

    title: str
    cells: tuple[Text, ...]
    rank: int = 0
    needs: int = READABLE
    is_whole: bool = False
    is_cut: bool = False
    is_number: bool = False

    @property
    def natural(self) -> int:
        """The characters of its longest line."""
        lines = (line for cell in self.cells for line in cell.plain.split("\n"))
        return max(cell_len(self.title), *map(cell_len, lines), 0)

    @property
    def least(self) -> int:
        """The fewest characters with which it can be read."""
        return self.natural if self.is_whole or self.is_number else min(self.natural, self.needs)


def show(columns: Sequence[Column]) -> None:
    """Print a table as wide as where it goes; or, where that is too narrow for one, its rows one value per line.

    What was left out is said beside the result.
    """
    console = output.results()
    shown, left_out = fitting(columns, console.width)
    if len(shown) < min(_FEWEST, len(columns)):
        _show_rows(console, columns)
        return
    widths = _widths(shown, console.width)
    console.print(_table(shown, widths))
    missing = [column.title for column in left_out]
    missing += [f"the end of {one.title}" for one, width in zip(shown, widths, strict=True) if _is_cut_at(one, width)]
    if missing:
        output.say(f"Too narrow here for: {', '.join(missing)}. A wider terminal shows more, and --json shows all.")


def fitting(columns: Sequence[Column], width: int) -> tuple[list[Column], list[Column]]:
    """The columns that can be read side by side in `width` characters, and those that are left out."""
    shown = list(columns)
    while shown and _width([column.least for column in shown]) > width:
        if not any(column.rank for column in shown):
            return [], list(columns)
        shown.remove(max(shown, key=lambda column: column.rank))
    return shown, [column for column in columns if column not in shown]


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + _SEPARATOR * (len(widths) - 1)


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    widths = [column.least for column in columns]
    for place, column in sorted(enumerate(columns), key=lambda one: one[1].rank):
        widths[place] += min(column.natural - column.least, width - _width(widths))
    return widths


def _is_cut_at(column: Column, width: int) -> bool:
    return column.is_cut and width < column.natural


def _table(columns: Sequence[Column], widths: Sequence[int]) -> Table:
    table = plain()
    for column, width in zip(columns, widths, strict=True):
        table.add_column(
            column.title,
            width=width,
            justify="right" if column.is_number else "left",
            overflow="ellipsis" if column.is_cut else "fold",
            no_wrap=column.is_cut,
        )
    for row in zip(*(column.cells for column in columns), strict=True):
        table.add_row(*row)
    return table


def _show_rows(console: Console, columns: Sequence[Column]) -> None:
    for number, row in enumerate(zip(*(column.cells for column in columns), strict=True)):
        if number:
            console.print()
        table = pairs()
        for column, cell in zip(columns, row, strict=True):
            table.add_row(column.title, cell)
        console.print(table)


def plain() -> Table:
    """A table with bold titles and no frame."""
    return Table(show_edge=False, pad_edge=False, header_style="bold")


def pairs() -> Table:
    """A table of names and values, a line each."""
    table = Table(show_header=False, show_edge=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    return table
