from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from switchboard.cdr.refused import KEPT_SINGLY
from switchboard.schema import deployment
from tests.infra.templates import STAGES

if TYPE_CHECKING:
    from tests.infra.templates import Templates

FUNCTION = "AWS::Lambda::Function"
MAPPING = "AWS::Lambda::EventSourceMapping"
INVOKE_CONFIG = "AWS::Lambda::EventInvokeConfig"
QUEUE = "AWS::SQS::Queue"
OWNERS = {
    "CdrWriter": "cdr-writer",
    "CdrQuery": "cdr-query",
    "CdrGuard": "cdr-guard",
    "MessagingMessages": "messages",
    "MessagingStreamHandler": "stream-handler",
    "BackfillStep": "backfill",
}

ENVIRONMENT = {
    "CdrWriter": {"SWITCHBOARD_CDR_TABLE": "${CdrTable}", "SWITCHBOARD_QUARANTINE_BUCKET": "${Quarantine}"},
    "CdrQuery": {"SWITCHBOARD_CDR_TABLE": "${CdrTable}"},
    "CdrGuard": {"SWITCHBOARD_QUARANTINE_BUCKET": "${Quarantine}"},
    "MessagingMessages": {"SWITCHBOARD_MESSAGES_TABLE": "${MessagesTable}"},
    "MessagingStreamHandler": {
        "SWITCHBOARD_MESSAGES_TABLE": "${MessagesTable}",
        "SWITCHBOARD_QUARANTINE_BUCKET": "${Quarantine}",
    },
    "BackfillStep": {
        "SWITCHBOARD_RUNS_TABLE": "${RunsTable}",
        "SWITCHBOARD_REPORTS_BUCKET": "${Reports}",
        "SWITCHBOARD_MESSAGES_TABLE": "${MessagesTable}",
        "SWITCHBOARD_CDR_TABLE": "${CdrTable}",
        "SWITCHBOARD_BACKFILL_TARGETS": '{"messages":"${MessagesTable}"}',
    },
}
LEGACY_TABLES = {"local": '["qm_staging_dev_cdr"]', "dev": "[]", "prod": "[]"}
KNOW_THE_RETENTION = {"CdrWriter", "CdrGuard", "BackfillStep"}


BY_CODE = f"????/??/??/{'?' * 64}.json"
BY_LAMBDA = "????/??/??/????-??-??T??.??.??-????????-????-????-????-????????????"
"""Names of what is kept in the quarantine."""


def logs(owner: str) -> dict[str, tuple[str, ...]]:
    log_group = (f"${{{owner}LogGroup.Arn}}",)
    return {"logs:CreateLogStream": log_group, "logs:PutLogEvents": log_group}


@pytest.mark.parametrize("stage", STAGES)
def test_the_writer_may_create_cdrs_and_read_them_back_and_nothing_else(templates: Templates, stage: str) -> None:
    allowed = templates.allowed(stage, "CdrWriter")
    on_dynamodb = {action: where for action, where in allowed.items() if action.startswith("dynamodb:")}
    assert on_dynamodb == {
        "dynamodb:PartiQLInsert": ("${CdrTable.Arn}",),
        "dynamodb:BatchGetItem": ("${CdrTable.Arn}",),
    }
    assert allowed == on_dynamodb | logs("CdrWriter") | {
        "s3:ListBucket": ("${Quarantine.Arn}",),
        "s3:PutObject": (
            f"${{Quarantine.Arn}}/aws/lambda/async/switchboard-{stage}-cdr-writer/{BY_LAMBDA}",
            f"${{Quarantine.Arn}}/cdr-writer/{BY_CODE}",
        ),
        "sqs:DeleteMessage": ("${CdrIngestQueue.Arn}",),
        "sqs:GetQueueAttributes": ("${CdrIngestQueue.Arn}",),
        "sqs:ReceiveMessage": ("${CdrIngestQueue.Arn}",),
    }


@pytest.mark.parametrize("stage", STAGES)
def test_the_query_may_query_the_table_and_its_indexes(templates: Templates, stage: str) -> None:
    assert templates.allowed(stage, "CdrQuery") == logs("CdrQuery") | {
        "dynamodb:Query": ("${CdrTable.Arn}", "${CdrTable.Arn}/index/by_day", "${CdrTable.Arn}/index/by_sponsor")
    }


