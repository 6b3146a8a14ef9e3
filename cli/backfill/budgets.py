"""What a run may take per second, where that is less than was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cli import output
from cli.backfill.fields import DEFAULT_UNITS
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

_BY_DEFAULT: Final = (runs.SET_ATTRIBUTE, runs.IMPORT_LEGACY_CDR, runs.RENAME_USER)
"""Jobs that ask for `DEFAULT_UNITS` where nobody said how many; the others ask for those of an earlier run."""


def say_granted(asked: Mapping[str, Any], *, write_units: float, read_units: float) -> None:
    """Say what was granted of an execution's input, which the plan bounds by what is provisioned."""
    default = DEFAULT_UNITS if asked.get(runs.JOB) in _BY_DEFAULT else 0.0
    wanted = [asked.get(name) or default for name in (runs.MAX_WRITE_UNITS, runs.MAX_READ_UNITS)]
    if write_units < wanted[0] or read_units < wanted[1]:
        output.say(
            f"The table is provisioned: at most {write_units:g} write and {read_units:g} read units per second, half "
            "of what it has."
        )
