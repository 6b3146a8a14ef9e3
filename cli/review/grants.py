"""Who may do what: permissions as rows of role, action and resource, read from the templates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from cli.review.holders import held

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.review.assembly import Resource, StageTemplates

_ALL_BUT: Final = "all but "
_ASSUMING: Final = ["sts:AssumeRole"]
"""What trust is about unless it says more, such as tags for the session."""


@dataclass(frozen=True, slots=True, order=True)
class Grant:
    """One action on one resource that a statement allows or denies to a role."""

    role: str
    """The place of the role that holds it, such as `functions/Cdr/Writer/Role`, or who else does."""
    action: str
    resource: str
    effect: str
    sid: str
    condition: str
    """The statement's conditions as JSON; empty without any."""
    through: str
    """`policy` for what is given, `boundary` for what is at most given."""

    @property
    def wildcard(self) -> bool:
        """Whether the statement names every resource, more than one action by a pattern, or all but a few."""
        excepting = self.action.startswith(_ALL_BUT) or self.resource.startswith(_ALL_BUT)
        return self.resource == "*" or "*" in self.action or excepting


def grants(stage: StageTemplates) -> tuple[Grant, ...]:
    """Every grant of everybody whom the stage gives or denies something, sorted by holder, action and resource."""
    found: set[Grant] = set()
    for holder, stack, document, through in held(stage):
        found.update(_rows(stage, stack, holder, document, through))
    return tuple(sorted(found))


def trust(stage: StageTemplates, role: Resource) -> tuple[str, ...]:
    """Who may assume a role, statement by statement: principals, and conditions behind an "if"."""
    return tuple(
        _trusting(stage, role.stack, statement)
        for statement in _listed(role.properties["AssumeRolePolicyDocument"]["Statement"])
    )


def sentence(stage: StageTemplates, stack: str, statement: Mapping[str, Any]) -> str:
    """A statement of a resource's own policy, in words."""
    on = ", ".join(_either(stage, stack, statement, "Resource")) if {"Resource", "NotResource"} & set(statement) else ""
    parts = (
        "lets" if statement["Effect"] == "Allow" else "keeps",
        principals(stage, stack, statement) if {"Principal", "NotPrincipal"} & set(statement) else "everybody",
        "" if statement["Effect"] == "Allow" else "from",
        ", ".join(_either(stage, stack, statement, "Action")),
        f"on {on}" if on else "",
        f"if {_condition(stage, stack, statement)}" if "Condition" in statement else "",
    )
    return " ".join(part for part in parts if part)


def _trusting(stage: StageTemplates, stack: str, statement: Mapping[str, Any]) -> str:
    actions = sorted(_either(stage, stack, statement, "Action"))
    parts = (
        "" if statement["Effect"] == "Allow" else "never",
        principals(stage, stack, statement),
        "" if actions == _ASSUMING else f"by {', '.join(actions)}",
        f"if {_condition(stage, stack, statement)}" if "Condition" in statement else "",
    )
    return " ".join(part for part in parts if part)


def _rows(stage: StageTemplates, stack: str, holder: str, document: Mapping[str, Any], through: str) -> Iterator[Grant]:
    for statement in _listed(document["Statement"]):
        actions = _either(stage, stack, statement, "Action")
        for action, resource in product(actions, _either(stage, stack, statement, "Resource")):
            yield Grant(
                role=holder,
                action=action,
                resource=resource,
                effect=statement["Effect"],
                sid=statement.get("Sid", ""),
                condition=_condition(stage, stack, statement) if "Condition" in statement else "",
                through=through,
            )


def _either(stage: StageTemplates, stack: str, statement: Mapping[str, Any], what: str) -> list[str]:
    """What a statement names, or names as exceptions."""
    if what in statement:
        return [stage.text(stack, each) for each in _listed(statement[what])]
    return [_ALL_BUT + stage.text(stack, each) for each in _listed(statement[f"Not{what}"])]


def principals(stage: StageTemplates, stack: str, statement: Mapping[str, Any]) -> str:
    """Whom a statement is about, in words."""
    named = statement.get("Principal", statement.get("NotPrincipal"))
    excepting = "" if "Principal" in statement else "everybody but "
    if named == "*":
        return f"{excepting}anyone"
    return excepting + ", ".join(
        f"{kind} {stage.text(stack, each)}" for kind, several in sorted(named.items()) for each in _listed(several)
    )


def _condition(stage: StageTemplates, stack: str, statement: Mapping[str, Any]) -> str:
    readable = {
        operator: {key: [stage.text(stack, each) for each in _listed(value)] for key, value in tests.items()}
        for operator, tests in statement["Condition"].items()
    }
    return json.dumps(readable, sort_keys=True, ensure_ascii=False)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
