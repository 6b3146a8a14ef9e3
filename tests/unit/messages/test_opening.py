from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from switchboard.messages import keys
from switchboard.schema import messages as schema
from tests.fakes.openings import FIVE, PAIR, assert_whole, groups, stored
from tests.fakes.talks import ANN, BEN, CAT, DAN, EVE, Talk

if TYPE_CHECKING:
    from tests.fakes.messages_table import MessagesTable


def crowd(table: MessagesTable, size: int) -> list[str]:
    users = [f"{number:08x}-0000-4000-8000-00000000cafe" for number in range(size)]
    for user in users:
        attributes = {schema.HANDLE: user[:8], schema.DISPLAY_NAME: user[:8], schema.PROFILE_VERSION: 1}
        named = {name: {"N" if isinstance(value, int) else "S": str(value)} for name, value in attributes.items()}
        table.put({**keys.profile_key(user).attributes(), **named})
    return users


def test_a_first_message_between_two_makes_their_conversation(table: MessagesTable, talk: Talk) -> None:
    talk.introduce(ANN, BEN)

    answer = talk.do("create_message_group", ANN, **PAIR, message="Hello!")

    group = answer["group_uuid"]
    assert answer["created"] is True
    assert stored(table, keys.pair_key(BEN, ANN))[schema.GROUP_UUID] == group
    meta = stored(table, keys.group_key(group))
    assert (meta[schema.KIND], meta[schema.MEMBERS], meta[schema.CREATED_BY]) == (schema.DM, {ANN, BEN}, ANN)
    key = f"2026-11-21T12:00:00.000Z#{answer['message_uuid']}"
    message = stored(table, keys.message_key(group, key))
    assert (message[schema.MESSAGE], message[schema.USER_UUID], message[schema.OPENING]) == ("Hello!", ANN, True)
    assert stored(table, keys.membership_key(BEN, group)) == {
        schema.PK: schema.user_key(BEN),
        schema.SK: schema.membership_sort_key(group),
        schema.GROUP_UUID: group,
        schema.KIND: schema.DM,
        schema.OTHER_USER_UUID: ANN,
        schema.OTHER_DISPLAY_NAME: "Ann",
        schema.OTHER_HANDLE: "ann",
        schema.PROFILE_VERSION: 1,
        schema.LAST_MESSAGE_SK: key,
        schema.LAST_MESSAGE: "Hello!",
        schema.LAST_SENDER_UUID: ANN,
        schema.JOINED_AT: "2026-11-21T12:00:00.000Z",
        schema.INBOX_USER: BEN,
    }
    assert stored(table, keys.membership_key(ANN, group))[schema.LAST_READ_SK] == key


