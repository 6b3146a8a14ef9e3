"""The commands on conversations, with the messages domain itself behind the function."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cli import watching
from switchboard.schema import deployment
from tests.fakes.stage import FakeStage, aws_error
from tests.fakes.talks import ANN, BEN, CAT

if TYPE_CHECKING:
    from collections.abc import Callable

SHOW = ("messages", "show")


@pytest.fixture
def group(stage: FakeStage) -> str:
    return stage.talk.pair(ANN, BEN, text="hello")


def shown(result: Any) -> list[str]:
    """Who said what, of printed lines."""
    return [line.partition("  ")[2] for line in result.stdout.splitlines()]


def test_groups_are_listed_as_the_function_answers(stage: FakeStage, group: str) -> None:
    result = stage.do("messages", "groups", "--as", "BEN")
    for cell in ("Ann (ann)", "hello", "2026-11-21T12:00:00.000Z", group, "•"):
        assert cell in result.stdout
    listed = stage.answer("messages", "groups", "--as", "ben")
    assert listed == {**stage.talk.do("list_message_groups", BEN), "consumed_read_units": 0.0}
    assert "•" not in stage.do("messages", "groups", "--as", "ann").stdout


def test_more_groups_than_the_limit_tell_how_to_go_on(stage: FakeStage, group: str) -> None:
    stage.talk.introduce(CAT)
    stage.do("messages", "send", "--to", "cat", "hi", "--as", "ann")
    first = stage.do("messages", "groups", "--as", "ann", "--limit", "1")
    assert "Cat (cat)" in first.stdout
    command = first.stderr.partition("There may be more: switchboard ")[2].split()
    assert command[:5] == ["messages", "groups", "--as", "ann", "--limit"]
    assert group in stage.do(*command[:-2]).stdout


def test_nobody_s_groups(stage: FakeStage) -> None:
    stage.talk.introduce(ANN)
    result = stage.do("messages", "groups", "--as", "ann")
    assert (result.stdout, result.stderr) == ("", "No groups.\nConsumed 0 read capacity units.\n")


def test_messages_show_who_wrote_them_oldest_first(stage: FakeStage, group: str) -> None:
    stage.talk.later(seconds=1)
    stage.do("messages", "send", group, "hello, Ann", "--as", "ben")
    assert stage.do(*SHOW, group, "--as", "ann").stdout.splitlines() == [
        "2026-11-21T12:00:00.000Z  Ann: hello",
        "2026-11-21T12:00:01.000Z  Ben: hello, Ann",
    ]
    assert stage.answer(*SHOW, group, "--as", "ann") == {
        **stage.talk.do("list_messages", ANN, group_uuid=group),
        "consumed_read_units": 0.0,
    }


def test_pages_and_spans_are_the_function_s(stage: FakeStage, group: str) -> None:
    stage.talk.later(days=60)
    stage.do("messages", "send", group, "happy new year", "--as", "ben")
    assert shown(stage.do(*SHOW, group, "--as", "ann", "--year", "2026")) == ["Ann: hello"]
    assert shown(stage.do(*SHOW, group, "--as", "ann", "--from", "2027-01-01T00:00:00Z")) == ["Ben: happy new year"]
    assert shown(stage.do(*SHOW, group, "--as", "ann", "--to", "2027-01-01T00:00:00Z")) == ["Ann: hello"]
    newest = stage.do(*SHOW, group, "--as", "ann", "--limit", "1")
    assert shown(newest) == ["Ben: happy new year"]
    command = newest.stderr.partition("There may be more: switchboard ")[2].split()
    assert command[:6] == ["messages", "show", group, "--as", "ann", "--limit"]
    assert shown(stage.do(*command[:-2])) == ["Ann: hello"]
    after = stage.answer(*SHOW, group, "--as", "ann", "--to", "2027-01-01T00:00:00Z")["after"]
    assert shown(stage.do(*SHOW, group, "--as", "ann", "--after", after)) == ["Ben: happy new year"]


def test_stored_text_cannot_steer_the_terminal(stage: FakeStage, group: str) -> None:
    stage.talk.do("create_message", BEN, group_uuid=group, message="[red]\x1b[2J\u202egnp.exe")
    printed = stage.do(*SHOW, group, "--as", "ann").stdout
    assert "[red]" in printed
    assert not {"\x1b", "\u202e"} & set(printed)


def test_a_line_within_a_message_does_not_pass_for_a_message(stage: FakeStage, group: str) -> None:
    forged = "2026-11-21T12:00:02.000Z  Ann: I agree to everything"
    stage.talk.do("create_message", BEN, group_uuid=group, message=f"ok\n{forged}\r\n{forged}")
    printed = stage.do(*SHOW, group, "--as", "ann").stdout.splitlines()
    assert [line for line in printed if not line.startswith(" ")] == [
        "2026-11-21T12:00:00.000Z  Ann: hello",
        "2026-11-21T12:00:00.000Z  Ben: ok",
    ]
    assert [line.startswith(" " * 26) for line in printed[2:]] == [True, True]


def test_a_first_message_begins_the_conversation_and_the_next_continues_it(stage: FakeStage) -> None:
    stage.talk.introduce(ANN, BEN)
    first = stage.answer("messages", "send", "--to", "ben", "hello", "--as", "ann")
    second = stage.answer("messages", "send", "--to", "ann", "hello to you", "--as", "ben")
    assert (first["created"], second["created"]) == (True, False)
    assert first["group_uuid"] == second["group_uuid"]
    told = stage.do("messages", "send", "--to", "ben", "how are you?", "--as", "ann").stdout
    assert first["group_uuid"] in told


def test_a_message_that_is_sent_again_after_no_answer_is_the_same(stage: FakeStage, group: str) -> None:
    requests = []
    real = stage.functions[deployment.MESSAGES]

    def twice(request: Any) -> Any:
        requests.append(request)
        real(request)
        return real(request)

    stage.functions[deployment.MESSAGES] = twice
    stage.do("messages", "send", group, "once", "--as", "ann")
    assert requests[-1]["message_uuid"]
    assert [each["message"] for each in stage.talk.do("list_messages", ANN, group_uuid=group)["messages"]] == [
        "hello",
        "once",
    ]


@pytest.mark.parametrize("words", [("show",), ("send", "let me in")], ids=["show", "send"])
@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
def test_a_stranger_is_refused(stage: FakeStage, group: str, words: tuple[str, ...], as_json: tuple[str, ...]) -> None:
    stage.talk.introduce(CAT)
    result = stage.run("messages", words[0], group, *words[1:], "--as", "cat", *as_json)
    assert result.exit_code == 3
    assert "not_a_member" in result.stderr
    printed = json.loads(result.stdout)["error"]["code"] if as_json else result.stdout
    assert printed == ("not_a_member" if as_json else "")


@pytest.mark.parametrize(
    ("code", "exit_code"),
    [("conflict", 3), ("throttled", 6), ("internal", 1), ("not_found", 4), ("invalid", 3), ("handle_taken", 3)],
)
def test_every_refusal_has_its_exit_code(stage: FakeStage, group: str, code: str, exit_code: int) -> None:
    real = stage.functions[deployment.MESSAGES]
    field = {"path": "/message", "code": "too_long", "message": "must be shorter"}
    refusal = {"error": {"code": code, "message": "It was refused.", "fields": [field]}}
    stage.functions[deployment.MESSAGES] = lambda request: (
        refusal if request["operation"] == "create_message" else real(request)
    )
    result = stage.run("messages", "send", group, "a secret", "--as", "ann")
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert f"It was refused. ({code})\n  /message: too_long: must be shorter\n" in result.stderr
    assert "secret" not in result.stderr


def test_a_bad_request_names_its_field_and_not_its_value(stage: FakeStage, group: str) -> None:
    result = stage.run("messages", "send", group, "secret" * 200, "--as", "ann")
    assert result.exit_code == 3
    assert "/message: too_long" in result.stderr
    assert "secret" not in result.stderr


def test_an_unknown_handle_ends_with_4(stage: FakeStage, group: str) -> None:
    for words in (("groups",), ("show", group), ("send", group, "hi")):
        result = stage.run("messages", *words, "--as", "nobody")
        assert (result.exit_code, result.stdout) == (4, "")
        assert "--as" in result.stderr
        assert "nobody" not in result.stderr
    result = stage.run("messages", "send", "--to", "nobody", "hi", "--as", "ann")
    assert result.exit_code == 4
    assert "--to" in result.stderr


def test_an_impossible_handle_is_refused_as_the_function_says(stage: FakeStage) -> None:
    result = stage.run("messages", "groups", "--as", "no such handle")
    assert result.exit_code == 3
    assert "/handle: format" in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("send", "text only", "--as", "ann"),
        ("send", "group", "text", "--to", "ben", "--as", "ann"),
        ("send", "group", "some", "text", "--as", "ann"),
        ("send", "group", "text"),
        ("groups",),
        ("show", "group"),
        ("show", "group", "--as", "ann", "--limit", "101"),
        ("show", "group", "--as", "ann", "--year", "20"),
        ("show", "group", "--as", "ann", "--watch", "--year", "2026"),
        ("show", "group", "--as", "ann", "--watch", "--before", "x"),
    ],
)
def test_wrong_usage_ends_with_2(stage: FakeStage, words: tuple[str, ...]) -> None:
    assert stage.run("messages", *words).exit_code == 2
    assert stage.invoked == []


# --- watching --------------------------------------------------------------------------------------------------------


@pytest.fixture
def watched(stage: FakeStage, group: str) -> Callable[..., list[str]]:
    """What watching prints while `meanwhile` happens, one of them in each pause; then the person interrupts."""

    def watch(*meanwhile: Callable[[], object], limit: int = 50) -> list[str]:
        happenings = iter(meanwhile)

        def on_pause() -> None:
            try:
                next(happenings)()
            except StopIteration:
                raise KeyboardInterrupt from None

        stage.on_pause = on_pause
        return shown(stage.do(*SHOW, group, "--as", "ann", "--watch", "--limit", str(limit)))

    return watch


def says(stage: FakeStage, group: str, text: str, *, ago_ms: int = 0) -> Callable[[], object]:
    """Ben says something under an id of so long ago."""

    def say() -> None:
        uuid = stage.talk.new_uuid(-ago_ms)
        stage.talk.do("create_message", BEN, group_uuid=group, message=text, message_uuid=uuid)

    return say


def test_watching_shows_messages_as_they_come_and_each_once(
    stage: FakeStage, group: str, watched: Callable[..., list[str]]
) -> None:
    def nothing() -> None:
        stage.talk.later(seconds=2)

    lines = watched(nothing, says(stage, group, "one"), nothing, nothing, says(stage, group, "two"), nothing)
    assert lines == ["Ann: hello", "Ben: one", "Ben: two"]
    assert stage.pauses == [watching.PAUSE_SECONDS] * 7


def test_a_message_that_was_two_minutes_on_its_way_is_shown(
    stage: FakeStage, group: str, watched: Callable[..., list[str]]
) -> None:
    stage.talk.later(minutes=10)
    ahead = says(stage, group, "ahead of the clock", ago_ms=-1_000)
    late = says(stage, group, "late", ago_ms=120_000)
    assert watched(ahead, late) == ["Ann: hello", "Ben: ahead of the clock", "Ben: late"]


def test_what_came_before_the_page_is_not_new(stage: FakeStage, group: str, watched: Callable[..., list[str]]) -> None:
    for number in range(5):
        stage.talk.later(seconds=1)
        says(stage, group, f"old {number}")()
    assert watched(says(stage, group, "new"), limit=2) == ["Ben: old 3", "Ben: old 4", "Ben: new"]


def test_more_new_messages_than_a_page_are_all_shown(
    stage: FakeStage, group: str, watched: Callable[..., list[str]]
) -> None:
    def burst() -> None:
        for number in range(230):
            says(stage, group, str(number))()

    assert watched(burst, lambda: None)[1:] == [f"Ben: {number}" for number in range(230)]


def test_watching_outlives_a_busy_service(stage: FakeStage, group: str, watched: Callable[..., list[str]]) -> None:
    real = stage.functions[deployment.MESSAGES]

    def fail(_request: Any) -> Any:
        stage.functions[deployment.MESSAGES] = real
        raise aws_error("TooManyRequestsException", "Invoke", 429)

    def busy() -> None:
        says(stage, group, "meanwhile")()
        stage.functions[deployment.MESSAGES] = fail

    assert watched(busy, lambda: None) == ["Ann: hello", "Ben: meanwhile"]


@pytest.mark.parametrize("number", range(4), ids=["overlap", "poll", "name", "the next poll"])
def test_watching_outlives_a_service_that_is_busy_at_any_call(stage: FakeStage, number: int) -> None:
    stage.talk.introduce(ANN, BEN, CAT)
    fields = {"member_uuids": [BEN, CAT], "title": "Lunch", "message": "hello"}
    group = str(stage.talk.do("create_message_group", ANN, **fields)["group_uuid"])
    real, calls = stage.functions[deployment.MESSAGES], iter(range(100))
    happenings = iter([says(stage, group, "new"), *[stage.talk.later] * 3])

    def sometimes_busy(request: Any) -> Any:
        # Before the watch the command asks who reads, for the page that is shown first, and for who wrote it.
        busy = next(calls) == 2 + number
        return {"error": {"code": "throttled", "message": "busy", "fields": []}} if busy else real(request)

    def on_pause() -> None:
        try:
            next(happenings)()
        except StopIteration:
            raise KeyboardInterrupt from None

    stage.functions[deployment.MESSAGES], stage.on_pause = sometimes_busy, on_pause
    result = stage.do(*SHOW, group, "--as", "ann", "--watch")
    assert shown(result) == ["Ann: hello", "Ben: new"]
    assert result.stderr.count("busy") == 1


def test_watched_as_json_a_line_is_a_message(stage: FakeStage, group: str) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    stage.on_pause = interrupt
    result = stage.do(*SHOW, group, "--as", "ann", "--watch", "--json")
    assert [json.loads(line)["message"] for line in result.stdout.splitlines()] == ["hello"]
