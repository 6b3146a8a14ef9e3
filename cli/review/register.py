"""The register of acknowledged findings: what the repository's checks still find, and why it stays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cli.review.changes import Change, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Register = Mapping[str, tuple["Acknowledged", ...]]
    """By stage: what is acknowledged there."""

PROGRAM: Final = """
import json
try:
    from infra.acknowledged import ACKNOWLEDGED
except ImportError:
    ACKNOWLEDGED = {}
print(json.dumps({stage: [[gap.reason, dict(gap.found)] for gap in gaps] for stage, gaps in ACKNOWLEDGED.items()}))
"""
"""Prints the register of the tree in which it runs, which may be another one than this program's."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Findings that stay, and why. `found` are rules by the path of the construct that breaks them."""

    reason: str
    found: tuple[tuple[str, tuple[str, ...]], ...]


def read_register(printed: str) -> Register:
    """The register that `PROGRAM` printed."""
    return {
        stage: tuple(
            Acknowledged(reason, tuple(sorted((place, tuple(rules)) for place, rules in found.items())))
            for reason, found in gaps
        )
        for stage, gaps in json.loads(printed).items()
    }


def newly_acknowledged(before: Register, after: Register) -> Iterator[Change]:
    """What one register says and an earlier one did not, with the reason."""
    for stage, gaps in after.items():
        known = {(place, rule) for gap in before.get(stage, ()) for place, rules in gap.found for rule in rules}
        for gap in gaps:
            for place, rules in gap.found:
                new = [rule for rule in rules if (place, rule) not in known]
                if new:
                    yield Change(Kind.ACKNOWLEDGED, place, f"{', '.join(new)}. {gap.reason}", stages=(stage,))
