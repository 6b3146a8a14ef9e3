from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from switchboard.messages import keys
from switchboard.schema import messages as schema
from tests.fakes.messages_table import MessagesTable
from tests.fakes.mishaps import Killed, kill_after, kill_at, live
from tests.fakes.talks import ANN, BEN, CAT, Talk
from tests.fakes.turns import take_turns

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

ANNA = {"handle": "anna", "display_name": "Anna", "email": "anna@example.com", "cognito_sub": "sub-1"}


def directory(table: MessagesTable) -> dict[str, str]:
    return {
        pk: item[schema.USER_UUID]["S"] for (pk, _), item in table.items.items() if pk.startswith(("HANDLE", "SUB"))
    }


def test_a_new_profile_is_found_by_oneself_with_everything(talk: Talk) -> None:
    stored = talk.do("put_user", ANN, **ANNA)

    assert stored == {"user_uuid": ANN, "profile_version": 1, **ANNA}
    assert talk.do("get_user", ANN) == talk.do("get_user", ANN, handle="anna") == stored


def test_others_find_it_by_handle_without_email_and_subject(talk: Talk) -> None:
    talk.do("put_user", ANN, **ANNA)
    talk.introduce(BEN)

    assert talk.do("get_user", BEN, handle="ANNA") == {
        "user_uuid": ANN,
        "handle": "anna",
        "display_name": "Anna",
        "profile_version": 1,
    }


@pytest.mark.parametrize(("fields", "path"), [({}, "/user_uuid"), ({"handle": "nobody"}, "/handle")])
def test_whoever_is_not_there_is_not_found(talk: Talk, fields: dict[str, str], path: str) -> None:
    error = talk.ask("get_user", ANN, **fields)["error"]

    assert (error["code"], error["fields"][0]["path"]) == ("not_found", path)


def test_handles_are_unique_whatever_their_case(table: MessagesTable, talk: Talk) -> None:
    talk.do("put_user", ANN, **ANNA)
    written = dict(table.items)

    answer = talk.ask("put_user", BEN, handle="AnnA", display_name="Ben")

    assert (answer["error"]["code"], answer["error"]["fields"][0]["path"]) == ("handle_taken", "/handle")
    assert table.items == written


def test_a_subject_belongs_to_one_person(table: MessagesTable, talk: Talk) -> None:
    talk.do("put_user", ANN, **ANNA)
    written = dict(table.items)

    answer = talk.ask("put_user", BEN, handle="ben", display_name="Ben", cognito_sub="sub-1")

    assert (answer["error"]["code"], answer["error"]["fields"][0]["path"]) == ("conflict", "/cognito_sub")
    assert table.items == written


def test_a_profile_is_put_whole_and_gives_up_what_it_had(table: MessagesTable, talk: Talk) -> None:
    talk.do("put_user", ANN, **ANNA)

    stored = talk.do("put_user", ANN, handle="ann", display_name="Ann", cognito_sub="sub-2")

    assert talk.do("get_user", ANN) == stored
    assert "email" not in stored
    assert directory(table) == {"HANDLE#ann": ANN, "SUB#sub-2": ANN}
    talk.do("put_user", BEN, **ANNA)


def test_the_same_profile_again_writes_nothing(table: MessagesTable, talk: Talk) -> None:
    first = talk.do("put_user", ANN, **ANNA)
    units = table.write_units

    assert talk.do("put_user", ANN, **{**ANNA, "handle": "ANNA"}) == first
    assert table.write_units == units


def test_a_changed_name_follows_into_conversations(talk: Talk) -> None:
    talk.pair(ANN, BEN)

    talk.do("put_user", ANN, **ANNA)

    (shown,) = talk.do("list_message_groups", BEN)["message_groups"]
    assert (shown["other_display_name"], shown["other_handle"]) == ("Anna", "anna")


