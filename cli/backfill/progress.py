"""How far a run is, while it is watched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from cli import output

if TYPE_CHECKING:
    from cli.session import Target


class RunProgress:
    """A progress bar of a run, from the runs table."""

    def __init__(self, target: Target, run_id: str) -> None:
        self._target = target
        self._run_id = run_id
        self._bar = output.Bar(0, shown=True)

    def __enter__(self) -> Self:
        self._bar.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.__exit__()

    def update(self) -> None:
        """Show how far the run is now."""
        self._bar.advance(0)
