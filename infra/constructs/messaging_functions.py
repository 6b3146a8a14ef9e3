"""The functions of the messages store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk.aws_iam import PolicyStatement
from constructs import Construct

from infra.constructs.function import SwitchboardFunction
from infra.constructs.published import Published
from infra.constructs.quarantine import find_failure_destination, keep_payloads
from infra.constructs.stream import follow_stream, read_stream
from switchboard.schema import deployment, messages

if TYPE_CHECKING:
    from aws_cdk.aws_lambda import CfnEventSourceMapping, ILayerVersion

    from infra.config_types import StageConfig
    from infra.stacks.data import DataStack
    from infra.stacks.network import NetworkStack

STREAM_BATCH: Final = 500
STREAM_WINDOW: Final = Duration.seconds(1)
STREAM_AGE: Final = Duration.hours(6)

NEW_MESSAGES: Final = {
    "eventName": ["INSERT"],
    "dynamodb": {
        "Keys": {messages.PK: {"S": [{"prefix": messages.MESSAGE_PREFIX}]}},
        "NewImage": {messages.OPENING: {"BOOL": [{"exists": False}]}},
    },
}
"""A message that no transaction has put into the memberships already. The handler's own writes never match.

`exists` is a test of leaves, hence the attribute's type (Lambda Developer Guide, "Filter rule syntax").
"""


LEADING_KEYS: Final = "dynamodb:LeadingKeys"
PREVIEW_ATTRIBUTES: Final = (
    messages.PK,
    messages.SK,
    messages.LAST_MESSAGE_SK,
    messages.LAST_MESSAGE,
    messages.LAST_SENDER_UUID,
)


class MessagingFunctions(Construct):
    """`messages`, which calling services invoke, and `stream-handler`, which keeps lists of groups current."""

    def __init__(
        self, scope: Construct, *, stage: StageConfig, data: DataStack, network: NetworkStack, layer: ILayerVersion
    ) -> None:
        super().__init__(scope, "Messaging")
        self._stage = stage
        self._data = data
        self._network = network
        self._layer = layer
        self.messages = self._define_messages()
        self.stream_handler = self._define_stream_handler()
        self.following = self._follow_new_messages()
        self._publish_names()

    def _define_messages(self) -> SwitchboardFunction:
        table = self._data.messages_table.table_arn
        return SwitchboardFunction(
            self,
            "Messages",
            stage=self._stage,
            name=deployment.MESSAGES,
            description="Groups, messages and profiles: every operation of the messages contract, by membership.",
            data=self._data,
            network=self._network,
            layer=self._layer,
            timeout=Duration.seconds(30),
            memory_mb=512,
            environment={deployment.ENV_MESSAGES_TABLE: self._data.messages_table.table_name},
            statements=[
                PolicyStatement(
                    sid="ReadAndWriteConversationsAndProfiles",
                    actions=[
                        "dynamodb:BatchGetItem",
                        "dynamodb:ConditionCheckItem",
                        "dynamodb:DeleteItem",
                        "dynamodb:GetItem",
                        "dynamodb:PutItem",
                        "dynamodb:Query",
                        "dynamodb:UpdateItem",
                    ],
                    resources=[table],
                ),
                PolicyStatement(
                    sid="ListGroupsByRecency",
                    actions=["dynamodb:Query"],
                    resources=[f"{table}/index/{messages.INBOX_BY_RECENCY}"],
                ),
            ],
        )

    def _define_stream_handler(self) -> SwitchboardFunction:
        table = self._data.messages_table
        return SwitchboardFunction(
            self,
            "StreamHandler",
            stage=self._stage,
            name=deployment.STREAM_HANDLER,
            description="Keeps everyone's list of groups current, from the messages table's stream.",
            data=self._data,
            network=self._network,
            layer=self._layer,
            timeout=Duration.seconds(60),
            memory_mb=512,
            environment={
                deployment.ENV_MESSAGES_TABLE: table.table_name,
                deployment.ENV_QUARANTINE_BUCKET: self._data.quarantine.bucket_name,
            },
            statements=[
                read_stream("ReadTheStreamOfMessages", table.stream_arn),
                PolicyStatement(
                    sid="FindTheMembersOfGroups",
                    actions=["dynamodb:BatchGetItem"],
                    resources=[table.table_arn],
                    conditions={"ForAllValues:StringLike": {LEADING_KEYS: [f"{messages.GROUP_PREFIX}*"]}},
                ),
                PolicyStatement(
                    # The loop guard in IAM, and the names' guard: whatever its code does, it writes neither what its
                    # mapping would deliver nor what renaming keeps. An update always states its key, so that an
                    # absent key cannot pass.
                    sid="UpdatePreviewsOfMembershipsOnly",
                    actions=["dynamodb:UpdateItem"],
                    resources=[table.table_arn],
                    conditions={
                        "ForAllValues:StringLike": {LEADING_KEYS: [f"{messages.USER_PREFIX}*"]},
                        "ForAllValues:StringEquals": {"dynamodb:Attributes": list(PREVIEW_ATTRIBUTES)},
                    },
                ),
                keep_payloads(self._data.quarantine, deployment.STREAM_HANDLER),
                find_failure_destination(self._data.quarantine),
            ],
        )

    def _follow_new_messages(self) -> CfnEventSourceMapping:
        return follow_stream(
            self,
            "StreamHandlerFromStream",
            function=self.stream_handler,
            stream_arn=self._data.messages_table.stream_arn,
            pattern=NEW_MESSAGES,
            batch_size=STREAM_BATCH,
            window=STREAM_WINDOW,
            maximum_age=STREAM_AGE,
            quarantine=self._data.quarantine,
        )

    def _publish_names(self) -> None:
        for path, published, description in (
            (deployment.MESSAGES_FUNCTION_PATH, self.messages, "ARN of the function of the messages store."),
            (deployment.STREAM_HANDLER_PATH, self.stream_handler, "ARN of the function that keeps lists current."),
        ):
            arn = published.function.function_arn
            Published(self, stage=self._stage, path=path, value=arn, description=description)
