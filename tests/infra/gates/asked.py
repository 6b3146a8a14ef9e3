"""The requests that the simulator decides, by what they show: services, functions, tables, ways out, keys, trust."""

from __future__ import annotations

from typing import Final

from tests.infra.gates.decisions import (
    DEPLOYMENT,
    FEDERATED,
    KEY,
    OTHER_ACCOUNT,
    OTHER_TEAM,
    PLATFORM_TEAM,
    ROOT_USER,
    Answer,
    Request,
)
from tests.infra.gates.deployed import ACCOUNT, REGION

YES, NO, NEVER = Answer.YES, Answer.NO, Answer.NEVER

QM, READER, BACKEND = (f"access/{name}/Role" for name in ("QmService", "CdrReader", "MessagingService"))
DATA_OPERATOR, BACKFILL_OPERATOR, DEPLOYER = (
    f"access/{name}/Role" for name in ("DataOperator", "BackfillOperator", "Deployer")
)
WRITER, QUERY, GUARD = (f"functions/Cdr/{name}/Role" for name in ("Writer", "Query", "Guard"))
MESSAGES, STREAM = (f"functions/Messaging/{name}/Role" for name in ("Messages", "StreamHandler"))
BACKFILL, MACHINE, BACKUP = "backfill/Backfill/Step/Role", "backfill/Machine/Role", "data/Backup/Role"
WRITES, QUERIES = "functions/Cdr/Writer/Function", "functions/Cdr/Query/Function"
TALKS, BACKFILLS = "functions/Messaging/Messages/Function", "backfill/Backfill/Step/Function"
CDRS, TALK, RUNS = "data/CdrTable", "data/MessagesTable", "data/RunsTable"
QUEUE, KEPT, REPORTS = "functions/Cdr/Ingest/Queue", "data/Quarantine", "data/Reports"
TABLE_KEY = "data/TableKey"
OURS, OURS_S3 = "network/Endpoints/DynamoDb", "network/Endpoints/S3"
PUT: Final = "s3:PutObject"
MAPPING: Final = "0f1e2d3c-4b5a-4697-8877-665544332211"
PAYLOAD: Final = f"2026/11/21/{'0a' * 32}.json"
BATCH: Final = f"aws/lambda/{MAPPING}/shardId-00000001414562045508-2bac9cd2/2026/11/21/2026-11-21T06.30.00-{MAPPING}"
REPORT: Final = f"runs/{MAPPING}/report.json"
JOURNAL: Final = f"runs/{MAPPING}/journal/000001/01-000000001-x"
COPY: Final = f"arn:aws:backup:{REGION}:{ACCOUNT}:recovery-point:{MAPPING}"
EXECUTION: Final = f"arn:aws:states:{REGION}:{ACCOUNT}:execution:switchboard-prod-backfill:{MAPPING}"
BY_CODE: Final = {"lambda:SourceFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:switchboard-prod-cdr-guard"}
INVOKE, SEND, ASSUME = "lambda:InvokeFunction", "sqs:SendMessage", "sts:AssumeRole"
ANYWHERE: Final = {"aws:RequestedRegion": "us-west-2"}
STREAMED = "/stream/2026-11-21T00:00:00.000"
SUBJECT = "token.actions.githubusercontent.com:sub"
AUDIENCE = "token.actions.githubusercontent.com:aud"
FOR_AWS: Final = {AUDIENCE: "sts.amazonaws.com"}
PROVIDER = f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com"
THEIR_TABLE = f"arn:aws:dynamodb:{REGION}:{OTHER_ACCOUNT}:table/theirs"
DELETE: Final = "dynamodb:DeleteTable"
OLD: Final = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/qm_cdr"
RESTORED: Final = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/restored-switchboard-prod-data-CdrTable-1ABCDEFGHIJKL"
IMPORTED: Final = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/switchboard-prod-data-CdrTable-1ABCDEFGHIJKL-restored"
THROUGH_DYNAMODB: Final = {"kms:ViaService": f"dynamodb.{REGION}.amazonaws.com", "kms:CallerAccount": ACCOUNT}
INTERFACE = f"arn:aws:ec2:{REGION}:{ACCOUNT}:network-interface/eni-0123456789abcdef0"
PREVIEW: Final = {
    "dynamodb:LeadingKeys": ["USER#u-1"],
    "dynamodb:Attributes": ["pk", "sk", "last_message_sk", "last_message", "last_sender_uuid"],
}

