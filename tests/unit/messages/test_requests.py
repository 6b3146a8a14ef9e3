from __future__ import annotations

import json
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any

import fastjsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.contracts import MESSAGES_ANSWER, MESSAGES_REQUEST, contract
from switchboard.ids import UUID7_PATTERN, UUID_PATTERN
from switchboard.messages.errors import ErrorCode, FieldCode, Refused
from switchboard.messages.requests import MAX_ERRORS, OPERATIONS, checked, operation_of
from switchboard.messages.service import answer
from switchboard.schema import messages as schema
from switchboard.times import RFC3339_PATTERN
from tests.fakes.messages_table import MessagesTable
from tests.fakes.talks import ANN, BEN, Talk, check_answer

if TYPE_CHECKING:
    from collections.abc import Callable

GROUP = "99999999-0000-8000-8000-000000000000"
MESSAGE_UUID = "01a1fdfa-4600-7c21-a29f-6fbed82c07cd"
GOOD: dict[str, dict[str, Any]] = {
    "list_messages": {"group_uuid": GROUP, "limit": 100, "before": "abc", "from": "2026-01-01T00:00:00Z"},
    "list_message_groups": {"limit": 1, "cursor": "abc", "consistent": True},
    "create_message_group": {"other_user_uuid": BEN, "message": "x", "message_uuid": MESSAGE_UUID},
    "create_message": {"group_uuid": GROUP, "message": "x", "message_uuid": MESSAGE_UUID},
    "mark_read": {"group_uuid": GROUP, "message_uuid": MESSAGE_UUID},
    "unread_count": {"group_uuid": GROUP},
    "put_user": {
        "handle": "a.b-c_1",
        "display_name": "Åsa",
        "email": "a@b.c",
        "cognito_sub": "eu-west-1_x:1|2",
        "profile_version": 0,
    },
    "get_user": {"handle": "ABC"},
    "rename_user": {"handle": "abc", "display_name": "Ann"},
}
SEVERAL = {"other_user_uuid": None, "member_uuids": [BEN], "title": "Lunch"}
SECRET = "do-not-repeat-me"  # noqa: S105 - a mark, not a password


@cache
def published() -> Callable[[object], object]:
    """The contract as a service in any language would check with it."""
    check: Callable[[object], object] = fastjsonschema.compile(contract(MESSAGES_REQUEST))
    return check


def good(operation: str, **changes: Any) -> dict[str, Any]:
    request = {"operation": operation, "user_uuid": ANN, **GOOD[operation], **changes}
    return {name: value for name, value in request.items() if value is not None}


def faults(request: object) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        checked(request)
    assert refused.value.code is ErrorCode.INVALID
    return [(field.path, str(field.code)) for field in refused.value.fields]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_good_request_passes_the_code_and_the_published_contract(operation: str) -> None:
    request = good(operation)

    assert checked(request) == request
    published()(request)


@pytest.mark.parametrize(
    ("request_", "fault"),
    [
        (None, ("", "type")),
        ([], ("", "type")),
        ("list_messages", ("", "type")),
        ({}, ("/operation", "required")),
        ({"operation": "delete_everything"}, ("/operation", "format")),
        ({"operation": "LIST_MESSAGES"}, ("/operation", "format")),
        ({"operation": 5}, ("/operation", "type")),
        ({"operation": ["list_messages"]}, ("/operation", "type")),
        ({"operation": None}, ("/operation", "type")),
    ],
)
def test_a_request_for_no_operation_is_invalid(request_: object, fault: tuple[str, str]) -> None:
    assert faults(request_) == [fault]
    assert operation_of(request_) is None


