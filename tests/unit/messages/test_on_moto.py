"""The same conversation on another engine than the fake, which must not be more generous than DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.messages_table import MessagesTable
from tests.fakes.moto_table import moto_table
from tests.fakes.talks import ANN, BEN, CAT, DAN, Talk

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["fake", "moto"])
def talk(request: pytest.FixtureRequest) -> Iterator[Talk]:
    if request.param == "fake":
        yield Talk(MessagesTable())
        return
    with moto_table() as client:
        yield Talk(client)


def test_a_conversation(talk: Talk) -> None:
    pair = talk.pair(ANN, BEN, "one")
    talk.introduce(CAT, DAN)
    request = {"member_uuids": [BEN, CAT], "title": "Us", "message": "all", "message_uuid": talk.new_uuid()}
    group = talk.do("create_message_group", ANN, **request)["group_uuid"]
    assert talk.do("create_message_group", ANN, **request)["created"] is False
    assert talk.do("create_message_group", BEN, other_user_uuid=ANN, message="two")["group_uuid"] == pair
    talk.later(seconds=1)
    message_uuid = talk.do("create_message", ANN, group_uuid=pair, message="three")["message_uuid"]
    talk.do("create_message", ANN, group_uuid=pair, message="three", message_uuid=message_uuid)
    assert talk.refused("create_message", ANN, group_uuid=pair, message="?", message_uuid=message_uuid) == "conflict"
    assert talk.refused("put_user", DAN, handle="ann", display_name="Dan") == "handle_taken"
    assert talk.refused("list_messages", DAN, group_uuid=group) == "not_a_member"

    newest = talk.do("list_messages", BEN, group_uuid=pair, limit=2)
    oldest = talk.do("list_messages", BEN, group_uuid=pair, limit=2, before=newest["before"])
    onwards = talk.do("list_messages", BEN, group_uuid=pair, after=oldest["after"], year=2026)

    assert [message["message"] for message in oldest["messages"] + newest["messages"]] == ["one", "two", "three"]
    assert onwards["messages"] == newest["messages"]
    assert "before" not in oldest
    assert talk.do("unread_count", BEN, group_uuid=pair) == {"unread": 2, "more": False}
    assert talk.do("mark_read", BEN, group_uuid=pair) == {"last_read_uuid": message_uuid}
    assert talk.do("unread_count", BEN, group_uuid=pair) == {"unread": 0, "more": False}

    renamed = talk.do("rename_user", ANN, display_name="Anna", handle="Anna")
    assert (renamed["handle"], renamed["conversations"], renamed["complete"]) == ("anna", 1, True)
    for consistent in (False, True):
        first = talk.do("list_message_groups", BEN, limit=1, consistent=consistent)
        second = talk.do("list_message_groups", BEN, limit=1, consistent=consistent, cursor=first["cursor"])
        shown = [first["message_groups"][0], second["message_groups"][0]]
        assert [each["group_uuid"] for each in shown] == [group, pair]
        assert (shown[1]["other_display_name"], shown[1]["last_message"], shown[1]["unread"]) == ("Anna", "one", False)
        assert "cursor" not in second
