"""How corrections take hold of the emulator: every seam is checked, so an upgrade fails at the start, and loudly."""

from __future__ import annotations

import inspect
from typing import Any


class SeamError(Exception):
    """The emulator no longer has what a correction replaces, or it has another shape."""


def original(holder: Any, name: str, *parameters: str) -> Any:
    """The emulator's own function `name` of a module or class, which must take exactly `parameters`.

    Raises `SeamError` where it is missing or takes others.
    """
    function = getattr(holder, name, None)
    if not callable(function):
        raise SeamError(f"{holder.__name__}.{name} is missing. Read its correction against this emulator's version.")
    found = tuple(inspect.signature(function).parameters)
    if found != parameters:
        raise SeamError(f"{holder.__name__}.{name} takes {found}, and its correction was written for {parameters}.")
    return function


def replaced(text: str, old: str, new: str) -> str:
    """`text` with its one occurrence of `old` replaced; raises `SeamError` where there is none, or more than one."""
    if text.count(old) != 1:
        raise SeamError(f"A program text of the emulator no longer holds this passage exactly once: {old}")
    return text.replace(old, new)
