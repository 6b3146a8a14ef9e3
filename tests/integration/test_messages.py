"""The deployed messages function, called by the service that may, under its own role and nobody else's."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.impersonation import function_credentials
from switchboard.ids import compose_uuid7
from switchboard.messages import keys
from switchboard.messages.sort_keys import milliseconds
from switchboard.schema import deployment
from switchboard.schema import messages as schema
from tests.fakes.talks import Talk, check_answer
from tests.integration.calls import invoke

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from local_cloud.stage import DeployedStage

GROUP_OPERATIONS: dict[str, dict[str, Any]] = {
    "list_messages": {},
    "create_message": {"message": "let me in"},
    "mark_read": {},
    "unread_count": {},
}


def ask(local: DeployedStage, operation: str, user: str, **fields: Any) -> dict[str, Any]:
    """The function's answer to the messaging service, in its published shape."""
    request = {"operation": operation, "user_uuid": user, **fields}
    answer, error = invoke(local, deployment.MESSAGES_FUNCTION_PATH, request, deployment.MESSAGING_SERVICE)
    assert error is None, answer
    check_answer("refusal" if "error" in answer else operation, answer)
    return answer


def code(answer: dict[str, Any]) -> str | None:
    """Why a request was refused, None where it was not."""
    refused: str | None = answer.get("error", {}).get("code")
    return refused


def people(local: DeployedStage, rng: random.Random, count: int) -> list[str]:
    """New people of this test alone, with profiles."""
    users = [compose_uuid7(now_ms(), rng.getrandbits(74)) for _ in range(count)]
    for user in users:
        stored = ask(local, "put_user", user, handle=handle_of(user), display_name=f"Person {user[-4:]}")
        assert code(stored) is None, stored
    return users


def handle_of(user: str) -> str:
    """A handle that fits nobody else."""
    return user.replace("-", "")[-30:]


def now_ms() -> int:
    """Milliseconds since 1970, on the clock that the function sees."""
    return milliseconds(datetime.now(UTC))


def texts(page: dict[str, Any]) -> list[str]:
    """The texts of a page of messages."""
    return [message["message"] for message in page["messages"]]


def test_two_people_hold_a_conversation(local: DeployedStage, rng: random.Random) -> None:
    ann, ben = people(local, rng, 2)
    opened = ask(local, "create_message_group", ann, other_user_uuid=ben, message="Hello!")
    group = opened["group_uuid"]
    answered = ask(local, "create_message_group", ben, other_user_uuid=ann, message="Hello to you")
    request = {"group_uuid": group, "message": "How are you?", "message_uuid": compose_uuid7(now_ms() + 500, 1)}
    sent = ask(local, "create_message", ann, **request)

    assert (opened["created"], answered["created"], answered["group_uuid"]) == (True, False, group)
    assert ask(local, "create_message", ann, **request) == sent
    assert code(ask(local, "create_message", ann, **{**request, "message": "Other"})) == "conflict"
    newest = ask(local, "list_messages", ben, group_uuid=group, limit=2)
    oldest = ask(local, "list_messages", ben, group_uuid=group, limit=2, before=newest["before"])
    assert texts(oldest) + texts(newest) == ["Hello!", "Hello to you", "How are you?"]
    assert ask(local, "unread_count", ben, group_uuid=group) == {"unread": 2, "more": False}
    assert ask(local, "mark_read", ben, group_uuid=group, message_uuid=sent["message_uuid"])["last_read_uuid"]
    assert ask(local, "unread_count", ben, group_uuid=group)["unread"] == 0
    (shown,) = ask(local, "list_message_groups", ben, consistent=True)["message_groups"]
    assert (shown["group_uuid"], shown["other_handle"]) == (group, handle_of(ann))
    assert [each["group_uuid"] for each in ask(local, "list_message_groups", ben)["message_groups"]] == [group]


