"""The commands on conversations as an operator types them, with the operator's own role, on the deployed stage."""

from __future__ import annotations

import json
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.messages import keys
from switchboard.schema import deployment
from switchboard.schema import messages as schema
from tests.integration.calls import eventually, unique
from tests.integration.commands import LINES, SWITCHBOARD, json_lines, listed, seed

if TYPE_CHECKING:
    import random

    from local_cloud.stage import DeployedStage
    from tests.integration.commands import Switchboard


def items(local: DeployedStage) -> list[dict[str, Any]]:
    """Everything in the messages table."""
    pages = (
        local.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=local.parameter(deployment.MESSAGES_TABLE_PATH), ConsistentRead=True)
    )
    return sorted(
        (item for page in pages for item in page["Items"]), key=lambda item: (item["pk"]["S"], item["sk"]["S"])
    )


def test_a_second_seeding_writes_nothing(local: DeployedStage, switchboard: Switchboard, pair: tuple[str, str]) -> None:
    first = seed(switchboard, pair)
    table = items(local)
    again = seed(switchboard, pair)

    assert (first["messages"], first["written"], first["people"]) == (LINES, LINES, 2)
    assert again == {**first, "written": 0, "people": 0}
    assert items(local) == table


def test_a_seeded_conversation_reads_through_the_turn_of_the_year(
    switchboard: Switchboard, pair: tuple[str, str], group: str
) -> None:
    def page(*span: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(
            switchboard("messages", "show", group, "--as", pair[1], "--limit", "100", *span, "--json").stdout
        )
        return answer

    old, new = page("--year", "2025")["messages"], page("--year", "2026")["messages"]
    newest = page()
    oldest = page("--before", newest["before"])
    assert oldest["messages"] + newest["messages"] == old + new
    assert len(old) + len(new) == LINES
    span = page("--from", old[-1]["created_at"], "--to", new[1]["created_at"])["messages"]
    assert span == [old[-1], new[0]]
    shown = switchboard("messages", "show", group, "--as", pair[0], "--limit", "1")
    assert shown.stdout == f"{new[-1]['created_at']}  Mara: {new[-1]['message']}\n"
    assert "messages show" in shown.stderr


def test_a_message_moves_the_list_of_groups(
    switchboard: Switchboard, refused: Switchboard, pair: tuple[str, str], group: str
) -> None:
    sent = json.loads(switchboard("messages", "send", group, "Spring is here", "--as", pair[0], "--json").stdout)
    other = json.loads(switchboard("messages", "send", "--to", pair[0], "It is", "--as", pair[1], "--json").stdout)
    assert other["group_uuid"] == group
    assert sent["message_uuid"] < other["message_uuid"]

    eventually(lambda: listed(switchboard, pair[0])["last_message"] == "It is", "the list shows the newest message")
    assert listed(switchboard, pair[0])["unread"] is True
    assert "It is" in switchboard("messages", "groups", "--as", pair[0]).stdout
    stranger = refused("messages", "send", group, "let me in", "--as", "no-such-handle")
    assert stranger.returncode == 4


def test_a_stranger_is_refused(switchboard: Switchboard, refused: Switchboard, group: str, rng: random.Random) -> None:
    stranger = unique(rng, "s")
    switchboard("users", "put", stranger, "--name", "Stranger")
    for words in (("show", group), ("send", group, "let me in")):
        done = refused("messages", *words, "--as", stranger)
        assert (done.returncode, done.stdout) == (3, "")
        assert "not_a_member" in done.stderr


def test_watching_shows_each_new_message_once(
    local: DeployedStage, shell: dict[str, str], switchboard: Switchboard, pair: tuple[str, str], group: str
) -> None:
    words = ["messages", "show", group, "--as", pair[0], "--limit", "1", "--watch", "--json"]
    command = [str(SWITCHBOARD), *words, "--endpoint-url", local.endpoint_url]
    with subprocess.Popen(command, env=shell, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        try:
            seen = [json.loads(watching.stdout.readline())["message"]]
            for text in ("one", "two"):
                switchboard("messages", "send", group, text, "--as", pair[1])
                seen.append(json.loads(watching.stdout.readline())["message"])
        finally:
            watching.send_signal(signal.SIGINT)
        assert watching.stdout.read() == ""
    assert watching.returncode == 0
    assert seen == ["Something that climbs.", "one", "two"]


def test_people_are_put_listed_and_renamed(
    switchboard: Switchboard, refused: Switchboard, pair: tuple[str, str], group: str
) -> None:
    new_handle = pair[0][::-1]
    renamed = json.loads(
        switchboard("users", "rename", pair[0], "--handle", new_handle, "--name", "Mo", "--json").stdout
    )
    assert (renamed["conversations"], renamed["complete"]) == (1, True)
    people = {each["handle"]: each for each in json_lines(switchboard("users", "list", "--json"))}
    assert people[new_handle]["display_name"] == "Mo"
    assert pair[0] not in people
    shown = listed(switchboard, pair[1])
    assert (shown["group_uuid"], shown["other_display_name"]) == (group, "Mo")
    assert refused("users", "put", pair[1], "--user", renamed["user_uuid"], "--name", "Mo").returncode == 3
    assert refused("users", "rename", pair[0], "--name", "Mo").returncode == 4


@pytest.mark.parametrize("table", deployment.TABLE_PATHS)
def test_a_table_is_scanned_as_far_as_asked(switchboard: Switchboard, group: str, table: str) -> None:
    done = switchboard("scan", table, "--limit", "3", "--json")
    assert len(json_lines(done)) == (3 if table == "messages" else len(json_lines(done)))
    assert "read capacity units" in done.stderr
    prefixed = json_lines(switchboard("scan", table, "--prefix", schema.group_key(group), "--json"))
    assert [each["pk"]["S"] for each in prefixed] == ([schema.group_key(group)] if table == "messages" else [])


def test_a_damaged_preview_is_repaired(
    local: DeployedStage, switchboard: Switchboard, pair: tuple[str, str], group: str
) -> None:
    user = json.loads(switchboard("users", "put", pair[0], "--name", "Mara", "--json").stdout)["user_uuid"]
    row = {
        "TableName": local.parameter(deployment.MESSAGES_TABLE_PATH),
        "Key": keys.membership_key(user, group).attributes(),
    }
    before = local.client("dynamodb").get_item(**row, ConsistentRead=True)["Item"]
    local.client("dynamodb").update_item(
        **row,
        UpdateExpression=f"SET {schema.LAST_MESSAGE} = :damaged",
        ExpressionAttributeValues={":damaged": {"S": "damaged"}},
    )

    repaired = json.loads(switchboard("reconcile", group, "--json").stdout)

    assert repaired == {"groups": 1, "changed": 1, "missing": 0, "failed": 0}
    assert local.client("dynamodb").get_item(**row, ConsistentRead=True)["Item"] == before
    assert json.loads(switchboard("reconcile", "--all", "--json").stdout)["changed"] == 0