def test_the_other_person_continues_the_conversation_that_there_is(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair(ANN, BEN, "Hello!")

    answer = talk.do("create_message_group", BEN, other_user_uuid=ANN, message="Hello to you")

    assert (answer["group_uuid"], answer["created"]) == (group, False)
    shown = [message["message"] for message in talk.do("list_messages", ANN, group_uuid=group)["messages"]]
    assert shown == ["Hello!", "Hello to you"]
    assert groups(table) == [group]


@pytest.mark.parametrize("who", [PAIR, FIVE], ids=["pair", "five"])
def test_a_repeated_request_finds_the_group_it_made(table: MessagesTable, talk: Talk, who: dict[str, Any]) -> None:
    talk.introduce(ANN, BEN, CAT, DAN, EVE)
    request = {**who, "message": "Hello!", "message_uuid": talk.new_uuid()}
    first = talk.do("create_message_group", ANN, **request)
    written = dict(table.items)

    talk.later(minutes=10)
    again = talk.do("create_message_group", ANN, **request)

    assert again == {**first, "created": False}
    assert table.items == written


@pytest.mark.parametrize("change", [{"message": "Other"}, {"title": "Dinner"}, {"member_uuids": [BEN, CAT]}])
def test_a_message_id_of_another_group_is_a_conflict(table: MessagesTable, talk: Talk, change: dict[str, Any]) -> None:
    talk.introduce(ANN, BEN, CAT, DAN, EVE)
    request = {**FIVE, "message": "Hello!", "message_uuid": talk.new_uuid()}
    talk.do("create_message_group", ANN, **request)
    written = dict(table.items)

    assert talk.refused("create_message_group", ANN, **{**request, **change}) == "conflict"
    assert table.items == written


def test_a_message_id_used_with_one_person_is_a_conflict_with_another(talk: Talk) -> None:
    talk.introduce(ANN, BEN, CAT)
    request = {"message": "Hello!", "message_uuid": talk.new_uuid()}
    talk.do("create_message_group", ANN, other_user_uuid=BEN, **request)

    assert talk.refused("create_message_group", ANN, other_user_uuid=CAT, **request) == "conflict"
    assert talk.refused("create_message_group", ANN, other_user_uuid=BEN, **{**request, "message": "?"}) == "conflict"


@pytest.mark.parametrize("with_caller", [True, False])
def test_a_group_of_98_is_the_largest(table: MessagesTable, talk: Talk, *, with_caller: bool) -> None:
    first, *others = crowd(table, 98)
    named = [first, *others] if with_caller else others

    group = talk.do("create_message_group", first, member_uuids=named, title="All", message="Hi")["group_uuid"]

    assert len(stored(table, keys.group_key(group))[schema.MEMBERS]) == 98
    assert_whole(table, group)


@pytest.mark.parametrize("size", [98, 99])
def test_a_group_of_99_is_refused(table: MessagesTable, talk: Talk, size: int) -> None:
    first, *others = crowd(table, 100)

    answer = talk.ask("create_message_group", first, member_uuids=others[:size], title="All", message="Hi")

    assert [(field["path"], field["code"]) for field in answer["error"]["fields"]] == [("/member_uuids", "too_long")]
    assert groups(table) == []


def test_a_group_of_two_is_no_pair(talk: Talk) -> None:
    pair = talk.pair(ANN, BEN)

    group = talk.do("create_message_group", ANN, member_uuids=[BEN], title="Us", message="Hi")["group_uuid"]

    assert group != pair
    (shown,) = (each for each in talk.do("list_message_groups", BEN)["message_groups"] if each["kind"] == "group")
    assert (shown["group_uuid"], shown["title"]) == (group, "Us")


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ({"other_user_uuid": ANN}, "/other_user_uuid"),
        ({"member_uuids": [ANN], "title": "Me"}, "/member_uuids/0"),
    ],
)
def test_messaging_oneself_is_invalid(talk: Talk, who: dict[str, Any], path: str) -> None:
    talk.introduce(ANN)

    error = talk.ask("create_message_group", ANN, **who, message="Hi")["error"]

    assert (error["code"], error["fields"][0]["path"]) == ("invalid", path)


@pytest.mark.parametrize(
    ("known", "who", "path"),
    [
        ([BEN], PAIR, "/user_uuid"),
        ([ANN], PAIR, "/other_user_uuid"),
        ([ANN, BEN, CAT, EVE], FIVE, "/member_uuids/2"),
    ],
)
def test_everybody_needs_a_profile(
    table: MessagesTable, talk: Talk, known: list[str], who: dict[str, Any], path: str
) -> None:
    talk.introduce(*known)
    written = dict(table.items)

    error = talk.ask("create_message_group", ANN, **who, message="Hi")["error"]

    assert (error["code"], error["fields"][0]["path"]) == ("not_found", path)
    assert table.items == written


@pytest.mark.parametrize("ahead_ms", [-120_001, 1_001])
@pytest.mark.parametrize("who", [PAIR, FIVE], ids=["pair", "five"])
def test_a_new_group_s_message_is_of_the_present(talk: Talk, who: dict[str, Any], ahead_ms: int) -> None:
    talk.introduce(ANN, BEN, CAT, DAN, EVE)
    request = {**who, "message": "Hi", "message_uuid": talk.new_uuid(ahead_ms)}

    assert talk.refused("create_message_group", ANN, **request) == "invalid"
