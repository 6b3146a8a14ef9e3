"""`switchboard seed`, on the messages table in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from switchboard.schema import deployment
from tests.fakes.messages_table import TABLE
from tests.fakes.stage import FakeStage
from tests.fakes.talks import ANN

if TYPE_CHECKING:
    import random
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "talk.txt"
    path.write_text("Mara: Hello\nJon: Hello, Mara\nMara: How are you?\n")
    return str(path)


def test_a_conversation_is_written_and_listed(stage: FakeStage, file: str) -> None:
    seeded = stage.answer("seed", "--file", file)
    assert {**seeded, "group_uuid": ""} == {"group_uuid": "", "messages": 3, "written": 3, "people": 2}
    printed = stage.do("messages", "show", seeded["group_uuid"], "--as", "jon").stdout
    assert [line.partition("  ")[2] for line in printed.splitlines()] == [
        "Mara: Hello",
        "Jon: Hello, Mara",
        "Mara: How are you?",
    ]
    assert "How are you?" in stage.do("messages", "groups", "--as", "jon").stdout


def test_a_second_run_writes_nothing(stage: FakeStage, file: str) -> None:
    first = stage.do("seed", "--file", file)
    assert "3 messages written." in first.stdout
    before = (len(stage.table.stream), stage.table.write_units)
    second = stage.do("seed", "--file", file)
    assert "0 of 3 messages written, the others were there." in second.stdout
    assert (len(stage.table.stream), stage.table.write_units) == before


def test_the_conversation_of_the_command_is_a_hundred_lines_long(stage: FakeStage) -> None:
    assert stage.answer("seed")["written"] > 100


def test_people_with_these_handles_hold_it(stage: FakeStage, file: str) -> None:
    stage.talk.introduce(ANN)
    seeded = stage.answer("seed", "--file", file, "--as", "ANN", "--other", "new.one")
    assert seeded["people"] == 1
    (group,) = stage.talk.do("list_message_groups", ANN)["message_groups"]
    assert (group["group_uuid"], group["other_handle"], group["other_display_name"]) == (
        seeded["group_uuid"],
        "new.one",
        "Jon",
    )


def test_a_stage_with_other_people_s_data_is_refused(rng: random.Random, file: str) -> None:
    stage = FakeStage(rng, name="prod")
    result = stage.run("seed", "--file", file)
    assert result.exit_code == 3
    assert "takes no example data" in result.stderr
    assert stage.table.calls.total() == 0


@pytest.mark.parametrize("handles", [("--as", "same", "--other", "SAME"), ("--as", "jon")])
def test_one_handle_for_both_is_wrong_usage(stage: FakeStage, file: str, handles: tuple[str, ...]) -> None:
    result = stage.run("seed", "--file", file, *handles)
    assert result.exit_code == 2
    assert stage.table.calls.total() == 0


def test_two_handles_that_lead_to_one_person_are_refused(stage: FakeStage, file: str) -> None:
    stage.do("seed", "--file", file)
    stage.do("users", "rename", "mara", "--handle", "mara2")
    assert stage.run("seed", "--file", file, "--as", "mara", "--other", "mara2").exit_code == 3


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"Mara: secret", 3),
        (b"\xffMara: secret", 3),
        (b"@ 1969-12-31T00:00:00Z\nMara: secret\nJon: b", 3),
        (b"@ 9999-12-31T23:59:50Z\nMara: secret\nJon: b", 3),
        (None, 2),
    ],
    ids=["one", "bytes", "before 1970", "after now", "no file"],
)
def test_an_unreadable_file_writes_nothing(stage: FakeStage, tmp_path: Path, content: bytes | None, code: int) -> None:
    path = tmp_path / "talk.txt"
    if content is not None:
        path.write_bytes(content)
    result = stage.run("seed", "--file", str(path))
    assert result.exit_code == code
    assert "secret" not in result.stderr
    assert stage.table.calls.total() == 0


def test_an_engine_without_a_deployment_is_asked_for_the_table_that_load_built(stage: FakeStage, file: str) -> None:
    stage.published.clear()
    asked: list[str] = []
    stage.table.before = lambda _name, request: asked.append(str(request.get("TableName", "")))
    stage.run("seed", "--file", file)
    assert asked[0] == deployment.table_name("local", TABLE) == "switchboard-local-messages"
