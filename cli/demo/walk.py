"""A walk of steps: each says what it does, shows evidence, checks it, and takes its place in the closing table."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console, RenderableType


class NotShownError(Exception):
    """A step did not show what it claims: the demo fails instead of claiming it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A step that was shown: its title, the proof in a few words, and how long it took in seconds."""

    title: str
    proof: str
    seconds: float


class Step:
    """One step while it runs."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.proof = ""

    def show(self, what: RenderableType) -> None:
        """Print evidence, indented below the step's title."""
        self._console.print(Padding(what, (0, 0, 0, 3)))

    def check(self, claim: str, holds: bool) -> None:
        """Print the claim with a tick. Raises `NotShownError` where it does not hold."""
        if not holds:
            raise NotShownError(claim)
        self.show(f"[green]✔[/] {claim}")

    def prove(self, proof: str) -> None:
        """Set what the closing table says of this step."""
        self.proof = proof


class Walk:
    """The steps shown so far, and where they are printed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.shown: list[Shown] = []
        self._began = time.monotonic()

    @contextmanager
    def step(self, title: str, explanation: str) -> Iterator[Step]:
        """One step: prints its title and one sentence on what it is about, and times it."""
        self._console.print(f"\n[bold cyan]{len(self.shown) + 1}. {title}[/]")
        step = Step(self._console)
        step.show(f"[dim]{explanation}[/]")
        began = time.monotonic()
        yield step
        self.shown.append(Shown(title, step.proof, time.monotonic() - began))

    def close(self) -> None:
        """Print the table of everything that was shown and the time it took."""
        table = Table(title="What you have seen", title_justify="left", show_footer=True)
        table.add_column("step", footer="all of it")
        table.add_column("shown", footer=f"{len(self.shown)} steps")
        table.add_column("s", justify="right", footer=f"{time.monotonic() - self._began:.1f}")
        for shown in self.shown:
            table.add_row(shown.title, shown.proof, f"{shown.seconds:.1f}")
        self._console.print()
        self._console.print(table)
