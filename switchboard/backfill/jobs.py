"""The jobs that a run may do, by the name that an execution's input gives them."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from switchboard.backfill import set_attribute
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.backfill.kinds import Kind

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        runs.SET_ATTRIBUTE: set_attribute.KIND,
    }
)
