"""What the checks of the templates still find, why it stays, and what limits the risk.

Five sets of rules, AWS Control Tower's and those of two linters are asked about every stage but `local`. Whatever they
find stands here, construct by construct and rule by rule; whatever stands here is found. A test compares both ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is not as the rules want it."""

    reason: str
    """Why it stays, and what limits the risk."""
    found: Mapping[str, tuple[str, ...]]
    """The rules that name it, by the construct's path below its stage."""


@dataclass(frozen=True, slots=True)
class Misjudged:
    """A rule that is wrong about this system wherever it is broken, and what judges the same instead."""

    rule: str
    reason: str
    instead: str
    """The rule or the test that holds what this one means."""


def _allows(*resources: str) -> tuple[str, ...]:
    return tuple(f"AwsSolutions-IAM5[Resource::{resource}]" for resource in resources)


def _in_packs(rule: str, *packs: str) -> tuple[str, ...]:
    return tuple(f"{pack}-{rule}" for pack in packs)


NIST, HIPAA, PCI, SERVERLESS = "NIST.800.53.R5", "HIPAA.Security", "PCI.DSS.321", "Serverless"

MISJUDGED: Final = (
    Misjudged(
        "lambda_inside_vpc_check",
        "Knows subnets and security groups of the same template only; those of the functions are in the stack network.",
        f"{NIST}-LambdaInsideVPC",
    ),
    Misjudged(
        "cloudwatch_log_group_encrypted_check",
        "Knows keys of the same template only; the key of logs is in the stack data.",
        f"{NIST}-CloudWatchLogGroupEncrypted",
    ),
    Misjudged(
        "I3510",
        "Knows the last kind of an action's resources only. What AWS Backup tags is of many kinds.",
        "test_every_named_resource_is_one_that_its_action_knows",
    ),
    Misjudged(
        "CKV_AWS_27",
        "Knows customer-managed keys only. Queues are encrypted with SQS's own keys, so that a sender needs none.",
        "test_every_queue_is_encrypted_by_sqs",
    ),
    Misjudged(
        "CKV_AWS_33",
        "Overlooks the conditions: any caller, but of this account, and through one named service.",
        "test_a_key_is_open_to_callers_of_the_account_through_one_service_only",
    ),
    Misjudged(
        f"{SERVERLESS}-SQSRedrivePolicy",
        "Asks a dead-letter queue for a dead-letter queue, and so on without an end.",
        "test_what_a_queue_cannot_deliver_goes_to_a_dead_letter_queue",
    ),
    Misjudged(
        f"{SERVERLESS}-LambdaEventSourceMappingDestination",
        "Asks mappings of queues, too, for a destination of failures, which Lambda takes of streams only.",
        "test_what_a_mapping_cannot_deliver_is_kept",
    ),
)

_NO_RESOURCE: Final = Gap(
    "X-Ray, log delivery, lists of streams and looking at network interfaces know no resource to which they could be "
    "narrowed, which a test proves action by action; they read and write no data of this system. Executions and "
    "discarded batches get their names from AWS: the machine follows and stops its own executions only, and Lambda "
    "writes batches below one prefix of the quarantine. The code of a function is granted neither, and denied network "
    "interfaces. The boundary gives nothing by itself.",
    {
        "backfill/Machine/Policy": _allows(
            "*",
            "arn:states:execution:switchboard-<stage>-backfill/Segments:*",
            "arn:states:execution:switchboard-<stage>-backfill:*",
        ),
        "network/FunctionBoundary": (
            *_allows(
                "*",
                "<MessagesTable.Arn>/export/*",
                "<Quarantine.Arn>/*",
                "<Reports.Arn>/*",
                "<Reports.Arn>/exports/*",
                *(
                    f"arn:logs:log-group:/aws/lambda/switchboard-<stage>-{function}:*"
                    for function in ("backfill", "cdr-guard", "cdr-query", "cdr-writer", "messages", "stream-handler")
                ),
            ),
            "CKV_AWS_111",
        ),
        "network/LambdaService": _allows(
            "*",
            "<Quarantine.Arn>/aws/lambda/????????-????-????-????-????????????/*",
            "arn:ec2:network-interface/*",
        ),
    },
)

_NAMED_BY_EXPORTS: Final = Gap(
    "DynamoDB gives an export and each of its objects a name, and an operator names a mapping file: nobody knows them "
    "when the policy is written. Each pattern begins with this system's own table, or with one prefix of its own "
    "bucket of reports, its actions are listed one by one, and an operator reads only reports and failed keys.",
    {
        "backfill/Backfill/Step/Policy": _allows(
            "<MessagesTable.Arn>/export/*",
            "<Reports.Arn>/exports/*",
            "<Reports.Arn>/mappings/*",
            "<Reports.Arn>/runs/*",
        ),
    },
)

