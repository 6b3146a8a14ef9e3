"""The commands on people, with the messages domain itself behind the function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from switchboard.schema import deployment
from tests.fakes.talks import ANN, BEN

if TYPE_CHECKING:
    from typing import Any

    from tests.fakes.stage import FakeStage


def test_everybody_with_a_profile_is_listed(stage: FakeStage) -> None:
    stage.talk.pair(ANN, BEN)
    stage.do("users", "put", "eve", "--name", "Eve", "--email", "eve@example.com", "--cognito-sub", "sub-1")
    listed = [json.loads(line) for line in stage.do("users", "list", "--json").stdout.splitlines()]
    assert {each["handle"]: each["display_name"] for each in listed} == {"ann": "Ann", "ben": "Ben", "eve": "Eve"}
    assert {each["handle"]: each.get("email") for each in listed} == {
        "ann": None,
        "ben": None,
        "eve": "eve@example.com",
    }
    result = stage.do("users", "list")
    assert ANN in result.stdout
    assert "3 people." in result.stderr
    assert "Consumed" in result.stderr


def test_nobody_is_listed_in_an_empty_table(stage: FakeStage) -> None:
    result = stage.do("users", "list")
    assert result.stdout == ""
    assert "0 people." in result.stderr


def test_put_makes_a_person_once_and_then_replaces_the_profile(stage: FakeStage) -> None:
    made = stage.answer("users", "put", "Mara", "--name", "Mara", "--email", "mara@example.com")
    assert made["handle"] == "mara"
    again = stage.answer("users", "put", "mara", "--name", "Mara K.")
    assert again["user_uuid"] == made["user_uuid"]
    assert "email" not in again
    cost = stage.table.write_units
    assert "Mara K." in stage.do("users", "put", "mara", "--name", "Mara K.").stdout
    assert stage.table.write_units == cost


def test_put_takes_an_id_that_is_known_elsewhere(stage: FakeStage) -> None:
    assert stage.answer("users", "put", "ann", "--name", "Ann", "--user", ANN)["user_uuid"] == ANN
    taken = stage.run("users", "put", "ann", "--name", "Ben", "--user", BEN)
    assert taken.exit_code == 3
    assert "handle_taken" in taken.stderr


def test_rename_follows_into_conversations(stage: FakeStage) -> None:
    stage.talk.pair(ANN, BEN)
    renamed = stage.answer("users", "rename", "ann", "--handle", "anna", "--name", "Anna")
    assert (renamed["handle"], renamed["conversations"], renamed["complete"]) == ("anna", 1, True)
    assert "Anna (anna)" in stage.do("messages", "groups", "--as", "ben").stdout
    assert "anna" in stage.do("users", "rename", "anna", "--name", "Anna").stdout


def test_rename_goes_on_until_every_conversation_has_followed(stage: FakeStage) -> None:
    stage.talk.pair(ANN, BEN)
    real = stage.functions[deployment.MESSAGES]
    unfinished = iter([{"conversations": 40, "complete": False}] * 2)

    def slow(request: Any) -> Any:
        answer = real(request)
        return answer | next(unfinished, {}) if request["operation"] == "rename_user" else answer

    stage.functions[deployment.MESSAGES] = slow
    result = stage.do("users", "rename", "ann", "--name", "Anna", "--json")
    assert json.loads(result.stdout)["complete"] is True
    assert result.stderr == "40 conversations show the name so far\n" * 2


def test_rename_of_nobody_ends_with_4(stage: FakeStage) -> None:
    result = stage.run("users", "rename", "nobody", "--name", "Nobody")
    assert (result.exit_code, result.stdout) == (4, "")


@pytest.mark.parametrize(
    "words",
    [
        ("put", "ann"),
        ("put", "--name", "Ann"),
        ("put", "ann", "--name", "Ann", "--user", "ANN"),
        ("rename", "ann"),
        ("rename", "--name", "Ann"),
    ],
)
def test_wrong_usage_ends_with_2(stage: FakeStage, words: tuple[str, ...]) -> None:
    assert stage.run("users", *words).exit_code == 2
    assert stage.invoked == []
