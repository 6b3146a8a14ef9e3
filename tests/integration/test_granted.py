"""Granted is used: every permission of every role lets a call through, and nobody else has it.

The table of who may do what on which resource is committed, and compared with the templates. From it, each permission
is tried with its role's own credentials, and each action of any role, and every action on items of tables and indexes,
is refused to whoever does not have it. So a permission that is dropped, or given, changes a test.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from switchboard.schema import deployment
from tests.integration.calls import refused
from tests.integration.permissions import CALLS, ON_INDEXES, ON_ITEMS, Callers, Granted, granted, local_templates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local_cloud.stage import DeployedStage

TABLE = Path(__file__).with_name("granted.json")
GRANTED: Granted = json.loads(TABLE.read_text())

NO_STREAM = "The emulator asks IAM about no stream in particular, which no permission on one stream allows."
UNDECIDED = {
    "ec2:": "The emulator connects no function to a network.",
    "xray:": "The emulator has no X-Ray.",
    "logs:": "The emulator names a log group without the end that AWS gives it, which no permission on one allows.",
    "dynamodb:DescribeStream": NO_STREAM,
    "dynamodb:GetRecords": NO_STREAM,
    "dynamodb:GetShardIterator": NO_STREAM,
    "dynamodb:ListStreams": NO_STREAM,
}
"""Actions, or their beginnings, that the emulator does not decide. The policy simulator decides the same policies."""
UNTRIED = {
    "backfill/Machine/Role": "The emulator runs state machines without asking what their role may do.",
    "network/Private/FlowLogRole": "The emulator writes no flow logs.",
    "guardrails/Trail/Role": "The emulator has no trail.",
    "access/Deployer/Role": "The emulator is deployed to without the roles of the bootstrap stack.",
}
"""Roles that do nothing on the local cloud."""

TRIED = sorted(set(GRANTED) - set(UNTRIED))
TABLES = ("{data/CdrTable.Arn}", "{data/MessagesTable.Arn}", "{data/RunsTable.Arn}")
INDEXES = (
    "{data/CdrTable.Arn}/index/by_sponsor",
    "{data/CdrTable.Arn}/index/by_day",
    "{data/MessagesTable.Arn}/index/inbox_by_recency",
)


def decided(action: str) -> bool:
    return not action.startswith(tuple(UNDECIDED))


def pairs(role: str) -> set[tuple[str, str]]:
    return {(action, where) for action, resources in GRANTED[role].items() for where in resources if decided(action)}


EVERYTHING = {
    *(pair for role in TRIED for pair in pairs(role)),
    *((action, table) for action in ON_ITEMS for table in TABLES),
    *((action, index) for action in ON_INDEXES for index in INDEXES),
}


@pytest.fixture(scope="module")
def callers(local: DeployedStage, assembly: Path) -> Iterator[Callers]:
    yield Callers(local, local_templates(assembly))
    s3 = local.client("s3")
    for path in (deployment.QUARANTINE_PATH, deployment.REPORTS_PATH):
        bucket = local.parameter(path)
        for stored in s3.list_objects_v2(Bucket=bucket).get("Contents", ()):
            # What stands for a star and for each character of a shape.
            if stored["Key"].endswith("/granted") or "/0000/00/00/" in stored["Key"]:
                s3.delete_object(Bucket=bucket, Key=stored["Key"])


def test_the_table_is_what_the_templates_grant(assembly: Path) -> None:
    now = granted(local_templates(assembly))
    assert now == GRANTED, (
        f"A permission came or went, and {TABLE.name} says which are meant. To mean these: make synth && "
        f".venv/bin/python -m tests.integration.permissions > tests/integration/{TABLE.name}"
    )


def test_every_action_has_a_call_or_a_reason() -> None:
    actions = {action for role in TRIED for action in GRANTED[role]}
    assert {action for action in actions if decided(action)} <= set(CALLS)
    assert all(any(action.startswith(beginning) for action in actions) for beginning in UNDECIDED)
    assert set(UNTRIED) < set(GRANTED)


@pytest.mark.parametrize("role", TRIED)
def test_a_role_may_do_what_it_is_granted(callers: Callers, role: str) -> None:
    assert sorted(pair for pair in pairs(role) if refused(partial(callers.call, role, *pair))) == []


def covered(pair: tuple[str, str], role: str) -> bool:
    """Whether a role is granted a name, or a pattern of which it is a part."""
    action, where = pair
    return any(each == action and fnmatchcase(where, of) for each, of in pairs(role))


@pytest.mark.parametrize("role", TRIED)
def test_a_role_may_do_nothing_else(callers: Callers, role: str) -> None:
    others = {pair for pair in EVERYTHING if not covered(pair, role)}
    assert sorted(pair for pair in others if not refused(partial(callers.call, role, *pair))) == []
