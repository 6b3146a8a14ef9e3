"""The part of the demo about backfills: a table that its writers go on using while every item gets an attribute."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cli.backfill.executions import new_run_id
from cli.backfill.machine import Machine
from cli.demo.callers import service_role
from cli.session import Target
from cli.tools import Tools
from switchboard.backfill.plan import described
from switchboard.backfill.sample import SAMPLE_PREFIX, write_samples
from switchboard.backfill.waiting import Waiting
from switchboard.schema import deployment, messages, runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.demo.walk import Step, Walk
    from local_cloud.stage import DeployedStage

ITEMS: Final = 1_200
SHARE: Final = 0.3
ATTRIBUTE: Final = "test"
VALUE: Final = {"S": "1"}
WRITTEN: Final = {"S": "set by a writer meanwhile"}
UNITS: Final = 300
_EVERY: Final = 20
_PAUSE: Final = 0.05


def walk(stage: DeployedStage, tour: Walk) -> None:
    """Show a run from its plan to its report, and how it is taken back."""
    operator = Operator(stage)
    before = seed(stage, tour)
    run_id = change(stage, operator, before, tour)
    take_back(stage, operator, run_id, tour)


class Operator:
    """Somebody with the role `backfill-operator`, who starts runs and waits for them."""

    def __init__(self, stage: DeployedStage) -> None:
        role = service_role(stage, deployment.BACKFILL_OPERATOR)
        self._machine = Machine(Target(stage.name, role.client))
        self._tools = Tools()

    def run(self, request: dict[str, Any]) -> dict[str, Any]:
        """Start a run and wait for its report; what it says instead where it comes to none."""
        run_id = new_run_id(self._tools)
        execution = self._machine.start(run_id, request)
        while (ended := self._machine.ended(execution)) is None:
            self._tools.sleep(_PAUSE)
        return ended.report or {"run_id": run_id, "status": ended.error, "cause": ended.cause}


def seed(stage: DeployedStage, tour: Walk) -> dict[str, Any]:
    """Items with, without and with another value of the attribute; answers them by their sort keys."""
    with tour.step(
        "A table to backfill", f"{ITEMS:,} items; most lack the attribute `{ATTRIBUTE}`, some have another value of it."
    ) as step:
        client, name = stage.client("dynamodb"), stage.parameter(deployment.MESSAGES_TABLE_PATH)
        table = described(client, name, ATTRIBUTE)
        made = write_samples(
            client,
            table,
            ATTRIBUTE,
            items=ITEMS,
            share=SHARE,
            waiting=Waiting(clock=time.monotonic, sleep=time.sleep, jitter=lambda: 1.0),
            written=lambda _: None,
        )
        found = samples(stage)
        lacking = sum(ATTRIBUTE not in item for item in found.values())
        step.check(f"{lacking:,} of {len(found):,} items lack it", lacking == made["missing"] > 0)
        step.prove(f"{made['missing']:,} lack it, {made['other_value']:,} have another value")
        return found


def change(stage: DeployedStage, operator: Operator, before: dict[str, Any], tour: Walk) -> str:
    """The run, with a writer at work."""
    with tour.step(
        "A backfill through the state machine",
        f"Conditional writes within {UNITS} units per second, while a writer updates and deletes items.",
    ) as step:
        asked = {
            "job": runs.SET_ATTRIBUTE,
            "table": "messages",
            "attribute": ATTRIBUTE,
            "value": VALUE,
            "prefix": SAMPLE_PREFIX,
            "max_write_units": UNITS,
            "max_read_units": 10_000,
        }
        plan = operator.run({**asked, runs.DRY_RUN: True})
        step.check(
            f"plan: {plan.get('items_to_change', 0):,} items to change, {plan.get('write_units', 0):,} write units, "
            f"about {plan.get('seconds', 0):,} s, nothing changed yet",
            plan["status"] == runs.PLANNED,
        )
        with writer(stage, before) as (written, deleted):
            report = operator.run(asked)
        _show(step, report)
        after = samples(stage)
        kept = {key: item for key, item in before.items() if ATTRIBUTE in item and key not in deleted | written}
        step.check(f"verified: {report['status']}, 0 items lack it", report.get("missing_after") == 0)
        step.check(
            "every item that was there and not deleted has it", all(ATTRIBUTE in each for each in after.values())
        )
        step.check(
            f"the writer's {len(written):,} values and the {len(kept):,} values from before stand",
            all(after[key][ATTRIBUTE] == WRITTEN for key in written)
            and all(after[key] == item for key, item in kept.items()),
        )
        step.check(f"the {len(deleted):,} items it deleted stay deleted", not deleted & after.keys())
        step.prove(f"{report['counters']['updated']:,} updated, 0 missing, 0 overwritten, 0 recreated")
        return str(report["run_id"])


def take_back(stage: DeployedStage, operator: Operator, run_id: str, tour: Walk) -> None:
    """The same run, undone from its journal."""
    with tour.step("Taking it back", "The run kept a journal: exactly what it changed can be taken back.") as step:
        report = operator.run({"job": runs.UNDO, "run": run_id})
        after = samples(stage)
        step.check(
            f"{report['counters']['updated']:,} items lack it again, no value of anybody else was touched",
            report["status"] == runs.SUCCEEDED
            and not any(item.get(ATTRIBUTE) == VALUE for item in after.values())
            and any(item.get(ATTRIBUTE) == WRITTEN for item in after.values()),
        )
        step.prove(f"{report['counters']['updated']:,} changes taken back")


def samples(stage: DeployedStage) -> dict[str, Any]:
    """The seeded items by their sort keys, as they are now."""
    pages = stage.client("dynamodb").get_paginator("scan")
    return {
        item[messages.SK]["S"]: item
        for page in pages.paginate(TableName=stage.parameter(deployment.MESSAGES_TABLE_PATH), ConsistentRead=True)
        for item in page["Items"]
        if item[messages.PK]["S"].startswith(SAMPLE_PREFIX)
    }


@contextmanager
def writer(stage: DeployedStage, items: dict[str, Any]) -> Iterator[tuple[set[str], set[str]]]:
    """Somebody who sets and deletes items until the block ends; gives the sort keys of both, complete at its end."""
    written: set[str] = set()
    deleted: set[str] = set()
    stop = threading.Event()
    worker = threading.Thread(target=_write, args=(stage, items, written, deleted, stop))
    worker.start()
    try:
        yield written, deleted
    finally:
        stop.set()
        worker.join()


def _write(
    stage: DeployedStage, items: dict[str, Any], written: set[str], deleted: set[str], stop: threading.Event
) -> None:
    client, table = stage.client("dynamodb"), stage.parameter(deployment.MESSAGES_TABLE_PATH)
    for number, (name, item) in enumerate(items.items()):
        if stop.is_set():
            return
        key = {messages.PK: item[messages.PK], messages.SK: item[messages.SK]}
        if number % _EVERY == 0:
            client.delete_item(TableName=table, Key=key)
            deleted.add(name)
        elif number % _EVERY == 1 and _set(client, table, key):
            written.add(name)
        time.sleep(_PAUSE / _EVERY)


def _set(client: Any, table: str, key: dict[str, Any]) -> bool:
    """Set a value of the writer's own where there is none yet; whether it did."""
    try:
        client.update_item(
            TableName=table,
            Key=key,
            UpdateExpression="SET #attribute = :value",
            ConditionExpression="attribute_exists(#key) AND attribute_not_exists(#attribute)",
            ExpressionAttributeNames={"#attribute": ATTRIBUTE, "#key": messages.PK},
            ExpressionAttributeValues={":value": WRITTEN},
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return False
        raise
    return True


def _show(step: Step, report: dict[str, Any]) -> None:
    counters = dict(report.get("counters", {}))
    scanned = counters.pop("scanned", 0)
    parts = " + ".join(f"{count:,} {name}" for name, count in counters.items())
    step.show(f"report: {scanned:,} scanned = {parts}")
    step.show(f"{report.get('write_units')} write units, passes: {report.get('passes')}, {report.get('seconds')} s")
