from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from switchboard.messages.requests import OPERATIONS
from switchboard.messages.service import answer
from tests.fakes.messages_table import MessagesTable, client_error
from tests.fakes.talks import ANN, BEN, CAT, Talk

REQUESTS: dict[str, dict[str, Any]] = {
    "list_messages": {},
    "list_message_groups": {},
    "create_message_group": {"other_user_uuid": BEN, "message": "x"},
    "create_message": {"message": "x"},
    "mark_read": {},
    "unread_count": {},
    "put_user": {"handle": "anna", "display_name": "Anna"},
    "get_user": {},
    "rename_user": {"handle": "anna"},
}
OF_A_GROUP = ("list_messages", "create_message", "mark_read", "unread_count")


def request_of(operation: str, group: str) -> dict[str, Any]:
    return {**REQUESTS[operation], **({"group_uuid": group} if operation in OF_A_GROUP else {})}


def fail(table: MessagesTable, error: Exception) -> None:
    def before(_name: str, _request: dict[str, Any]) -> None:
        raise error

    table.before = before


class Charging(MessagesTable):
    """A table that reports what reading costs: one unit an item, three a page."""

    def get_item(self, **request: Any) -> dict[str, Any]:
        assert request["ReturnConsumedCapacity"] == "TOTAL"
        return {**super().get_item(**request), "ConsumedCapacity": {"CapacityUnits": 1.0}}

    def query(self, **request: Any) -> dict[str, Any]:
        assert request["ReturnConsumedCapacity"] == "TOTAL"
        return {**super().query(**request), "ConsumedCapacity": {"CapacityUnits": 3.0}}


@pytest.mark.parametrize(("operation", "units"), [("list_messages", 4.0), ("list_message_groups", 3.0)])
def test_a_list_says_what_reading_it_cost(operation: str, units: float) -> None:
    table = Charging()
    group = Talk(table).pair(ANN, BEN)
    request = {"operation": operation, "user_uuid": ANN, **request_of(operation, group)}
    assert answer(Talk(table).runtime, request, reference="r", report=print)["consumed_read_units"] == units


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_answers_as_published(talk: Talk, operation: str) -> None:
    group = talk.pair(ANN, BEN)

    talk.do(operation, ANN, **request_of(operation, group))


@pytest.mark.parametrize("operation", OF_A_GROUP)
def test_a_stranger_is_refused_and_nothing_written(table: MessagesTable, talk: Talk, operation: str) -> None:
    group = talk.pair(ANN, BEN)
    talk.introduce(CAT)
    written, units = dict(table.items), table.write_units

    assert talk.refused(operation, CAT, **request_of(operation, group)) == "not_a_member"
    assert (table.items, table.write_units) == (written, units)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "code", ["ThrottlingException", "ProvisionedThroughputExceededException", "RequestLimitExceeded"]
)
def test_throttling_is_said(table: MessagesTable, talk: Talk, operation: str, code: str) -> None:
    group = talk.pair(ANN, BEN)
    fail(table, client_error(code))

    assert talk.refused(operation, ANN, **request_of(operation, group)) == "throttled"
    assert talk.reported == []


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(
    "fault",
    [
        client_error("AccessDeniedException"),
        client_error("InternalServerError"),
        EndpointConnectionError(endpoint_url="here"),
        KeyError("secret"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_a_fault_of_ours_is_reported_under_the_reference_answered(
    table: MessagesTable, talk: Talk, operation: str, fault: Exception
) -> None:
    group = talk.pair(ANN, BEN)
    fail(table, fault)

    error = talk.ask(operation, ANN, **request_of(operation, group))["error"]

    assert error["code"] == "internal"
    assert "ref-1" in error["message"]
    assert "secret" not in error["message"]
    assert talk.reported == [fault]


def test_keys_left_unread_are_asked_for_again_and_then_throttled(table: MessagesTable, talk: Talk) -> None:
    talk.introduce(ANN, BEN)
    whole = table.batch_get_item

    def nothing_read(**request: Any) -> dict[str, Any]:
        whole(**request)
        return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}

    table.batch_get_item = nothing_read  # type: ignore[method-assign]

    assert talk.refused("create_message_group", ANN, other_user_uuid=BEN, message="x") == "throttled"
    assert len(talk.pauses) > 1
