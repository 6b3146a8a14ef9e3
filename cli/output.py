"""What a person reads: results on stdout, progress and errors on stderr; no colours where NO_COLOR is set."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TimeRemainingColumn
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.errors import Failure

PIPE_COLUMNS: Final = 240
"""Width of a table that goes into a file or a pipe, where no terminal says how wide it may be."""


def results() -> Console:
    """Where results go."""
    return Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False)


def progress() -> Console:
    """Where everything else goes."""
    return Console(stderr=True, highlight=False)


def result(line: str) -> None:
    """A result of one line however long it is."""
    results().print(Text(printable(line)), soft_wrap=True)


def set_in(text: str, columns: int) -> str:
    """Text whose lines after the first begin so far in that none of them passes for a line of ours."""
    return text.replace("\n", "\n" + " " * columns)


def say(line: str) -> None:
    """Tell something that is not a result, on one line however long it is."""
    progress().print(Text(printable(line)), soft_wrap=True)


def tell_failure(failure: Failure) -> None:
    """Say why a command ends, and what to do next."""
    console = progress()
    console.print(Text(printable(failure.message), style="bold red"), soft_wrap=True)
    for detail in failure.details:
        console.print(Text(f"  {printable(detail)}"), soft_wrap=True)
    if failure.remedy:
        console.print(Text(printable(failure.remedy)), soft_wrap=True)


def printable(text: str) -> str:
    """Text that a terminal only shows: control characters of stored data mean nothing there."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)


def counted(number: int, thing: str, things: str | None = None) -> str:
    """A number of things, as one says it: `1 group`, `2,000 groups`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


@contextmanager
def waiting(for_what: str, *, shown: bool = True) -> Iterator[None]:
    """Tell what is being waited for, on a terminal only; gone when it is over."""
    console = progress()
    if shown and console.is_terminal:
        with console.status(Text(for_what)):
            yield
    else:
        yield


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


class Bar:
    """A progress bar with rate and remaining time, on a terminal only; gone when the work is done."""

    def __init__(self, total: int, *, shown: bool) -> None:
        console = progress()
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not (shown and console.is_terminal),
        )
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def advance(self, steps: int) -> None:
        """So many steps are done."""
        self._progress.advance(self._task, steps)