@pytest.mark.parametrize("stage", STAGES)
def test_the_guard_may_read_the_stream_and_keep_what_it_saw(templates: Templates, stage: str) -> None:
    stream = ("${CdrTable.StreamArn}",)
    assert templates.allowed(stage, "CdrGuard") == logs("CdrGuard") | {
        "dynamodb:DescribeStream": stream,
        "dynamodb:GetRecords": stream,
        "dynamodb:GetShardIterator": stream,
        "s3:ListBucket": ("${Quarantine.Arn}",),
        "s3:PutObject": (f"${{Quarantine.Arn}}/cdr-guard/{BY_CODE}",),
    }


@pytest.mark.parametrize("stage", STAGES)
def test_messages_may_work_on_items_of_its_table(templates: Templates, stage: str) -> None:
    table, index = "${MessagesTable.Arn}", "${MessagesTable.Arn}/index/inbox_by_recency"
    assert templates.allowed(stage, "MessagingMessages") == logs("MessagingMessages") | {
        "dynamodb:BatchGetItem": (table,),
        "dynamodb:ConditionCheckItem": (table,),
        "dynamodb:DeleteItem": (table,),
        "dynamodb:GetItem": (table,),
        "dynamodb:PutItem": (table,),
        "dynamodb:Query": (table, index),
        "dynamodb:UpdateItem": (table,),
    }


@pytest.mark.parametrize("stage", STAGES)
def test_the_stream_handler_may_update_previews_and_nothing_else(templates: Templates, stage: str) -> None:
    table, stream = ("${MessagesTable.Arn}",), ("${MessagesTable.StreamArn}",)
    assert templates.allowed(stage, "MessagingStreamHandler") == logs("MessagingStreamHandler") | {
        "dynamodb:BatchGetItem": table,
        "dynamodb:UpdateItem": table,
        "dynamodb:DescribeStream": stream,
        "dynamodb:GetRecords": stream,
        "dynamodb:GetShardIterator": stream,
        "s3:ListBucket": ("${Quarantine.Arn}",),
        "s3:PutObject": (f"${{Quarantine.Arn}}/stream-handler/{BY_CODE}",),
    }
    policy = templates.one(stage, "AWS::IAM::ManagedPolicy", "MessagingStreamHandlerPolicy")
    conditions = {
        statement.actions: statement.condition for statement in templates.statements(stage, policy["PolicyDocument"])
    }
    assert conditions["dynamodb:BatchGetItem",] == {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["GROUP#*"]}}
    assert conditions["dynamodb:UpdateItem",] == {
        "ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["USER#*"]},
        "ForAllValues:StringEquals": {
            "dynamodb:Attributes": ["pk", "sk", "last_message_sk", "last_message", "last_sender_uuid"]
        },
    }


