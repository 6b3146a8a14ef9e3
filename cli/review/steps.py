"""How often the steps of state machines are tried again, and where they go when they fail for good."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.review.assembly import StageTemplates

STATE_MACHINE: Final = "AWS::StepFunctions::StateMachine"
_ATTEMPTS, _INTERVAL, _BACKOFF = 3, 1, 2.0
"""What a retrier does that does not say it (Amazon States Language, "Retrying after an error")."""


@dataclass(frozen=True, slots=True)
class Step:
    """One state that may fail. `place` is that of its machine and its own name."""

    place: str
    retries: tuple[str, ...]
    after_failure: tuple[str, ...]


def steps(stage: StageTemplates) -> tuple[Step, ...]:
    """The states of a stage's machines that retry or catch something."""
    found = []
    for machine in stage.of_type(STATE_MACHINE):
        definition = machine.properties.get("DefinitionString")
        if definition is not None:
            for name, state in _states(json.loads(stage.text(machine.stack, definition))):
                if state.get("Retry") or state.get("Catch"):
                    retries = tuple(_retry(each) for each in state.get("Retry", ()))
                    caught = tuple(f"{_errors(each)}: {each['Next']}" for each in state.get("Catch", ()))
                    found.append(Step(f"{machine.place}: {name}", retries, caught))
    return tuple(found)


def _states(machine: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, state in machine.get("States", {}).items():
        yield within + name, state
        for inner in (state.get("ItemProcessor"), state.get("Iterator"), *state.get("Branches", ())):
            if inner is not None:
                yield from _states(inner, f"{within}{name} / ")


def _retry(retrier: Mapping[str, Any]) -> str:
    if retrier.get("MaxAttempts") == 0:
        return f"{_errors(retrier)}: never"
    attempts = retrier.get("MaxAttempts", _ATTEMPTS)
    interval, backoff = retrier.get("IntervalSeconds", _INTERVAL), retrier.get("BackoffRate", _BACKOFF)
    limit = f", at most {retrier['MaxDelaySeconds']} s" if "MaxDelaySeconds" in retrier else ""
    return f"{_errors(retrier)}: {attempts} times, after {interval} s, times {backoff:g}{limit}"


def _errors(handler: Mapping[str, Any]) -> str:
    return ", ".join(handler["ErrorEquals"])
