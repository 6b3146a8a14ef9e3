"""Fields of an input, each checked by itself; a refusal names field, expectation and remedy, never the value."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from switchboard.backfill.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


def known(fields: Mapping[str, Any], names: Collection[str]) -> None:
    """Raise `InvalidInput` where there are other fields than `names`."""
    others = fields.keys() - set(names)
    if others:
        raise InvalidInput(f"input: expected no other fields than {', '.join(sorted(names))}: leave out {len(others)}")


def text(fields: Mapping[str, Any], name: str) -> str:
    """A required text. Raises `InvalidInput`."""
    found = optional_text(fields, name)
    if found is None:
        raise InvalidInput(f"{name}: expected a text: give one")
    return found


def optional_text(fields: Mapping[str, Any], name: str) -> str | None:
    """A text, or None where the field is absent or null. Raises `InvalidInput`."""
    found = fields.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not found:
        raise InvalidInput(f"{name}: expected a text that is not empty: give one, or leave the field out")
    return found


def flag(fields: Mapping[str, Any], name: str) -> bool:
    """A truth value, false where the field is absent. Raises `InvalidInput`."""
    found = fields.get(name, False)
    if not isinstance(found, bool):
        raise InvalidInput(f"{name}: expected true or false: give one of them")
    return found


def optional_rate(fields: Mapping[str, Any], name: str) -> float | None:
    """Units per second, at least 1, or None where the field is absent or null. Raises `InvalidInput`."""
    found = fields.get(name)
    return None if found is None else rate(found, name)


def rate(found: Any, name: str) -> float:
    """Units per second, at least 1. Raises `InvalidInput`."""
    if isinstance(found, bool) or not isinstance(found, int | float) or not isfinite(found) or found < 1:
        raise InvalidInput(f"{name}: expected a number of units per second, 1 or more: give such a number")
    return float(found)


def optional_count(fields: Mapping[str, Any], name: str, *, most: int) -> int | None:
    """A whole number from 1 to `most`, or None where the field is absent or null. Raises `InvalidInput`."""
    found = fields.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= most:
        raise InvalidInput(f"{name}: expected a whole number from 1 to {most}: give one, or leave the field out")
    return found


def one_of(fields: Mapping[str, Any], name: str, choices: Collection[str]) -> str | None:
    """One of `choices`, or None where the field is absent or null. Raises `InvalidInput`."""
    found = optional_text(fields, name)
    if found is not None and found not in choices:
        raise InvalidInput(f"{name}: expected one of {', '.join(sorted(choices))}: give one of them")
    return found