def test_a_name_that_could_not_follow_in_time_is_said_and_done_by_the_next_request(talk: Talk) -> None:
    talk.pair(ANN, BEN)
    talk.seconds_left = 0.0

    assert talk.refused("put_user", ANN, **ANNA) == "throttled"
    talk.seconds_left = 60.0
    talk.do("put_user", ANN, **ANNA)

    (shown,) = talk.do("list_message_groups", BEN)["message_groups"]
    assert shown["other_display_name"] == "Anna"


@pytest.mark.parametrize("version", [0, 1, 3])
def test_a_profile_that_is_not_what_was_read_is_not_overwritten(table: MessagesTable, talk: Talk, version: int) -> None:
    talk.do("put_user", ANN, **ANNA)
    talk.do("put_user", ANN, **{**ANNA, "email": "new@example.com"})
    written = dict(table.items)

    answer = talk.ask("put_user", ANN, **ANNA, profile_version=version)

    assert (answer["error"]["code"], answer["error"]["fields"][0]["path"]) == ("conflict", "/profile_version")
    assert table.items == written


def test_a_profile_that_is_what_was_read_is_replaced_however_often_it_is_asked_for(talk: Talk) -> None:
    first = talk.do("put_user", ANN, **ANNA, profile_version=0)
    again = talk.do("put_user", ANN, **ANNA, profile_version=0)
    changed = talk.do("put_user", ANN, handle="ann", display_name="Ann", profile_version=1)

    assert first == again
    assert (changed["profile_version"], changed["handle"]) == (2, "ann")


@pytest.mark.parametrize("kill", [kill_at, kill_after])
def test_killed_between_any_two_calls_the_next_run_completes(kill: Callable[[MessagesTable, int], None]) -> None:
    for call in range(30):
        table = MessagesTable()
        talk = Talk(table)
        talk.pair(ANN, BEN)
        kill(table, call)
        killed = False
        try:
            talk.do("put_user", ANN, **ANNA)
        except Killed:
            killed = True
        live(table)

        talk.do("put_user", ANN, **ANNA)

        assert directory(table) == {"HANDLE#anna": ANN, "HANDLE#ben": BEN, "SUB#sub-1": ANN}
        (shown,) = talk.do("list_message_groups", BEN)["message_groups"]
        assert shown["other_display_name"] == "Anna"
        if not killed:
            break
    assert call > 3, "there are several calls to be killed between"
    assert not killed


def test_of_two_who_want_one_handle_at_once_one_gets_it(rng: random.Random) -> None:
    for _ in range(30):
        table = MessagesTable()
        talk = Talk(table, rng=rng)
        answers: list[dict[str, Any]] = take_turns(
            table,
            [
                lambda: talk.ask("put_user", ANN, handle="star", display_name="Ann"),  # noqa: B023
                lambda: talk.ask("put_user", BEN, handle="star", display_name="Ben"),  # noqa: B023
            ],
            rng,
        )

        assert sorted(answer.get("error", {}).get("code", "") for answer in answers) == ["", "handle_taken"]
        owner = directory(table)["HANDLE#star"]
        assert [key for key in table.items if key[1] == schema.PROFILE] == [keys.profile_key(owner)]


def test_two_changes_of_one_profile_at_once_leave_one_of_them_whole(rng: random.Random) -> None:
    for _ in range(30):
        table = MessagesTable()
        talk = Talk(table, rng=rng)
        talk.do("put_user", CAT, **ANNA)

        take_turns(
            table,
            [
                lambda: talk.do("put_user", CAT, handle="one", display_name="1", cognito_sub="sub-1"),  # noqa: B023
                lambda: talk.do("put_user", CAT, handle="two", display_name="2", cognito_sub="sub-2"),  # noqa: B023
            ],
            rng,
        )

        profile = talk.do("get_user", CAT)
        assert directory(table) == {f"HANDLE#{profile['handle']}": CAT, f"SUB#{profile['cognito_sub']}": CAT}
        assert (profile["handle"], profile["cognito_sub"]) in {("one", "sub-1"), ("two", "sub-2")}
