"""How corrections take hold of the emulator: every seam is checked, so that an upgrade fails at the start and loudly."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


class SeamError(Exception):
    """The emulator no longer has the function that a correction replaces, or it takes other arguments."""


def original(module: ModuleType, name: str, *parameters: str) -> Callable[..., Any]:
    """The emulator's own function `module.name`, which must take exactly `parameters`.

    Raises `SeamError` where it is missing or takes others.
    """
    function = getattr(module, name, None)
    if not callable(function):
        raise SeamError(
            f"{module.__name__}.{name} is missing: read its correction against this version of the emulator."
        )
    found = tuple(inspect.signature(function).parameters)
    if found != parameters:
        raise SeamError(f"{module.__name__}.{name} takes {found}, its correction expects {parameters}.")
    return function