def test_a_new_name_shows_in_a_conversation(local: DeployedStage, rng: random.Random) -> None:
    ann, ben = people(local, rng, 2)
    ask(local, "create_message_group", ann, other_user_uuid=ben, message="Hello!")

    renamed = ask(local, "rename_user", ann, handle=handle_of(ann)[::-1], display_name="Anna")

    assert (renamed["conversations"], renamed["complete"]) == (1, True)
    (shown,) = ask(local, "list_message_groups", ben, consistent=True)["message_groups"]
    assert (shown["other_display_name"], shown["other_handle"]) == ("Anna", handle_of(ann)[::-1])
    assert code(ask(local, "get_user", ben, handle=handle_of(ann))) == "not_found"
    assert code(ask(local, "put_user", ben, handle=handle_of(ann)[::-1], display_name="Ben")) == "handle_taken"


@pytest.mark.parametrize("operation", GROUP_OPERATIONS)
def test_a_stranger_is_refused_and_nothing_written(local: DeployedStage, rng: random.Random, operation: str) -> None:
    ann, ben, stranger = people(local, rng, 3)
    group = ask(local, "create_message_group", ann, other_user_uuid=ben, message="Hello!")["group_uuid"]
    fields = {**GROUP_OPERATIONS[operation], "group_uuid": group}
    before = ask(local, "list_messages", ann, group_uuid=group)

    assert code(ask(local, operation, stranger, **fields)) == "not_a_member"
    assert ask(local, operation, stranger, **fields) == ask(local, operation, stranger, **{**fields, "group_uuid": ann})
    assert ask(local, "list_messages", ann, group_uuid=group) == before
    assert ask(local, "list_message_groups", stranger, consistent=True)["message_groups"] == []


def test_two_who_begin_at_once_get_one_conversation(local: DeployedStage, rng: random.Random, stress: bool) -> None:
    with ThreadPoolExecutor(2) as pool:
        for _ in range(50 if stress else 10):
            ann, ben = people(local, rng, 2)
            begun = [
                pool.submit(ask, local, "create_message_group", one, other_user_uuid=other, message=one)
                for one, other in ((ann, ben), (ben, ann))
            ]
            answers = [each.result() for each in begun]

            assert sorted(answer["created"] for answer in answers) == [False, True]
            (group,) = {answer["group_uuid"] for answer in answers}
            assert set(texts(ask(local, "list_messages", ann, group_uuid=group))) == {ann, ben}