@pytest.mark.parametrize("stage", STAGES)
def test_the_stream_handler_gets_new_messages_only(templates: Templates, stage: str) -> None:
    mapping = templates.one(stage, MAPPING, "MessagingStreamHandlerFromStream")
    assert templates.text(stage, mapping["EventSourceArn"]) == "${MessagesTable.StreamArn}"
    assert templates.text(stage, mapping["FunctionName"]) == "${MessagingStreamHandlerFunction}"
    (only,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(only["Pattern"]) == {
        "eventName": ["INSERT"],
        "dynamodb": {
            "Keys": {"pk": {"S": [{"prefix": "MSG#"}]}},
            "NewImage": {"opening": {"BOOL": [{"exists": False}]}},
        },
    }
    assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (500, 1)
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert (mapping["MaximumRetryAttempts"], mapping["BisectBatchOnFunctionError"]) == (-1, True)
    assert mapping["MaximumRecordAgeInSeconds"] == 21_600
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert templates.text(stage, mapping["DestinationConfig"]["OnFailure"]["Destination"]) == "${Quarantine.Arn}"


@pytest.mark.parametrize("stage", STAGES)
def test_everything_whose_permissions_aws_checks_waits_for_its_policy(templates: Templates, stage: str) -> None:
    checked = 0
    for kind in (FUNCTION, MAPPING, INVOKE_CONFIG):
        for resource in templates.resources(stage, kind).values():
            properties = resource["Properties"]
            name = templates.text(stage, properties["FunctionName"])
            owner = next(
                owner
                for owner, short in OWNERS.items()
                if name in (f"${{{owner}Function}}", f"switchboard-{stage}-{short}")
            )
            assert any(re.fullmatch(rf"{owner}Policy[0-9A-F]{{8}}", needed) for needed in resource["DependsOn"])
            checked += 1
    assert checked == 6 + 3 + 1


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("owner", "timeout", "memory"),
    [
        ("CdrWriter", 60, 1024),
        ("CdrQuery", 30, 512),
        ("CdrGuard", 60, 256),
        ("MessagingMessages", 30, 512),
        ("MessagingStreamHandler", 60, 512),
        ("BackfillStep", 900, 512),
    ],
)
def test_functions(templates: Templates, stage: str, owner: str, timeout: int, memory: int) -> None:
    function = templates.one(stage, FUNCTION, f"{owner}Function")
    short = OWNERS[owner]
    assert function["FunctionName"] == deployment.function_name(stage, short)
    assert function["Handler"] == f"lambdas.{short.replace('-', '_')}.handler.handle"
    assert (function["Runtime"], function["Architectures"]) == ("python3.14", ["arm64"])
    assert (function["Timeout"], function["MemorySize"]) == (timeout, memory)
    assert function["TracingConfig"] == {"Mode": "Active"}
    assert templates.text(stage, function["Role"]) == f"${{{owner}Role.Arn}}"
    assert templates.text(stage, function["LoggingConfig"]["LogGroup"]) == f"${{{owner}LogGroup}}"
    assert [templates.text(stage, layer) for layer in function["Layers"]] == ["${Dependencies}"]
    assert ("ReservedConcurrentExecutions" in function) is (stage == "prod")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("owner", OWNERS)
def test_the_environment_holds_names_and_no_secrets(templates: Templates, stage: str, owner: str) -> None:
    variables: dict[str, Any] = templates.one(stage, FUNCTION, f"{owner}Function")["Environment"]["Variables"]
    retention = {"SWITCHBOARD_CDR_RETENTION_DAYS": "3650"} if stage == "local" and owner in KNOW_THE_RETENTION else {}
    legacy = {"SWITCHBOARD_LEGACY_TABLES": LEGACY_TABLES[stage]} if owner == "BackfillStep" else {}
    # One less than the concurrent executions that its reviewed inputs set aside for each function.
    workers = {"SWITCHBOARD_BACKFILL_WORKERS": "99"} if stage == "prod" and owner == "BackfillStep" else {}
    assert {name: templates.text(stage, value) for name, value in variables.items()} == ENVIRONMENT[
        owner
    ] | retention | legacy | workers | {
        "SWITCHBOARD_STAGE": stage,
        "SWITCHBOARD_FUNCTION": OWNERS[owner],
    }


@pytest.mark.parametrize(("stage", "days"), [("local", 1), ("dev", 7), ("prod", 365)])
def test_logs_are_kept_as_long_as_the_stage_says(templates: Templates, stage: str, days: int) -> None:
    groups = templates.resources(stage, "AWS::Logs::LogGroup", "functions", "backfill").values()
    assert {group["Properties"]["LogGroupName"] for group in groups} == {
        f"/aws/vendedlogs/states/switchboard-{stage}-backfill",
        *(f"/aws/lambda/switchboard-{stage}-{name}" for name in OWNERS.values()),
    }
    assert {group["Properties"]["RetentionInDays"] for group in groups} == {days}


@pytest.mark.parametrize("stage", STAGES)
def test_failed_asynchronous_invocations_are_retried_and_kept(templates: Templates, stage: str) -> None:
    (config,) = templates.resources(stage, INVOKE_CONFIG).values()
    properties = config["Properties"]
    assert templates.text(stage, properties["FunctionName"]) == "${CdrWriterFunction}"
    assert (properties["Qualifier"], properties["MaximumRetryAttempts"]) == ("$LATEST", 2)
    assert properties["MaximumEventAgeInSeconds"] == 6 * 3600
    assert templates.text(stage, properties["DestinationConfig"]["OnFailure"]["Destination"]) == "${Quarantine.Arn}"


