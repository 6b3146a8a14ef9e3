from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.messages.cursors import CursorScope
from switchboard.messages.errors import Refused

SCOPE = CursorScope("user-1", "list_messages", "group-1")
ANY = (bool,)


@given(st.lists(st.text(min_size=1, max_size=70), min_size=1, max_size=2))
def test_a_cursor_gives_its_keys_back_to_its_own_scope(keys: list[str]) -> None:
    cursor = SCOPE.write(*keys)

    assert cursor.isascii()
    assert SCOPE.read(cursor, "/cursor", ANY * len(keys)) == tuple(keys)


@pytest.mark.parametrize(
    "other",
    [
        CursorScope("user-2", "list_messages", "group-1"),
        CursorScope("user-1", "list_message_groups", "group-1"),
        CursorScope("user-1", "list_messages", "group-2"),
        CursorScope("user-1", "list_messages"),
    ],
)
def test_a_cursor_of_another_user_operation_or_group_is_invalid(other: CursorScope) -> None:
    with pytest.raises(Refused) as refused:
        SCOPE.read(other.write("key"), "/before", ANY)

    assert refused.value.code == "invalid"
    assert [field.path for field in refused.value.fields] == ["/before"]


def encoded(body: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip("=")


DIGEST = json.loads(base64.urlsafe_b64decode(SCOPE.write() + "=="))[0]


@pytest.mark.parametrize(
    "forged",
    [
        "x",
        "!!!!",
        "schön",
        SCOPE.write("key")[:-3],
        SCOPE.write("key", "another"),
        SCOPE.write(),
        encoded({"digest": DIGEST}),
        encoded([DIGEST, 5]),
        encoded([DIGEST, None]),
        encoded(["", "key"]),
        encoded([]),
        encoded(None),
        "WyI" * 50_000,
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"\xff\xfe").decode(),
    ],
)
def test_a_forged_cursor_is_invalid(forged: str) -> None:
    with pytest.raises(Refused) as refused:
        SCOPE.read(forged, "/before", ANY)

    assert refused.value.code == "invalid"


def test_a_key_that_no_page_ends_with_is_invalid() -> None:
    with pytest.raises(Refused):
        SCOPE.read(SCOPE.write("key"), "/before", (str.isdigit,))
