"""What conversations cost in write units, by the documented capacity rules; a change that costs more fails here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from switchboard.dynamo.values import item_size
from switchboard.messages import keys
from switchboard.schema import messages as schema
from tests.fakes.talks import ANN, BEN, CAT, DAN, EVE
from tests.models.capacity import UNIT_BYTES

if TYPE_CHECKING:
    from tests.fakes.messages_table import MessagesTable
    from tests.fakes.talks import Talk

LONGEST_NAME = "\U0001f600" * 64
LONGEST_TEXT = "\U0001f600" * schema.MAX_TEXT_CHARACTERS


def test_a_new_conversation_of_two_costs_16(table: MessagesTable, talk: Talk) -> None:
    talk.introduce(ANN, BEN)
    units = table.write_units

    talk.do("create_message_group", ANN, other_user_uuid=BEN, message="Hello!")

    # Twice each, as a transaction: pair, group, message, two memberships, two checks of a profile. Once each: two
    # entries in the index.
    assert table.write_units - units == 2 * 7 + 2


def test_a_new_group_costs_3_for_each_member_and_4(table: MessagesTable, talk: Talk) -> None:
    talk.introduce(ANN, BEN, CAT, DAN, EVE)
    units = table.write_units

    talk.do("create_message_group", ANN, member_uuids=[BEN, CAT, DAN, EVE], title="Lunch", message="Hello!")

    assert table.write_units - units == 3 * 5 + 4


def test_a_message_costs_1_beside_its_previews(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair(ANN, BEN)
    units = table.write_units

    message_uuid = talk.do("create_message", BEN, group_uuid=group, message="hi")["message_uuid"]
    assert table.write_units - units == 1

    talk.do("create_message", BEN, group_uuid=group, message="hi", message_uuid=message_uuid)
    assert table.write_units - units == 2, "a repetition costs its failed condition"


def test_a_read_marker_costs_2(table: MessagesTable, talk: Talk) -> None:
    group = talk.pair(ANN, BEN)
    units = table.write_units

    talk.do("mark_read", BEN, group_uuid=group)

    assert table.write_units - units == 2, "the membership and its entry in the index"


@pytest.mark.parametrize("operation", ["list_messages", "unread_count"])
def test_reading_costs_no_write(table: MessagesTable, talk: Talk, operation: str) -> None:
    group = talk.pair(ANN, BEN)
    units = table.write_units

    talk.do(operation, BEN, group_uuid=group)
    talk.do("list_message_groups", BEN)

    assert table.write_units == units


def test_the_fullest_membership_is_one_unit(table: MessagesTable, talk: Talk) -> None:
    for user, handle in ((ANN, "a" * 30), (BEN, "b" * 30)):
        talk.do("put_user", user, handle=handle, display_name=LONGEST_NAME)
    group = talk.do("create_message_group", ANN, other_user_uuid=BEN, message=LONGEST_TEXT)["group_uuid"]
    talk.do("mark_read", BEN, group_uuid=group)

    assert item_size(table.items[keys.membership_key(BEN, group)]) <= UNIT_BYTES