REQUESTS: Final = (
    # --- what services call, and what the others call -------------------------------------------------------------
    Request("QM stores a record", YES, QM, INVOKE, WRITES),
    Request("QM sends one to the queue", YES, QM, SEND, QUEUE),
    Request("QM takes none from the queue", NO, QM, "sqs:ReceiveMessage", QUEUE),
    Request("QM reads no records", NO, QM, INVOKE, QUERIES),
    Request("QM reads no messages", NO, QM, INVOKE, TALKS),
    Request("QM reaches no table", NO, QM, "dynamodb:GetItem", CDRS),
    Request("reporting reads records", YES, READER, INVOKE, QUERIES),
    Request("reporting stores none", NO, READER, INVOKE, WRITES),
    Request("reporting sends none", NO, READER, SEND, QUEUE),
    Request("the backend reads messages", YES, BACKEND, INVOKE, TALKS),
    Request("the backend stores no record", NO, BACKEND, INVOKE, WRITES),
    Request("no service calls a step of a backfill", NO, BACKEND, INVOKE, BACKFILLS),
    # --- what functions do, and only from inside ------------------------------------------------------------------
    Request("the writer creates records", YES, WRITER, "dynamodb:PartiQLInsert", CDRS, through=OURS),
    Request("the writer's credentials, outside", NEVER, WRITER, "dynamodb:PartiQLInsert", CDRS),
    Request(
        "the writer's credentials, in another network",
        NEVER,
        WRITER,
        "dynamodb:PartiQLInsert",
        CDRS,
        {"aws:SourceVpce": "vpce-0123456789abcdef0"},
    ),
    Request("the writer replaces no record", NO, WRITER, "dynamodb:PutItem", CDRS, through=OURS),
    Request("the writer changes no record", NO, WRITER, "dynamodb:PartiQLUpdate", CDRS, through=OURS),
    Request("the writer deletes no record", NO, WRITER, "dynamodb:PartiQLDelete", CDRS, through=OURS),
    Request("the writer deletes no table", NO, WRITER, "dynamodb:DeleteTable", CDRS),
    Request("the writer knows no messages", NO, WRITER, "dynamodb:PartiQLInsert", TALK, through=OURS),
    Request("Lambda polls the queue for the writer", YES, WRITER, "sqs:ReceiveMessage", QUEUE),
    Request("Lambda sets aside what failed", YES, WRITER, SEND, "data/FailedInvocations"),
    Request("the query reads by day", YES, QUERY, "dynamodb:Query", CDRS, below="/index/by_day", through=OURS),
    Request("the query scans nothing", NO, QUERY, "dynamodb:Scan", CDRS, through=OURS),
    Request("Lambda polls the stream for the guard", YES, GUARD, "dynamodb:GetRecords", CDRS, below=STREAMED),
    Request("the guard reads no record", NO, GUARD, "dynamodb:GetItem", CDRS, through=OURS),
    Request("the guard keeps what it saw", YES, GUARD, PUT, KEPT, below=f"/cdr-guard/{PAYLOAD}", through=OURS_S3),
    Request("the guard keeps nothing by another name", NO, GUARD, PUT, KEPT, below="/cdr-guard/x", through=OURS_S3),
    Request("the guard keeps nothing for others", NO, GUARD, PUT, KEPT, below=f"/cdr-writer/{PAYLOAD}"),
    Request("Lambda looks for the stream", YES, GUARD, "dynamodb:ListStreams", "*"),
    Request("a function's code does not", NO, GUARD, "dynamodb:ListStreams", "*", BY_CODE),
    Request("Lambda keeps a batch that it gave up", YES, GUARD, PUT, KEPT, below=f"/{BATCH}"),
    Request("a function's code keeps none", NO, GUARD, PUT, KEPT, BY_CODE, below=f"/{BATCH}"),
    Request("an operator reads a batch", YES, DATA_OPERATOR, "s3:GetObject", KEPT, below=f"/{BATCH}"),
    Request(
        "an operator removes a payload", YES, DATA_OPERATOR, "s3:DeleteObject", KEPT, below=f"/cdr-guard/{PAYLOAD}"
    ),
    Request("an operator reads nothing else", NO, DATA_OPERATOR, "s3:GetObject", KEPT, below="/other/x"),
    Request("an operator reads a report", YES, BACKFILL_OPERATOR, "s3:GetObject", REPORTS, below=f"/{REPORT}"),
    Request("an operator reads no journal", NO, BACKFILL_OPERATOR, "s3:GetObject", REPORTS, below=f"/{JOURNAL}"),
    Request("an operator watches a run", YES, BACKFILL_OPERATOR, "states:DescribeExecution", EXECUTION),
    Request("a preview is updated", YES, STREAM, "dynamodb:UpdateItem", TALK, PREVIEW, through=OURS),
    Request(
        "a message is not",
        NO,
        STREAM,
        "dynamodb:UpdateItem",
        TALK,
        {**PREVIEW, "dynamodb:LeadingKeys": ["MSG#g-1"]},
        through=OURS,
    ),
    Request(
        "a name is not",
        NO,
        STREAM,
        "dynamodb:UpdateItem",
        TALK,
        {**PREVIEW, "dynamodb:Attributes": ["pk", "sk", "other_display_name"]},
        through=OURS,
    ),
    Request("a backfill changes messages", YES, BACKFILL, "dynamodb:PartiQLUpdate", TALK, through=OURS),
    Request("a backfill changes no record", NO, BACKFILL, "dynamodb:PartiQLUpdate", CDRS, through=OURS),
    Request("the machine calls its function", YES, MACHINE, INVOKE, BACKFILLS),
    Request("the machine calls no other", NO, MACHINE, INVOKE, WRITES),
    Request("tables are copied", YES, BACKUP, "dynamodb:StartAwsBackupJob", CDRS),
    Request("and not read", NO, BACKUP, "dynamodb:Scan", CDRS),
    Request("a copy is tagged", YES, BACKUP, "backup:TagResource", COPY),
    Request("and not removed", NO, BACKUP, "backup:DeleteRecoveryPoint", COPY),
    Request("Lambda connects a function", YES, WRITER, "ec2:CreateNetworkInterface", INTERFACE),
    Request(
        "a function's code connects nothing",
        NEVER,
        WRITER,
        "ec2:CreateNetworkInterface",
        INTERFACE,
        {"lambda:SourceFunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:switchboard-prod-cdr-writer"},
    ),
    # --- boundaries: what nobody can add --------------------------------------------------------------------------
    Request("a function never deletes a table", NO, WRITER, "dynamodb:DeleteTable", CDRS, also_given=True),
    Request("a function never gets a key", NO, WRITER, "iam:CreateAccessKey", f"{KEY.arn}", also_given=True),
    Request("a function's items never outside", NEVER, WRITER, "dynamodb:Scan", CDRS, also_given=True),
    Request("a service never reads a table", NO, QM, "dynamodb:GetItem", CDRS, also_given=True),
    Request("a service never reads a bucket", NO, QM, "s3:GetObject", KEPT, below="/x", also_given=True),
    # --- the table's own policy -----------------------------------------------------------------------------------
    Request("a person's key reads no record", NEVER, KEY, "dynamodb:GetItem", CDRS),
    Request("a person's key writes no message", NEVER, KEY, "dynamodb:PutItem", TALK),
    Request("a person's key takes no export", NEVER, KEY, "dynamodb:ExportTableToPointInTime", CDRS),
    Request("a session of a person's key reads none", NEVER, FEDERATED, "dynamodb:Query", CDRS),
    Request("the account's root reads none", NEVER, ROOT_USER, "dynamodb:Scan", CDRS),
    Request("who signed in reads none", NEVER, PLATFORM_TEAM, "dynamodb:Scan", TALK),
    Request("who signed in looks at the table", YES, PLATFORM_TEAM, "dynamodb:DescribeTable", CDRS),
    Request("who signed in mends the policy", YES, PLATFORM_TEAM, "dynamodb:PutResourcePolicy", CDRS),
    Request("an operator's role scans", YES, DATA_OPERATOR, "dynamodb:Scan", CDRS),
    Request("an operator's role deletes nothing", NO, DATA_OPERATOR, "dynamodb:DeleteItem", TALK),
    # --- endpoints: the way out -----------------------------------------------------------------------------------
    Request("no way to another account's table", NO, PLATFORM_TEAM, "dynamodb:PutItem", THEIR_TABLE, through=OURS),
    Request("no way to another bucket", NO, DEPLOYMENT, "s3:PutObject", "arn:aws:s3:::theirs/x", through=OURS_S3),
    Request("no table is deleted from inside", NO, DEPLOYMENT, "dynamodb:DeleteTable", CDRS, through=OURS),
    # --- keys -----------------------------------------------------------------------------------------------------
    Request("DynamoDB decrypts for a caller", YES, DATA_OPERATOR, "kms:Decrypt", TABLE_KEY, THROUGH_DYNAMODB),
    Request("nobody decrypts by himself", NO, DATA_OPERATOR, "kms:Decrypt", TABLE_KEY),
    Request(
        "nor through another service",
        NO,
        DATA_OPERATOR,
        "kms:Decrypt",
        TABLE_KEY,
        {**THROUGH_DYNAMODB, "kms:ViaService": f"s3.{REGION}.amazonaws.com"},
    ),
    Request(
        "nobody hands the key on",
        NEVER,
        PLATFORM_TEAM,
        "kms:CreateGrant",
        TABLE_KEY,
        {**THROUGH_DYNAMODB, "kms:GrantIsForAWSResource": "false", "aws:PrincipalIsAWSService": "false"},
    ),
    # --- who becomes what -----------------------------------------------------------------------------------------
    Request("an instance becomes QM", YES, "ec2.amazonaws.com", ASSUME, QM),
    Request("a function does not", NO, "lambda.amazonaws.com", ASSUME, QM),
    Request(
        "a task of the account becomes reporting",
        YES,
        "ecs-tasks.amazonaws.com",
        ASSUME,
        READER,
        {"aws:SourceAccount": ACCOUNT},
    ),
    Request(
        "a task of another account does not",
        NO,
        "ecs-tasks.amazonaws.com",
        ASSUME,
        READER,
        {"aws:SourceAccount": OTHER_ACCOUNT},
    ),
    Request("QM does not become reporting", NO, QM, ASSUME, READER),
    Request("the team becomes the operator", YES, PLATFORM_TEAM, ASSUME, DATA_OPERATOR),
    Request("another team does not", NO, OTHER_TEAM, ASSUME, DATA_OPERATOR),
    Request("a person's key does not", NO, KEY, ASSUME, BACKFILL_OPERATOR),
    Request(
        "the pipeline becomes the deployer",
        YES,
        PROVIDER,
        "sts:AssumeRoleWithWebIdentity",
        DEPLOYER,
        {SUBJECT: "repo:example/switchboard:environment:prod", **FOR_AWS},
    ),
    Request(
        "a branch does not",
        NO,
        PROVIDER,
        "sts:AssumeRoleWithWebIdentity",
        DEPLOYER,
        {SUBJECT: "repo:example/switchboard:ref:refs/heads/main", **FOR_AWS},
    ),
    Request(
        "a copy of the repository does not",
        NO,
        PROVIDER,
        "sts:AssumeRoleWithWebIdentity",
        DEPLOYER,
        {SUBJECT: "repo:someone/switchboard:environment:prod", **FOR_AWS},
    ),
    Request(
        "a token made for others does not",
        NO,
        PROVIDER,
        "sts:AssumeRoleWithWebIdentity",
        DEPLOYER,
        {SUBJECT: "repo:example/switchboard:environment:prod", AUDIENCE: "elsewhere"},
    ),
    # --- the organisation: what nobody in an account may do --------------------------------------------------------
    Request("deployment deletes a table", YES, DEPLOYMENT, "dynamodb:DeleteTable", CDRS, in_organisation=True),
    Request("an administrator does not", NEVER, PLATFORM_TEAM, "dynamodb:DeleteTable", CDRS, in_organisation=True),
    Request("a service does not", NEVER, QM, "dynamodb:DeleteTable", CDRS, in_organisation=True, also_given=True),
    Request("an administrator deletes the old table", YES, PLATFORM_TEAM, DELETE, OLD, in_organisation=True),
    Request("an administrator deletes a restored one", YES, PLATFORM_TEAM, DELETE, RESTORED, in_organisation=True),
    Request("none that may be deployed", NEVER, PLATFORM_TEAM, DELETE, IMPORTED, in_organisation=True),
    Request("an administrator makes none", NEVER, PLATFORM_TEAM, "dynamodb:CreateTable", OLD, in_organisation=True),
    Request("deployment makes no user", NEVER, DEPLOYMENT, "iam:CreateUser", KEY.arn, in_organisation=True),
    Request(
        "an administrator makes no key", NEVER, PLATFORM_TEAM, "iam:CreateAccessKey", KEY.arn, in_organisation=True
    ),
    Request("nothing elsewhere", NEVER, PLATFORM_TEAM, "lambda:ListFunctions", "*", ANYWHERE, in_organisation=True),
    Request("here, yes", YES, PLATFORM_TEAM, "lambda:ListFunctions", "*", in_organisation=True),
    Request(
        "global services answer from elsewhere",
        YES,
        PLATFORM_TEAM,
        "iam:ListRoles",
        "*",
        {"aws:RequestedRegion": "us-east-1"},
        in_organisation=True,
    ),
    Request(
        "nobody stops the trail",
        NEVER,
        PLATFORM_TEAM,
        "cloudtrail:StopLogging",
        f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/any",
        in_organisation=True,
    ),
)
"""At least one request per condition, boundary, endpoint, table policy, trust and statement of the organisation."""