@pytest.mark.parametrize("stage", STAGES)
def test_the_queue_outlasts_its_function_and_keeps_what_it_could_not_deliver(templates: Templates, stage: str) -> None:
    queue = templates.one(stage, QUEUE, "CdrIngestQueue")
    dead_letters = templates.one(stage, QUEUE, "CdrIngestDeadLetters")
    writer = templates.one(stage, FUNCTION, "CdrWriterFunction")
    assert queue["QueueName"] == f"switchboard-{stage}-cdr-ingest"
    assert queue["VisibilityTimeout"] == 6 * writer["Timeout"]
    assert queue["RedrivePolicy"]["maxReceiveCount"] == 5
    assert templates.text(stage, queue["RedrivePolicy"]["deadLetterTargetArn"]) == "${CdrIngestDeadLetters.Arn}"
    assert dead_letters["MessageRetentionPeriod"] == 14 * 24 * 3600
    assert dead_letters["RedriveAllowPolicy"]["redrivePermission"] == "byQueue"
    (source,) = dead_letters["RedriveAllowPolicy"]["sourceQueueArns"]
    assert templates.text(stage, source).endswith(f":{queue['QueueName']}")


@pytest.mark.parametrize("stage", STAGES)
def test_logical_ids_of_queues_never_change(templates: Templates, stage: str) -> None:
    """A changed one makes CloudFormation replace the queue, and delete the records that wait in it."""
    queues = templates.resources(stage, QUEUE, "functions")
    assert set(queues) == {"CdrIngestQueue30252B88", "CdrIngestDeadLetters004ABD21"}


@pytest.mark.parametrize("stage", STAGES)
def test_queues_are_encrypted_without_a_key_and_take_tls_only(templates: Templates, stage: str) -> None:
    guarded = set()
    for policy in templates.resources(stage, "AWS::SQS::QueuePolicy").values():
        (deny,) = templates.statements(stage, policy["Properties"]["PolicyDocument"])
        assert (deny.effect, deny.actions) == ("Deny", ("sqs:*",))
        assert deny.condition == {"Bool": {"aws:SecureTransport": "false"}}
        guarded |= {queue["Ref"] for queue in policy["Properties"]["Queues"]}
    queues = templates.resources(stage, QUEUE)
    assert guarded == set(queues)
    assert {queue["Properties"]["SqsManagedSseEnabled"] for queue in queues.values()} == {True}


@pytest.mark.parametrize("stage", STAGES)
def test_the_writer_takes_messages_in_batches_and_gives_back_single_ones(templates: Templates, stage: str) -> None:
    mapping = templates.one(stage, MAPPING, "CdrWriterFromQueue")
    assert templates.text(stage, mapping["EventSourceArn"]) == "${CdrIngestQueue.Arn}"
    assert templates.text(stage, mapping["FunctionName"]) == "${CdrWriterFunction}"
    assert (mapping["BatchSize"], mapping["MaximumBatchingWindowInSeconds"]) == (100, 1)
    assert mapping["BatchSize"] * KEPT_SINGLY <= 1_000
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


@pytest.mark.parametrize("stage", STAGES)
def test_the_guard_sees_every_change_and_removal_and_no_insert(templates: Templates, stage: str) -> None:
    mapping = templates.one(stage, MAPPING, "CdrGuardFromStream")
    assert templates.text(stage, mapping["EventSourceArn"]) == "${CdrTable.StreamArn}"
    assert templates.text(stage, mapping["FunctionName"]) == "${CdrGuardFunction}"
    (only,) = mapping["FilterCriteria"]["Filters"]
    assert json.loads(only["Pattern"]) == {"eventName": ["MODIFY", "REMOVE"]}
    assert mapping["StartingPosition"] == "TRIM_HORIZON"
    assert (mapping["MaximumRetryAttempts"], mapping["BisectBatchOnFunctionError"]) == (-1, True)
    assert 12 * 3600 < mapping["MaximumRecordAgeInSeconds"] < 24 * 3600
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert templates.text(stage, mapping["DestinationConfig"]["OnFailure"]["Destination"]) == "${Quarantine.Arn}"
