"""What holds for the role of every function: what Lambda does in its name, and what it can never do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Arn, ArnComponents, ArnFormat, Stack
from aws_cdk.aws_iam import Effect, ManagedPolicy, PolicyStatement

from infra.constructs import dynamodb_actions
from infra.constructs.key import DYNAMODB_USE, S3_USE
from infra.constructs.shapes import UUID
from switchboard.schema import deployment, runs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from infra.config_types import StageConfig
    from infra.stacks.data import DataStack

OF_THE_CODE: Final = {"Null": {"lambda:SourceFunctionArn": "false"}}
OF_LAMBDA: Final = {"Null": {"lambda:SourceFunctionArn": "true"}}
"""Lambda names the function in every request of its code, and in none that it makes itself in the role's name, but for
logs, traces and file systems (Lambda Developer Guide, "Using source function ARN to control function access
behavior")."""

NETWORK_INTERFACES: Final = (
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
)
"""What Lambda does to attach a function to a network (Lambda Developer Guide, "Required IAM permissions")."""


class LambdaService(ManagedPolicy):
    """What Lambda itself does in the name of every function of a stage: traces, streams, failures, network interfaces.

    One policy for all, so that the few permissions that no resource can narrow stand in one place. The code of a
    function, which holds the same credentials, is granted neither streams nor batches, and denied network interfaces.
    """

    def __init__(
        self, scope: Construct, *, stage: StageConfig, data: DataStack, subnets: Sequence[str], security_group: str
    ) -> None:
        stack = Stack.of(scope)
        interfaces = _ec2(stack, "network-interface", "*")
        super().__init__(
            scope,
            "LambdaService",
            description=f"What Lambda does in the name of every function of stage {stage.name}.",
            statements=[
                _send_traces(),
                _set_failures_aside(data),
                PolicyStatement(
                    sid="LookForTheStream",
                    actions=[dynamodb_actions.LIST_STREAMS],
                    resources=["*"],
                    conditions=OF_LAMBDA,
                ),
                PolicyStatement(
                    # Not the shape of the rest of the name: Lambda would lose a batch whose shard AWS named otherwise.
                    sid="KeepDiscardedStreamBatches",
                    actions=["s3:PutObject"],
                    resources=[data.quarantine.arn_for_objects(f"{deployment.LAMBDA_PREFIX}{UUID}/*")],
                    conditions=OF_LAMBDA,
                ),
                PolicyStatement(
                    # EC2 knows no resource to which looking could be narrowed.
                    sid="SeeSubnetsAndNetworkInterfaces",
                    actions=["ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets"],
                    resources=["*"],
                ),
                PolicyStatement(
                    sid="ConnectToThePrivateSubnets",
                    actions=["ec2:CreateNetworkInterface"],
                    resources=[
                        interfaces,
                        _ec2(stack, "security-group", security_group),
                        *(_ec2(stack, "subnet", subnet) for subnet in subnets),
                    ],
                ),
                PolicyStatement(
                    sid="TendNetworkInterfaces",
                    actions=[
                        "ec2:AssignPrivateIpAddresses",
                        "ec2:DeleteNetworkInterface",
                        "ec2:UnassignPrivateIpAddresses",
                    ],
                    resources=[interfaces],
                ),
                PolicyStatement(
                    sid="KeepNetworkInterfacesFromTheCode",
                    effect=Effect.DENY,
                    actions=list(NETWORK_INTERFACES),
                    resources=["*"],
                    conditions=OF_THE_CODE,
                ),
            ],
        )


class FunctionBoundary(ManagedPolicy):
    """What the role of a function can do at most, whatever is ever attached to it: data of this stage, nothing else.

    With `endpoint`, the id of the endpoint of DynamoDB, items of tables only through it: credentials that left the
    function are worth nothing elsewhere. Streams, queues, logs and buckets are left out of that, because Lambda reads
    and writes them in the role's name from outside the network.
    """

    def __init__(self, scope: Construct, *, stage: StageConfig, data: DataStack, endpoint: str | None) -> None:
        super().__init__(
            scope,
            "FunctionBoundary",
            description=f"What the role of any function of stage {stage.name} can do at most.",
            statements=[
                *_data_of_this_stage(data),
                *_around_a_function(Stack.of(scope), stage, data),
                *([_items_only_through(endpoint)] if endpoint else []),
            ],
        )


def _data_of_this_stage(data: DataStack) -> tuple[PolicyStatement, ...]:
    keys = [key.key_arn for key in data.keys]
    return (
        PolicyStatement(
            sid="ItemsOfItsTables",
            actions=[*dynamodb_actions.ON_ITEMS, *dynamodb_actions.DESCRIBE],
            resources=data.items,
        ),
        PolicyStatement(sid="ExportsOfItsTables", actions=[dynamodb_actions.EXPORT], resources=data.targets),
        PolicyStatement(
            sid="ProgressOfItsExports",
            actions=[dynamodb_actions.DESCRIBE_EXPORT],
            resources=[f"{table}/export/*" for table in data.targets],
        ),
        PolicyStatement(
            sid="ObjectsOfItsExports",
            actions=list(dynamodb_actions.WRITE_EXPORT),
            resources=[data.reports.arn_for_objects(f"{runs.EXPORTS_PREFIX}*")],
        ),
        PolicyStatement(
            sid="StreamsOfItsTables",
            actions=list(dynamodb_actions.READ_STREAM),
            resources=[data.cdr_table.stream_arn, data.messages_table.stream_arn],
        ),
        PolicyStatement(sid="ListsOfStreams", actions=[dynamodb_actions.LIST_STREAMS], resources=["*"]),
        PolicyStatement(
            sid="ItsBuckets", actions=["s3:ListBucket"], resources=[bucket.bucket_arn for bucket in data.buckets]
        ),
        PolicyStatement(
            sid="ObjectsOfItsBuckets",
            actions=["s3:GetObject", "s3:PutObject"],
            resources=[bucket.arn_for_objects("*") for bucket in data.buckets],
        ),
        *(
            [PolicyStatement(sid="KeysOfItsData", actions=sorted({*DYNAMODB_USE, *S3_USE}), resources=keys)]
            if keys
            else []
        ),
    )


def _around_a_function(stack: Stack, stage: StageConfig, data: DataStack) -> tuple[PolicyStatement, ...]:
    log_groups = [
        stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"/aws/lambda/{deployment.function_name(stage.name, function)}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        for function in deployment.FUNCTIONS
    ]
    return (
        _set_failures_aside(data),
        PolicyStatement(
            sid="MessagesOfItsQueue",
            actions=["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
            resources=[
                stack.format_arn(service="sqs", resource=deployment.queue_name(stage.name, deployment.CDR_INGEST))
            ],
        ),
        PolicyStatement(
            sid="LogsOfItsFunctions", actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=log_groups
        ),
        _send_traces(),
        PolicyStatement(
            # For Lambda; which subnets and interfaces, the policy says that grants it.
            sid="NetworkInterfaces",
            actions=list(NETWORK_INTERFACES),
            resources=["*"],
        ),
    )


def _items_only_through(endpoint: str) -> PolicyStatement:
    return PolicyStatement(
        sid="ItemsOnlyThroughTheEndpoint",
        effect=Effect.DENY,
        actions=list(dynamodb_actions.ON_ITEMS),
        resources=["*"],
        conditions={"StringNotEquals": {"aws:SourceVpce": endpoint}},
    )


def _set_failures_aside(data: DataStack) -> PolicyStatement:
    return PolicyStatement(
        sid="SetFailedInvocationsAside",
        actions=["sqs:SendMessage"],
        resources=[data.failed_invocations.queue_arn],
    )


def _send_traces() -> PolicyStatement:
    return PolicyStatement(
        # X-Ray knows no resource to which these two could be narrowed.
        sid="SendTraces",
        actions=["xray:PutTelemetryRecords", "xray:PutTraceSegments"],
        resources=["*"],
    )


def _ec2(stack: Stack, resource: str, name: str) -> str:
    return Arn.format(ArnComponents(service="ec2", resource=resource, resource_name=name), stack)
