"""How a backfill's report is printed, and what a command ends with."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, Final

import typer

from cli import output, tables
from cli.errors import Code, Failure
from switchboard.backfill.replay import INSTEAD
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cli.backfill.machine import Ended

_DONE: Final = (runs.SUCCEEDED, runs.PLANNED, runs.RUNNING)
_NEXT: Final = {
    runs.INCOMPLETE: "Writers change items meanwhile, so that not all are as they should be: sample_keys names some.",
    runs.FAILED: "Some items were refused, as too large items are; the others are done. Start again to try those.",
    runs.PAUSED: "It is paused; continue with: switchboard backfill resume {run_id}",
    runs.STOPPED: "It broke off; once that is mended: switchboard backfill resume {run_id}",
}
_INCOMPLETE: Final = {
    runs.SET_ATTRIBUTE: "Writers keep adding items without the attribute: change them, and start again.",
    runs.VERIFY: (
        "Items lack the attribute. If the run was paused or broke off, resume it; else writers added them since: "
        "change those, and start again."
    ),
}
"""What an incomplete run means, where its job is one that knows."""


def tell(answer: Mapping[str, Any], *, job: str = runs.SET_ATTRIBUTE, as_json: bool) -> None:
    """Print what a run of `job` answers.

    Raises `typer.Exit` (partly done) where it is neither done nor going well.
    """
    _show(answer, as_json=as_json)
    status = answer["status"]
    if status not in _DONE:
        following = _NEXT[status] if status != runs.INCOMPLETE else _INCOMPLETE.get(job, _NEXT[status])
        output.say(following.format(run_id=answer["run_id"]))
        raise typer.Exit(Code.PARTLY)


def failure(ended: Ended, *, job: str, began: bool, as_json: bool) -> Failure:
    """The end of a command whose execution came to no report; `began` is whether it worked on its run at all.

    The cause of a run that was not verified is its report, which is printed as any other.
    """
    if ended.error == runs.VERIFICATION_FAILED:
        report = _report(ended.cause)
        if report:
            _show(report, as_json=as_json)
        instead = INSTEAD.get(job)
        return Failure(
            Code.PARTLY,
            "The backfill is not verified.",
            details=() if report else _details(ended.cause),
            remedy=f"What was done stays done. {instead[0].upper()}{instead[1:]}."
            if instead
            else "`switchboard backfill replay RUN` tries what failed again.",
        )
    if ended.error == runs.SYSTEMIC or (ended.error in runs.ERRORS and began):
        return Failure(
            Code.REFUSED,
            "The backfill stopped.",
            details=_details(ended.cause),
            remedy="What was done stays done. Mend that, then: switchboard backfill resume RUN",
        )
    if ended.error in runs.ERRORS:
        return Failure(
            Code.REFUSED,
            f"The backfill is refused: {ended.error}.",
            details=_details(ended.cause),
            remedy="Nothing was changed. Correct that, and start again.",
        )
    return Failure(
        Code.PARTLY,
        f"The execution ended early: {ended.error}.",
        details=_details(ended.cause),
        remedy="What was done stays done; continue with: switchboard backfill resume RUN",
    )


def _show(answer: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    shown = {**answer, **answer.get("counters", {})}
    shown.pop("counters", None)
    output.results().print(tables.of_record(shown))


def _report(cause: str) -> dict[str, Any] | None:
    """The report that a cause is, unless it is only a message."""
    try:
        value = json.loads(cause)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "status" in value else None


def _details(cause: str) -> tuple[str, ...]:
    """The sentence in a cause, which is JSON with a `message`, or a text."""
    try:
        value = json.loads(cause)
    except ValueError:
        value = cause
    said = str(value.get("message") or json.dumps(value)) if isinstance(value, dict) else cause
    return (said,) if said else ()
