from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.machines import executed, function_arn, machine
from tests.conformance.scenarios import allow, fresh, function

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

MEET = """
import botocore.session
def handle(event, context):
    client = botocore.session.get_session().create_client("sqs")
    client.send_message(QueueUrl=event["to"], MessageBody="here")
    return bool(client.receive_message(QueueUrl=event["from"], WaitTimeSeconds=event["seconds"]).get("Messages"))
"""


def met(cloud: LocalCloud, mode: dict[str, str], most: Any, seconds: int) -> list[bool] | str:
    """Whether each of two items saw the other while it was worked on; the second to come always does."""
    urls = [cloud.client("sqs").create_queue(QueueName=fresh("queue"))["QueueUrl"] for _ in range(2)]
    name = function(cloud, MEET, allow(["sqs:SendMessage", "sqs:ReceiveMessage"], "*"), Timeout=30)
    states = {
        "Meet": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "MaxConcurrencyPath": "$.most",
            "ItemProcessor": {
                "ProcessorConfig": mode,
                "StartAt": "Call",
                "States": {"Call": {"Type": "Task", "Resource": function_arn(cloud, name), "End": True}},
            },
            "End": True,
        }
    }
    items = [{"to": urls[n], "from": urls[1 - n], "seconds": seconds} for n in range(2)]
    ended = executed(cloud, machine(cloud, {"StartAt": "Meet", "States": states}), {"items": items, "most": most})
    return sorted(json.loads(ended["output"])) if ended["status"] == "SUCCEEDED" else str(ended["error"])


@pytest.mark.parametrize("mode", [{"Mode": "INLINE"}, {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}])
def test_a_map_works_on_as_many_items_at_once_as_its_input_says(
    corrected: LocalCloud, as_it_comes: LocalCloud, mode: dict[str, str]
) -> None:
    assert met(corrected, mode, 1, seconds=0) == [False, True]
    assert met(corrected, mode, 2, seconds=15) == [True, True]

    assert met(as_it_comes, mode, 1, seconds=15) == [True, True]


def test_a_number_that_is_none_fails_the_map(corrected: LocalCloud) -> None:
    assert met(corrected, {"Mode": "INLINE"}, "many", seconds=0) == "States.Runtime"
