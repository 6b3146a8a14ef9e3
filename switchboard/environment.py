"""Settings from environment variables: each function reads its own once, into one frozen dataclass."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class MissingSetting(Exception):  # noqa: N818 - it names a state of the deployment, as KeyError does
    """A variable the deployment must set is not there, or is empty."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The environment variable {name} is not set: set it in the function's configuration.")
        self.name = name


class InvalidSetting(Exception):  # noqa: N818 - as above
    """A variable is there and cannot be what it should be."""

    def __init__(self, name: str, expected: str) -> None:
        super().__init__(f"The environment variable {name} is not {expected}: correct the function's configuration.")
        self.name = name


def required(environ: Mapping[str, str], name: str) -> str:
    """The value of `name`. Raises `MissingSetting` where it is absent or empty."""
    value = environ.get(name)
    if not value:
        raise MissingSetting(name)
    return value


def optional(environ: Mapping[str, str], name: str) -> str | None:
    """The value of `name`, or None where it is absent or empty."""
    return environ.get(name) or None


def optional_days(environ: Mapping[str, str], name: str) -> int | None:
    """The whole, positive number of days in `name`, or None where it is absent. Raises `InvalidSetting`."""
    text = optional(environ, name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise InvalidSetting(name, "a positive whole number of days")
    return int(text)
