"""What the emulator gets right as it comes, and the system rests on: an upgrade that breaks it is noticed here."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.conformance.scenarios import allow, code_of, eventually, fresh, function, insert, invoke, stack, table

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud


def test_an_insert_on_an_existing_key_fails_alone_and_changes_nothing(corrected: LocalCloud) -> None:
    name, client = table(corrected), corrected.client("dynamodb")
    item = {"pk": {"S": "p"}, "sk": {"S": "a"}, "first": {"BOOL": True}}
    client.put_item(TableName=name, Item=item)
    answer = client.batch_execute_statement(Statements=[insert(name, "q"), insert(name, "p"), insert(name, "r")])
    assert [response.get("Error", {}).get("Code") for response in answer["Responses"]] == [None, "DuplicateItem", None]
    assert client.get_item(TableName=name, Key={"pk": {"S": "p"}, "sk": {"S": "a"}})["Item"] == item


def test_a_batch_read_sees_every_write_and_refuses_one_key_twice(corrected: LocalCloud) -> None:
    name, client = table(corrected), corrected.client("dynamodb")
    keys = [{"pk": {"S": "p"}, "sk": {"S": f"{n:03}"}} for n in range(100)]
    for key in keys[:50]:
        client.put_item(TableName=name, Item=key)
    answer = client.batch_get_item(RequestItems={name: {"Keys": keys, "ConsistentRead": True}})
    assert sorted(item["sk"]["S"] for item in answer["Responses"][name]) == [key["sk"]["S"] for key in keys[:50]]
    assert answer["UnprocessedKeys"] == {}
    twice = {name: {"Keys": [keys[0], keys[0]]}}
    assert code_of(lambda: client.batch_get_item(RequestItems=twice)) == "ValidationException"


def test_pages_of_an_index_lose_and_repeat_nothing_where_sort_keys_are_equal(corrected: LocalCloud) -> None:
    index = {
        "IndexName": "by_part",
        "KeySchema": [{"AttributeName": "part", "KeyType": "HASH"}, {"AttributeName": "happened", "KeyType": "RANGE"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "part", "happened")]
    name = table(corrected, AttributeDefinitions=attributes, GlobalSecondaryIndexes=[index])
    client = corrected.client("dynamodb")
    for n in range(30):
        item = {"pk": f"p{n % 3}", "sk": f"{n:02}", "part": "s", "happened": f"{n // 10}"}
        client.put_item(TableName=name, Item={key: {"S": value} for key, value in item.items()})

    for forward in (True, False):
        found: list[tuple[str, str]] = []
        start: dict[str, Any] = {}
        while True:
            page = client.query(
                TableName=name,
                IndexName="by_part",
                KeyConditionExpression="part = :s",
                ExpressionAttributeValues={":s": {"S": "s"}},
                ScanIndexForward=forward,
                Limit=7,
                **start,
            )
            found += [(item["happened"]["S"], item["sk"]["S"]) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        assert sorted(found) == [(f"{n // 10}", f"{n:02}") for n in range(30)]
        assert [at for at, _ in found] == sorted((at for at, _ in found), reverse=not forward)


CONSUMER = """
import json
def handle(event, context):
    bad = [r["messageId"] for r in event["Records"] if r["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": i} for i in bad]}
"""


def test_a_queue_redelivers_failed_messages_only_and_then_sets_them_aside(corrected: LocalCloud) -> None:
    sqs = corrected.client("sqs")
    dead = {"Type": "AWS::SQS::Queue", "Properties": {"SqsManagedSseEnabled": True}}
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 2}
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"RedrivePolicy": redrive, "VisibilityTimeout": 1}}
    stack_name, status = stack(corrected, {"Dead": dead, "Queue": queue})
    assert status == "CREATE_COMPLETE"
    resources = corrected.client("cloudformation").describe_stack_resources(StackName=stack_name)["StackResources"]
    urls = {found["LogicalResourceId"]: found["PhysicalResourceId"] for found in resources}
    dead_attributes = sqs.get_queue_attributes(QueueUrl=urls["Dead"], AttributeNames=["All"])["Attributes"]
    assert dead_attributes["SqsManagedSseEnabled"] == "true"
    arn = sqs.get_queue_attributes(QueueUrl=urls["Queue"], AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]

    actions = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
    name = function(corrected, CONSUMER, allow(actions, arn), Timeout=1)
    for body in ("good", "bad", "not json {"):
        sqs.send_message(QueueUrl=urls["Queue"], MessageBody=body)
    corrected.client("lambda").create_event_source_mapping(
        EventSourceArn=arn, FunctionName=name, BatchSize=10, FunctionResponseTypes=["ReportBatchItemFailures"]
    )

    def set_aside() -> list[str] | None:
        messages = sqs.receive_message(QueueUrl=urls["Dead"]).get("Messages", [])
        return [message["Body"] for message in messages] or None

    assert eventually(set_aside) == ["bad"]
    left = sqs.get_queue_attributes(QueueUrl=urls["Queue"], AttributeNames=["All"])["Attributes"]
    assert left["ApproximateNumberOfMessages"] == left["ApproximateNumberOfMessagesNotVisible"] == "0"


RECORDER = """
def handle(event, context):
    for record in event["Records"]:
        print("SAW", record["eventName"], record["dynamodb"]["Keys"]["sk"]["S"], sorted(record["dynamodb"]))
