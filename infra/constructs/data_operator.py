"""What the commands on data call, and so what the role of those who run them may do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Stack
from aws_cdk.aws_iam import PolicyStatement

from infra.constructs.messaging_functions import LEADING_KEYS, PREVIEW_ATTRIBUTES
from infra.constructs.operator_role import OperatorRole, find_what_is_published
from infra.constructs.quarantine import discarded_batches, failed_invocations_of, kept_by
from switchboard.schema import deployment, messages

if TYPE_CHECKING:
    from constructs import Construct

    from infra.config_types import StageConfig
    from infra.stacks.data import DataStack
    from infra.stacks.functions import FunctionsStack

LOOKED_UP: Final = (
    *deployment.TABLE_PATHS.values(),
    deployment.CDR_WRITER_PATH,
    deployment.MESSAGES_FUNCTION_PATH,
    deployment.STREAM_HANDLER_PATH,
    deployment.QUARANTINE_PATH,
)


class DataOperator(OperatorRole):
    """`data-operator`: looks at data, repairs previews, and sends again what was kept in the quarantine."""

    def __init__(self, scope: Construct, *, stage: StageConfig, data: DataStack, functions: FunctionsStack) -> None:
        super().__init__(
            scope,
            "DataOperator",
            stage=stage,
            description="The platform team on data: reads tables, repairs previews, sends quarantined payloads again.",
            statements=[
                find_what_is_published(Stack.of(scope), stage, LOOKED_UP),
                _invoke(functions),
                *_look_at_tables(data),
                *_use_the_quarantine(data, stage),
                *([_write_conversations(data)] if stage.example_data else []),
            ],
        )


def _invoke(functions: FunctionsStack) -> PolicyStatement:
    called = (
        functions.cdr.writer,
        functions.cdr.guard,
        functions.messaging.messages,
        functions.messaging.stream_handler,
    )
    return PolicyStatement(
        sid="ActForPeopleAndSendPayloadsAgain",
        actions=["lambda:InvokeFunction"],
        resources=[each.function.function_arn for each in called],
    )


def _look_at_tables(data: DataStack) -> tuple[PolicyStatement, ...]:
    table = data.messages_table.table_arn
    return (
        PolicyStatement(
            sid="ScanTables",
            actions=["dynamodb:Scan"],
            resources=[data.cdr_table.table_arn, table, data.runs_table.table_arn],
        ),
        PolicyStatement(
            sid="CompareGroupsWithTheirMessages",
            actions=["dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query"],
            resources=[table],
        ),
        PolicyStatement(
            # An update always states its key and its attributes, so that absent ones cannot pass.
            sid="RepairPreviewsOfMembershipsOnly",
            actions=["dynamodb:UpdateItem"],
            resources=[table],
            conditions={
                "ForAllValues:StringLike": {LEADING_KEYS: [f"{messages.USER_PREFIX}*"]},
                "ForAllValues:StringEquals": {"dynamodb:Attributes": list(PREVIEW_ATTRIBUTES)},
            },
        ),
    )


def _use_the_quarantine(data: DataStack, stage: StageConfig) -> tuple[PolicyStatement, ...]:
    names = (
        *(kept_by(function) for function in (deployment.CDR_GUARD, deployment.CDR_WRITER, deployment.STREAM_HANDLER)),
        failed_invocations_of(deployment.function_name(stage.name, deployment.CDR_WRITER)),
        discarded_batches(),
    )
    return (
        PolicyStatement(sid="ListTheQuarantine", actions=["s3:ListBucket"], resources=[data.quarantine.bucket_arn]),
        PolicyStatement(
            sid="ReadTheQuarantineAndRemoveWhatIsSettled",
            actions=["s3:DeleteObject", "s3:GetObject"],
            resources=[data.quarantine.arn_for_objects(name) for name in names],
        ),
    )


def _write_conversations(data: DataStack) -> PolicyStatement:
    return PolicyStatement(
        sid="WriteExampleConversations",
        actions=["dynamodb:ConditionCheckItem", "dynamodb:PutItem"],
        resources=[data.messages_table.table_arn],
    )
