"""Settings from environment variables: each function reads its own once, into one frozen dataclass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from switchboard.schema.deployment import ENV_STAGE, LOCAL_STAGE, LONG_TERM_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

_KEY: Final = "AWS_ACCESS_KEY_ID"


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


class LongTermKey(Exception):  # noqa: N818 - as above
    """The credentials are those of an IAM user, which outlive whoever took them."""

    def __init__(self) -> None:
        super().__init__(
            f"{_KEY} is the long-term key of an IAM user, which is refused outside stage {LOCAL_STAGE}: "
            "remove it, so that the function works with its own role."
        )


def stage(environ: Mapping[str, str]) -> str:
    """The function's stage, if the function may work there with the credentials that it was given.

    A function has temporary credentials of its role. Long-term ones can only have been put into its configuration by
    hand. Raises `MissingSetting`, or `LongTermKey` in every stage but the local one, whose root has such a key.
    """
    name = required(environ, ENV_STAGE)
    if name != LOCAL_STAGE and environ.get(_KEY, "").startswith(LONG_TERM_KEY):
        raise LongTermKey
    return name


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
    return _optional_number(environ, name, "a positive whole number of days")


def optional_count(environ: Mapping[str, str], name: str) -> int | None:
    """The whole, positive number in `name`, or None where it is absent. Raises `InvalidSetting`."""
    return _optional_number(environ, name, "a positive whole number")


def _optional_number(environ: Mapping[str, str], name: str, expected: str) -> int | None:
    text = optional(environ, name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise InvalidSetting(name, expected)
    return int(text)
