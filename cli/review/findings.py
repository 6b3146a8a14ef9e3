"""What a reviewer should look at twice, found by rules over the templates."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from cli.review.failures import failure_paths
from cli.review.grants import grants
from cli.review.holders import OWN
from cli.review.public import exposures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.review.assembly import StageTemplates

TABLE: Final = "AWS::DynamoDB::Table"


class Rule(StrEnum):
    """What is looked for."""

    PUBLIC = "public"
    UNWATCHED = "no alarm"
    UNRECOVERABLE = "no recovery"
    WILDCARD = "wildcard"

    @property
    def is_urgent(self) -> bool:
        """Whether nothing of the kind is ever meant to be."""
        return self is not Rule.WILDCARD


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One rule that one resource breaks."""

    rule: Rule
    place: str
    what: str


def findings(stage: StageTemplates) -> tuple[Finding, ...]:
    """Everything that the rules find in a stage."""
    return tuple(dict.fromkeys((*_public(stage), *_unwatched(stage), *_unrecoverable(stage), *_wildcards(stage))))


def _public(stage: StageTemplates) -> Iterator[Finding]:
    for exposure in exposures(stage):
        yield Finding(Rule.PUBLIC, exposure.place, exposure.how)


def _unwatched(stage: StageTemplates) -> Iterator[Finding]:
    for path in failure_paths(stage):
        if not path.alarms:
            yield Finding(Rule.UNWATCHED, path.place, f"{path.failure}: no alarm watches {path.metric}")


def _unrecoverable(stage: StageTemplates) -> Iterator[Finding]:
    for table in stage.of_type(TABLE):
        recovery = table.properties.get("PointInTimeRecoverySpecification", {})
        if not recovery.get("PointInTimeRecoveryEnabled"):
            yield Finding(Rule.UNRECOVERABLE, table.place, "no point-in-time recovery")


def _wildcards(stage: StageTemplates) -> Iterator[Finding]:
    for grant in grants(stage):
        if grant.wildcard and grant.effect == "Allow" and grant.through == OWN:
            yield Finding(Rule.WILDCARD, grant.role, f"{grant.action} on {grant.resource}")