@pytest.mark.parametrize(
    ("operation", "change", "fault"),
    [
        ("create_message", {"message": ""}, ("/message", "too_short")),
        ("create_message", {"message": "x" * 1_025}, ("/message", "too_long")),
        ("create_message", {"message": "😀" * 1_025}, ("/message", "too_long")),
        ("create_message", {"message": "a\0b"}, ("/message", "text")),
        ("create_message", {"message": "a\ud83d"}, ("/message", "text")),
        ("create_message", {"message": "\ude00\ud83d"}, ("/message", "text")),
        ("create_message", {"message": 5}, ("/message", "type")),
        ("create_message", {"message": None}, ("/message", "required")),
        ("create_message", {"message_uuid": "01a1fdfa-4600-4c21-a29f-6fbed82c07cd"}, ("/message_uuid", "format")),
        ("create_message", {"message_uuid": MESSAGE_UUID.upper()}, ("/message_uuid", "format")),
        ("create_message", {"message_uuid": "f" + MESSAGE_UUID[1:]}, ("/message_uuid", "format")),
        ("create_message", {"message_uuid": MESSAGE_UUID + "\n"}, ("/message_uuid", "format")),
        ("create_message", {"group_uuid": "GROUP#1"}, ("/group_uuid", "format")),
        ("create_message", {"user_uuid": None}, ("/user_uuid", "required")),
        ("create_message", {"user_uuid": {"S": "x"}}, ("/user_uuid", "type")),
        ("create_message", {"title": "x"}, ("/title", "unknown_field")),
        ("create_message", {SECRET: "x"}, ("", "unknown_field")),
        ("create_message_group", {"other_user_uuid": None}, ("", "required")),
        ("create_message_group", {"title": "x"}, ("/title", "combination")),
        ("create_message_group", {"member_uuids": [BEN]}, ("/member_uuids", "combination")),
        ("create_message_group", {"other_user_uuid": None, "member_uuids": [BEN]}, ("", "required")),
        ("create_message_group", {"other_user_uuid": None, "title": "x"}, ("", "required")),
        ("create_message_group", {"other_user_uuid": "forged"}, ("/other_user_uuid", "format")),
        ("create_message_group", {**SEVERAL, "member_uuids": []}, ("/member_uuids", "too_short")),
        ("create_message_group", {**SEVERAL, "member_uuids": [BEN] * 2}, ("/member_uuids", "format")),
        ("create_message_group", {**SEVERAL, "member_uuids": [BEN, "x"]}, ("/member_uuids/1", "format")),
        ("create_message_group", {**SEVERAL, "member_uuids": [BEN, 5]}, ("/member_uuids/1", "type")),
        ("create_message_group", {**SEVERAL, "member_uuids": BEN}, ("/member_uuids", "type")),
        ("create_message_group", {**SEVERAL, "title": ""}, ("/title", "too_short")),
        ("list_messages", {"limit": True}, ("/limit", "type")),
        ("list_messages", {"limit": "10"}, ("/limit", "type")),
        ("list_messages", {"limit": 1.5}, ("/limit", "type")),
        ("list_messages", {"before": ""}, ("/before", "too_short")),
        ("list_messages", {"before": "x" * 513}, ("/before", "too_long")),
        ("list_messages", {"from": "yesterday"}, ("/from", "format")),
        ("list_message_groups", {"consistent": 1}, ("/consistent", "type")),
        ("put_user", {"handle": "ab"}, ("/handle", "format")),
        ("put_user", {"handle": "a" * 31}, ("/handle", "format")),
        ("put_user", {"handle": "ann#ben"}, ("/handle", "format")),
        ("put_user", {"handle": "änn"}, ("/handle", "format")),
        ("put_user", {"display_name": "x" * 65}, ("/display_name", "too_long")),
        ("put_user", {"display_name": "a\nb"}, ("/display_name", "text")),
        ("put_user", {"display_name": "a\ud800"}, ("/display_name", "text")),
        ("put_user", {"email": "nobody"}, ("/email", "format")),
        ("put_user", {"email": "a@b\ud800.c"}, ("/email", "format")),
        ("put_user", {"email": f"a@{'b' * 253}"}, ("/email", "too_long")),
        ("put_user", {"cognito_sub": "a#b"}, ("/cognito_sub", "format")),
    ],
)  # fmt: skip
def test_each_field_has_its_rule(operation: str, change: dict[str, Any], fault: tuple[str, str]) -> None:
    request = good(operation, **change)

    assert faults(request) == [fault]
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        published()(request)


def test_all_faults_are_told_at_once() -> None:
    request = {"operation": "create_message", "group_uuid": 5, "message": "", "color": "red"}

    assert faults(request) == [
        ("/user_uuid", "required"),
        ("/color", "unknown_field"),
        ("/group_uuid", "type"),
        ("/message", "too_short"),
    ]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_request_of_very_many_faults_gets_a_short_answer(operation: str) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz_"
    names = map("".join, product(letters, repeat=4))
    request = {"operation": operation} | dict.fromkeys(names)

    refusal = Talk(MessagesTable()).ask_raw(request)

    assert len(request) > 500_000
    assert len(refusal["error"]["fields"]) == MAX_ERRORS
    assert refusal["error"]["fields"][0]["code"] == "required"
    assert len(json.dumps(refusal)) < 64 * 1_024


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from([*"abc", "operation", "user_uuid", "group_uuid", "message", "limit", "handle"]),
                inner | st.sampled_from([*OPERATIONS, ANN, GROUP]),
                max_size=6,
            )
        ),
    )
)
def test_whatever_is_sent_is_answered_as_published(request: object) -> None:
    Talk(MessagesTable()).ask_raw(request)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_answer_repeats_what_was_sent(operation: str) -> None:
    fields = contract(MESSAGES_REQUEST)["definitions"][operation]["properties"]
    request = {**dict.fromkeys(fields, SECRET + "\x00"), "operation": operation, SECRET: SECRET}

    refusal = answer(Talk(MessagesTable()).runtime, request, reference="r", report=lambda _: None)

    check_answer("refusal", refusal)
    assert SECRET not in json.dumps(refusal)


def test_the_contract_spells_limits_and_patterns_as_the_schema_does() -> None:
    definitions = contract(MESSAGES_REQUEST)["definitions"]

    assert definitions["uuid"]["pattern"] == UUID_PATTERN
    assert definitions["message_uuid"]["pattern"] == UUID7_PATTERN
    assert definitions["time"]["pattern"] == RFC3339_PATTERN
    assert definitions["handle"]["pattern"] == schema.HANDLE_PATTERN.replace("[a-z", "[A-Za-z")
    assert definitions["message"]["maxLength"] == schema.MAX_TEXT_CHARACTERS
    assert definitions["members"]["maxItems"] == schema.MAX_MEMBERS
    assert definitions["limit"]["maximum"] == schema.MAX_PAGE


def test_the_longest_text_of_the_longest_characters_is_within_the_bytes_allowed() -> None:
    assert len(("\U0010ffff" * schema.MAX_TEXT_CHARACTERS).encode()) == schema.MAX_TEXT_BYTES


def test_the_contract_holds_the_closed_sets_of_codes() -> None:
    error = contract(MESSAGES_ANSWER)["definitions"]["refusal"]["properties"]["error"]["properties"]

    assert error["code"]["enum"] == list(ErrorCode)
    assert error["fields"]["items"]["properties"]["code"]["enum"] == list(FieldCode)
