"""Runs by their steps, on the cloud in memory."""

from __future__ import annotations

from typing import Any

from tests.fakes.backfill_cloud import BackfillCloud
from tests.fakes.backfill_machine import Machine, place
from tests.fakes.backfill_table import TABLE, BackfillTable
from tests.unit.backfill.runs_of import VALUE, things

INPUT = {"job": "set_attribute", "table": TABLE, "attribute": "test", "value": VALUE}


def machine(count: int = 100, *, page: int = 20, **options: Any) -> Machine:
    return Machine(BackfillCloud(BackfillTable(things(count), page=page)), **options)


def plan(made: Machine, fields: Any, *, name: str = "run-1") -> dict[str, Any]:
    return made.call({"step": "plan", "run_id": name, "execution": f"arn:{name}", "input": fields})


def segment(made: Machine, state: dict[str, Any], number: int = 0) -> dict[str, Any]:
    return made.call({"step": "segment", **place(state), "segment": number})


def lock_until(made: Machine) -> int:
    return made.ledger.view("run-1", TABLE).lock.until
