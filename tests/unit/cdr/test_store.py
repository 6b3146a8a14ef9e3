"""The store against botocore itself: requests that fit the service model, and the errors botocore makes."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.stub import Stubber

from switchboard.cdr.store import CdrStore, Stored, insert_statement
from switchboard.dynamo.client import dynamodb_client
from switchboard.dynamo.rounds import Refusal
from switchboard.schema import cdr
from switchboard.times import to_fixed
from tests.unit.cdr.cdr_table import NOW, TABLE, Time, record

KEY = ("SPONSORSHIP#sp-901", "CONSUME#qm/reporting-api#r-1")
RECORDED_AT = to_fixed(NOW)


def item() -> dict[str, Any]:
    return record().item(KEY[1], recorded_at=RECORDED_AT, expires_at=None)


def test_an_insert_is_one_statement_with_constant_text_and_parameters_in_its_order() -> None:
    client = dynamodb_client(attempts=1)
    with Stubber(client) as stub:
        stub.add_response(
            "batch_execute_statement",
            {"Responses": [{"TableName": TABLE}]},
            {
                "Statements": [
                    {"Statement": insert_statement(TABLE, tuple(item())), "Parameters": list(item().values())}
                ]
            },
        )
        assert CdrStore(client, TABLE).insert({KEY: item()}, Time().budget()) == {KEY: True}
    assert insert_statement("t", ("pk", "sk")) == """INSERT INTO "t" VALUE {'pk': ?, 'sk': ?}"""


def test_no_statement_is_longer_than_dynamodb_reads() -> None:
    assert len(insert_statement("t" * 255, (*item(), cdr.EXPIRES_AT))) <= 8_192


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        ("DuplicateItem", False),
        ("ValidationError", Refusal("ValidationError")),
        ("AccessDenied", Refusal("AccessDenied")),
    ],
)
def test_the_error_of_a_member_is_its_outcome(code: str, outcome: object) -> None:
    client = dynamodb_client(attempts=1)
    with Stubber(client) as stub:
        stub.add_response("batch_execute_statement", {"Responses": [{"Error": {"Code": code, "Message": "m"}}]})
        assert CdrStore(client, TABLE).insert({KEY: item()}, Time().budget()) == {KEY: outcome}


@pytest.mark.parametrize(
    ("code", "status", "again"),
    [
        ("ProvisionedThroughputExceededException", 400, True),
        ("ThrottlingException", 400, True),
        ("InternalServerError", 500, True),
        ("ExpiredTokenException", 400, False),
        ("AccessDeniedException", 400, False),
        ("ResourceNotFoundException", 400, False),
    ],
)
def test_the_error_of_a_request_is_tried_again_only_where_that_can_help(code: str, status: int, again: bool) -> None:
    client, time = dynamodb_client(attempts=1), Time()
    with Stubber(client) as stub:
        stub.add_client_error("batch_execute_statement", code, http_status_code=status)
        if again:
            stub.add_response("batch_execute_statement", {"Responses": [{"TableName": TABLE}]})
        answer = CdrStore(client, TABLE).insert({KEY: item()}, time.budget())[KEY]
        stub.assert_no_pending_responses()
    assert answer == (True if again else Refusal(code))
    assert len(time.slept) == int(again)


def test_a_read_is_strongly_consistent_and_asks_only_for_what_a_verdict_needs() -> None:
    client = dynamodb_client(attempts=1)
    names = [cdr.PK, cdr.SK, cdr.SOURCE, cdr.ID, cdr.OCCURRED_AT, cdr.RECORDED_AT, cdr.PAYLOAD_HASH]
    absent = (KEY[0], "CREATE")
    stored = item()
    with Stubber(client) as stub:
        stub.add_response(
            "batch_get_item",
            {"Responses": {TABLE: [{name: stored[name] for name in names}]}, "UnprocessedKeys": {}},
            {
                "RequestItems": {
                    TABLE: {
                        "Keys": [{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in (KEY, absent)],
                        "ConsistentRead": True,
                        "ProjectionExpression": ", ".join(f"#{name}" for name in names),
                        "ExpressionAttributeNames": {f"#{name}": name for name in names},
                    }
                }
            },
        )
        answers = CdrStore(client, TABLE).read([KEY, absent], Time().budget())
    original = record()
    assert answers == {
        KEY: Stored(original.source, original.id, original.occurred_at, RECORDED_AT, original.payload_hash),
        absent: None,
    }