_END_OF_THE_LINE: Final = Gap(
    "A dead-letter queue has no dead-letter queue of its own, and these rules do not see that this is the one of every "
    "function. It keeps its messages for 14 days, the longest there is, an alarm says when one arrives, and no other "
    "queue may send there.",
    {"data/FailedInvocations": ("AwsSolutions-SQS3", "sqs_dlq_check")},
)

_DEFAULT_GROUP: Final = Gap(
    "Without any input the stage makes its network, whose default security group CloudFormation cannot close. Nothing "
    "is in it: the functions have a group of their own, and the network has no way in and none out but two endpoints.",
    {"network/Private/Vpc": _in_packs("VPCDefaultSecurityGroupClosed", NIST, HIPAA, PCI)},
)

PROD: Final = (_NO_RESOURCE, _NAMED_BY_EXPORTS, _END_OF_THE_LINE)

_FUNCTIONS: Final = (
    "backfill/Backfill/Step",
    "functions/Cdr/Guard",
    "functions/Cdr/Query",
    "functions/Cdr/Writer",
    "functions/Messaging/Messages",
    "functions/Messaging/StreamHandler",
)
_LOG_GROUPS: Final = (
    *(f"{function}/LogGroup" for function in _FUNCTIONS),
    "backfill/Machine/LogGroup",
    "network/Private/FlowLogGroup",
)
_TABLES: Final = ("data/CdrTable", "data/MessagesTable", "data/RunsTable")
_BUCKETS: Final = ("data/AccessLogs", "data/Quarantine", "data/Reports")

_NO_KEYS = (
    "Customer-managed keys are not part of the free tier. Everything is encrypted with keys that AWS manages, and the "
    "stage holds no data of real people."
)

DEV: Final = (
    _NO_RESOURCE,
    _NAMED_BY_EXPORTS,
    _END_OF_THE_LINE,
    _DEFAULT_GROUP,
    Gap(
        "A copy of every object is not part of the free tier. Versions of objects outlive their deletion for 90 days, "
        "and the stage holds no data of real people.",
        dict.fromkeys(_BUCKETS, _in_packs("S3BucketReplicationEnabled", NIST, HIPAA, PCI)),
    ),
    Gap(
        _NO_KEYS,
        {
            **{
                group: ("CKV_AWS_158", *_in_packs("CloudWatchLogGroupEncrypted", NIST, HIPAA, PCI))
                for group in _LOG_GROUPS
            },
            **{f"{function}/Function": ("CKV_AWS_173",) for function in _FUNCTIONS},
            "observability/Alarms/Topic": ("CKV_AWS_26", *_in_packs("SNSEncryptedKMS", NIST, HIPAA, PCI)),
            **dict.fromkeys(_TABLES, ("CKV_AWS_119", "dynamodb_table_encrypted_kms_check")),
            **dict.fromkeys(
                _BUCKETS,
                (
                    "s3_bucket_default_encryption_kms_check",
                    *_in_packs("S3DefaultEncryptionKMS", NIST, HIPAA, PCI),
                ),
            ),
        },
    ),
    Gap(
        "Logs cost by size and month. A week of them shows what a developer looks for, and nobody audits the stage.",
        dict.fromkeys(_LOG_GROUPS, ("cloudwatch_log_group_retention_period_check",)),
    ),
    Gap(
        "A new account runs ten functions at once, out of which none can be set aside. Tables take at most the units "
        "of the free tier, so no function can overload them.",
        {
            f"{function}/Function": ("CKV_AWS_115", *_in_packs("LambdaConcurrency", NIST, HIPAA))
            for function in _FUNCTIONS
        },
    ),
    Gap(
        "The free tier is 25 units each way, and the tables have exactly those: growing would cost, and so would "
        "copies. Every table recovers to any second of the last 35 days.",
        dict.fromkeys(
            _TABLES,
            (
                *_in_packs("DynamoDBAutoScalingEnabled", NIST, HIPAA),
                *_in_packs("DynamoDBInBackupPlan", NIST, HIPAA),
            ),
        ),
    ),
    Gap(
        "The account has no bucket of access logs to name, so the stage makes one. It does not log itself, which would "
        "never end.",
        {"data/AccessLogs": ("CKV_AWS_18", "s3_bucket_logging_enabled_check")},
    ),
    Gap(
        "S3 writes no access logs into a bucket whose objects can be locked. Only S3 puts objects there, and what is "
        "overwritten or deleted stays for a week as an old version.",
        {"data/AccessLogs": ("s3_bucket_object_lock_enabled_check",)},
    ),
)

ACKNOWLEDGED: Final = {"dev": DEV, "prod": PROD}
"""By stage: every gap that the checks find there."""
