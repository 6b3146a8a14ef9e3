"""`switchboard reconcile`, on the messages table in memory."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from switchboard.messages import keys
from switchboard.schema import messages as schema
from tests.fakes.messages_table import client_error
from tests.fakes.talks import ANN, BEN, CAT, DAN

if TYPE_CHECKING:
    from typing import Any

    from tests.fakes.stage import FakeStage

NOWHERE = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def groups(stage: FakeStage) -> list[str]:
    """Two conversations, each with a message that no list shows yet."""
    found = [stage.talk.pair(ANN, BEN), stage.talk.pair(CAT, DAN)]
    for group, user in zip(found, (ANN, CAT), strict=True):
        stage.talk.do("create_message", user, group_uuid=group, message="newest")
    return found


def test_one_group_is_repaired(stage: FakeStage, groups: list[str]) -> None:
    assert stage.answer("reconcile", groups[0]) == {"groups": 1, "changed": 2, "missing": 0, "failed": 0}
    assert "newest" in stage.do("messages", "groups", "--as", "ben").stdout
    assert "newest" not in stage.do("messages", "groups", "--as", "dan").stdout


@pytest.mark.usefixtures("groups")
def test_all_groups_are_repaired_and_a_second_time_nothing(stage: FakeStage) -> None:
    result = stage.do("reconcile", "--all")
    assert result.stdout == "2 groups compared, 4 rows changed.\n"
    assert "Consumed" in result.stderr
    assert stage.answer("reconcile", "--all")["changed"] == 0


def test_what_only_a_person_can_repair_ends_with_5_and_does_not_stop_the_others(
    stage: FakeStage, groups: list[str]
) -> None:
    first, second = sorted(groups)
    key = keys.group_key(first)
    stage.table.items[key][schema.MEMBERS] = {"S": "damaged"}
    row = next(row for row in stage.table.items if row[1] == schema.membership_sort_key(second))
    del stage.table.items[row]
    result = stage.run("reconcile", "--all", "--json")
    assert result.exit_code == 5
    assert json.loads(result.stdout) == {"groups": 2, "changed": 1, "missing": 1, "failed": 1}
    assert f"group {first}: attribute members" in result.stderr
    assert f"group {second}: 1 members have no row" in result.stderr
    assert "damaged" not in result.stderr


def test_no_such_group_ends_with_4(stage: FakeStage) -> None:
    assert stage.run("reconcile", NOWHERE).exit_code == 4


@pytest.mark.parametrize("words", [(), (NOWHERE, "--all"), ("NOT-A-UUID",)])
def test_wrong_usage_ends_with_2(stage: FakeStage, words: tuple[str, ...]) -> None:
    assert stage.run("reconcile", *words).exit_code == 2
    assert stage.table.calls.total() == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("ResourceNotFoundException", 4),
        ("AccessDeniedException", 3),
        ("ProvisionedThroughputExceededException", 6),
        ("TransactionConflictException", 6),
    ],
)
def test_every_end_has_its_code(stage: FakeStage, groups: list[str], error: str, code: int) -> None:
    def fail(name: str, _request: Any) -> None:
        if name in {"scan", "update_item"}:
            raise client_error(error)

    stage.table.before = fail
    assert stage.run("reconcile", groups[0] if "Conflict" in error else "--all").exit_code == code