def test_a_large_group_with_more_messages_than_a_page(local: DeployedStage, rng: random.Random) -> None:
    first, *others = people(local, rng, 98)
    group = ask(local, "create_message_group", first, member_uuids=others, title="All", message="0")["group_uuid"]
    sent_at = now_ms() + 100
    for number in range(1, 121):
        message_uuid = compose_uuid7(sent_at + number // 40, number)
        sent = ask(local, "create_message", first, group_uuid=group, message=str(number), message_uuid=message_uuid)
        assert code(sent) is None, sent

    page = ask(local, "list_messages", others[-1], group_uuid=group, limit=100)
    older = ask(local, "list_messages", others[-1], group_uuid=group, limit=100, before=page["before"])
    newer = ask(local, "list_messages", others[-1], group_uuid=group, limit=100, after=older["after"])

    assert texts(older) + texts(page) == texts(older) + texts(newer) == [str(number) for number in range(121)]


@pytest.mark.parametrize(
    "request_", ["text", [], {}, {"operation": "drop_table"}, {"operation": "list_messages", "user_uuid": "x#y"}]
)
def test_a_bad_request_is_an_answer_and_no_function_error(local: DeployedStage, request_: Any) -> None:
    answer, error = invoke(local, deployment.MESSAGES_FUNCTION_PATH, request_, deployment.MESSAGING_SERVICE)

    assert (error, code(answer)) == (None, "invalid")


@pytest.mark.parametrize("role", [deployment.QM_SERVICE, deployment.CDR_READER])
def test_only_the_messaging_service_may_call(local: DeployedStage, role: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        invoke(local, deployment.MESSAGES_FUNCTION_PATH, {}, role)


@pytest.mark.parametrize("path", [deployment.CDR_WRITER_PATH, deployment.CDR_QUERY_PATH])
def test_the_messaging_service_may_call_nothing_else(local: DeployedStage, path: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        invoke(local, path, {}, deployment.MESSAGING_SERVICE)


class Charged:
    """A DynamoDB client that adds up the write units that the engine says it took."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.write_units = 0.0

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)
        return self._charging(call) if name in {"put_item", "update_item", "transact_write_items"} else call

    def _charging(self, call: Any) -> Any:
        def charged(**request: Any) -> Any:
            answer = call(**request, ReturnConsumedCapacity="TOTAL")
            consumed = answer["ConsumedCapacity"]
            totals = consumed if isinstance(consumed, list) else [consumed]
            self.write_units += sum(total["CapacityUnits"] for total in totals)
            return answer

        return charged


def test_the_engine_charges_what_the_model_says(local: DeployedStage, rng: random.Random) -> None:
    credentials = function_credentials(local.cloud, local.parameter(deployment.MESSAGES_FUNCTION_PATH))
    client = Charged(local.cloud.client("dynamodb", credentials))
    talk = Talk(client, table=local.parameter(deployment.MESSAGES_TABLE_PATH), rng=rng)
    talk.now = datetime.now(UTC)
    ann, ben = people(local, rng, 2)

    group = talk.do("create_message_group", ann, other_user_uuid=ben, message="Hello!")["group_uuid"]
    assert client.write_units == 16
    talk.do("create_message", ben, group_uuid=group, message="hi")
    assert client.write_units == 16 + 1
    talk.do("mark_read", ben, group_uuid=group)
    assert client.write_units == 16 + 1 + 2


REFUSED_TO_THE_FUNCTION: dict[str, Callable[[Any, str, Any], object]] = {
    "Scan": lambda client, table, _key: client.scan(TableName=table),
    "DescribeTable": lambda client, table, _key: client.describe_table(TableName=table),
    "DeleteTable": lambda client, table, _key: client.delete_table(TableName=table),
    "PartiQLSelect": lambda client, table, _key: client.execute_statement(Statement=f'SELECT * FROM "{table}"'),
    "PartiQLInsert": lambda client, table, _key: client.execute_statement(
        Statement=f"INSERT INTO \"{table}\" VALUE {{'pk': 'x', 'sk': 'x'}}"
    ),
    "BatchWriteItem": lambda client, table, key: client.batch_write_item(
        RequestItems={table: [{"PutRequest": {"Item": key}}]}
    ),
}


@pytest.mark.parametrize("action", REFUSED_TO_THE_FUNCTION)
def test_the_function_s_role_may_do_nothing_that_its_code_does_not(local: DeployedStage, action: str) -> None:
    credentials = function_credentials(local.cloud, local.parameter(deployment.MESSAGES_FUNCTION_PATH))
    client, table = local.cloud.client("dynamodb", credentials), local.parameter(deployment.MESSAGES_TABLE_PATH)

    with pytest.raises(ClientError, match="AccessDenied"):
        REFUSED_TO_THE_FUNCTION[action](client, table, keys.profile_key("x").attributes())


@pytest.mark.parametrize("path", [deployment.CDR_TABLE_PATH, deployment.RUNS_TABLE_PATH])
def test_the_function_s_role_reaches_no_other_table(local: DeployedStage, path: str) -> None:
    credentials = function_credentials(local.cloud, local.parameter(deployment.MESSAGES_FUNCTION_PATH))
    client = local.cloud.client("dynamodb", credentials)

    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_item(TableName=local.parameter(path), Key=keys.profile_key("x").attributes())
    with pytest.raises(ClientError, match="AccessDenied"):
        client.put_item(TableName=local.parameter(path), Item=keys.profile_key("x").attributes())


def test_the_calling_service_reaches_no_table(local: DeployedStage) -> None:
    client = local.client("dynamodb", deployment.MESSAGING_SERVICE)
    table = local.parameter(deployment.MESSAGES_TABLE_PATH)

    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_item(TableName=table, Key={schema.PK: {"S": "x"}, schema.SK: {"S": "x"}})