"""


def test_a_stream_mapping_delivers_what_its_filter_names_and_nothing_else(corrected: LocalCloud) -> None:
    name = table(corrected, StreamSpecification={"StreamEnabled": True, "StreamViewType": "OLD_IMAGE"})
    client = corrected.client("dynamodb")
    arn = client.describe_table(TableName=name)["Table"]["LatestStreamArn"]
    actions = ["GetRecords", "GetShardIterator", "DescribeStream", "ListStreams"]
    recorder = function(corrected, RECORDER, allow([f"dynamodb:{action}" for action in actions], arn))
    corrected.client("lambda").create_event_source_mapping(
        EventSourceArn=arn,
        FunctionName=recorder,
        StartingPosition="TRIM_HORIZON",
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"eventName": ["MODIFY", "REMOVE"]})}]},
    )
    for sk in ("kept", "changed", "removed"):
        client.put_item(TableName=name, Item={"pk": {"S": "p"}, "sk": {"S": sk}})
    client.put_item(TableName=name, Item={"pk": {"S": "p"}, "sk": {"S": "changed"}, "n": {"N": "1"}})
    client.delete_item(TableName=name, Key={"pk": {"S": "p"}, "sk": {"S": "removed"}})

    seen = eventually(lambda: lines if len(lines := log_lines(corrected, recorder, "SAW")) >= 2 else None)
    assert [line.split()[1:3] for line in seen] == [["MODIFY", "changed"], ["REMOVE", "removed"]]
    assert all("OldImage" in line and "NewImage" not in line for line in seen)


def log_lines(cloud: LocalCloud, name: str, text: str, group: str | None = None) -> list[str]:
    logs = cloud.client("logs")
    try:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group or f"/aws/lambda/{name}")
        messages = [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [message for message in messages if text in message]


def test_what_a_function_prints_reaches_the_log_group_it_names(corrected: LocalCloud) -> None:
    metric = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": []}, "stored": 7, "text": "é" * 2_000}
    group = fresh("/functions/own")
    corrected.client("logs").create_log_group(logGroupName=group)
    source = f"import json\ndef handle(event, context):\n    print(json.dumps({metric!r}))\n"
    name = function(corrected, source, LoggingConfig={"LogGroup": group, "LogFormat": "JSON"})
    invoke(corrected, name)
    line = eventually(lambda: next(iter(log_lines(corrected, name, "_aws", group)), None))
    assert json.loads(line) == metric


def test_a_function_has_the_permissions_of_its_role_and_no_others(corrected: LocalCloud) -> None:
    source = """
import botocore.session
from botocore.exceptions import ClientError
def handle(event, context):
    client = botocore.session.get_session().create_client("dynamodb")
    outcomes = []
    for name in event:
        try:
            client.scan(TableName=name)
            outcomes.append("allowed")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])
    return outcomes
"""
    own, other = table(corrected), table(corrected)
    arn = corrected.client("dynamodb").describe_table(TableName=own)["Table"]["TableArn"]
    name = function(corrected, source, allow("dynamodb:Scan", arn))
    assert invoke(corrected, name, [own, other])["Payload"] == ["allowed", "AccessDeniedException"]


def test_invocations_of_one_function_run_beside_each_other(corrected: LocalCloud) -> None:
    """Each invocation waits for a message that only the other one sends, so one after the other would never end."""
    source = """
import botocore.session
def handle(event, context):
    client = botocore.session.get_session().create_client("sqs")
    client.send_message(QueueUrl=event["to"], MessageBody="here")
    return bool(client.receive_message(QueueUrl=event["from"], WaitTimeSeconds=15).get("Messages"))
"""
    sqs = corrected.client("sqs")
    left, right = (sqs.create_queue(QueueName=fresh("queue"))["QueueUrl"] for _ in range(2))
    name = function(corrected, source, allow(["sqs:SendMessage", "sqs:ReceiveMessage"], "*"), Timeout=30)
    with ThreadPoolExecutor(2) as pool:
        ways = [{"to": left, "from": right}, {"to": right, "from": left}]
        answers = list(pool.map(lambda way: invoke(corrected, name, way)["Payload"], ways))
    assert answers == [True, True]
