"""What the commands work with."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cli import session

if TYPE_CHECKING:
    from collections.abc import Callable

    import typer


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Tools:
    """The world outside a command; tests give their own as the context's object."""

    connect: Callable[[session.Where], session.Target] = session.connect
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = _now
    random_bits: Callable[[int], int] = secrets.randbits


def tools_of(context: typer.Context) -> Tools:
    """The tools of a command."""
    return context.find_object(Tools) or Tools()
