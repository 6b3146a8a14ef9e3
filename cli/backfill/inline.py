"""A backfill in this process: for one machine and any endpoint, without Step Functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli import output
from cli.backfill.budgets import say_granted
from cli.backfill.checkpoints import CheckpointFile
from cli.backfill.fields import DEFAULT_UNITS, on_table, target_table, value_of, waiting_of
from cli.backfill.progress import PLANNING
from switchboard.backfill.dry_run import estimated
from switchboard.backfill.engine import Checkpoint
from switchboard.backfill.plan import planned
from switchboard.backfill.run import Run
from switchboard.schema import runs

if TYPE_CHECKING:
    from pathlib import Path

    from cli.session import Target
    from cli.tools import Tools
    from switchboard.backfill.plan import Plan


def plan_inline(
    target: Target,
    tools: Tools,
    run_id: str,
    *,
    table: str,
    attribute: str,
    value: str,
    prefix: str | None,
    max_write_units: float | None,
    max_read_units: float | None,
) -> dict[str, Any]:
    """What a `set_attribute` would take: the answer of a dry run. Raises `Failure` where it is refused."""
    client = target.client("dynamodb")
    with on_table(table):
        plan = planned(
            client,
            target_table(target, table),
            attribute=attribute,
            value=value_of(value),
            prefix=prefix,
            max_write_units=max_write_units or DEFAULT_UNITS,
            max_read_units=max_read_units or DEFAULT_UNITS,
        )
        _say_granted(plan, max_write_units, max_read_units)
        with output.waiting(PLANNING):
            answer = estimated(
                client,
                plan.job,
                run_id=run_id,
                write_units=plan.write_units,
                read_units=plan.read_units,
                segments=1,
                concurrency=1,
                waiting=waiting_of(tools),
            )
        return {**answer, runs.MAX_WRITE_UNITS: plan.write_units, runs.MAX_READ_UNITS: plan.read_units}


def run_inline(
    target: Target,
    tools: Tools,
    run_id: str,
    *,
    table: str,
    attribute: str,
    value: str,
    prefix: str | None,
    max_write_units: float | None,
    max_read_units: float | None,
    checkpoint: Path | None,
) -> dict[str, Any]:
    """Run `set_attribute` to its verdict; answers its report. Raises `Failure` where it is refused or stops."""
    client = target.client("dynamodb")
    with on_table(table):
        plan = planned(
            client,
            target_table(target, table),
            attribute=attribute,
            value=value_of(value),
            prefix=prefix,
            max_write_units=max_write_units or DEFAULT_UNITS,
            max_read_units=max_read_units or DEFAULT_UNITS,
        )
        _say_granted(plan, max_write_units, max_read_units)
        file = CheckpointFile(checkpoint, plan.job) if checkpoint else None
        began = file.read() if file else Checkpoint()
        with output.Bar(plan.items, shown=True) as bar:
            shown = 0

            def settled(at: Checkpoint) -> None:
                nonlocal shown
                bar.advance(at.counters.scanned - shown)
                shown = at.counters.scanned
                if file:
                    file.write(at)

            run = Run(client, plan, run_id=run_id, waiting=waiting_of(tools), start=began, settled=settled)
            report = run()
        if file:
            file.remove()
    return report.as_answer()


def _say_granted(plan: Plan, max_write_units: float | None, max_read_units: float | None) -> None:
    asked = {
        runs.JOB: runs.SET_ATTRIBUTE,
        runs.MAX_WRITE_UNITS: max_write_units,
        runs.MAX_READ_UNITS: max_read_units,
    }
    say_granted(asked, write_units=plan.write_units, read_units=plan.read_units)
