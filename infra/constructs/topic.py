"""Where alarms go: a topic that only this stage's alarms may publish to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack, Tags
from aws_cdk.aws_iam import AnyPrincipal, Effect, PolicyDocument, PolicyStatement, ServicePrincipal
from aws_cdk.aws_sns import CfnSubscription, Topic, TopicPolicy
from constructs import Construct

from infra.constructs.key import S3_USE as DATA_KEY_USE
from infra.constructs.key import SwitchboardKey
from switchboard.schema.deployment import alarm_name

if TYPE_CHECKING:
    from infra.config_types import StageConfig

ALARMS = ServicePrincipal("cloudwatch.amazonaws.com")


class AlarmTopic(Construct):
    """The topic, its policy, its key where the stage has keys, and the stage's one address where it names one."""

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageConfig) -> None:
        super().__init__(scope, construct_id)
        key = self._define_key(stage) if stage.customer_managed_key else None
        self.topic = Topic(
            self,
            "Topic",
            topic_name=alarm_name(stage.name, "alarms"),
            display_name=f"Alarms of Switchboard, stage {stage.name}",
            master_key=key,
        )
        Tags.of(self.topic).add("purpose", f"Tells people of every alarm of stage {stage.name}")
        TopicPolicy(
            self,
            "TopicPolicy",
            topics=[self.topic],
            policy_document=PolicyDocument(statements=self._define_policy(stage)),
        )
        if stage.alarm_email:
            CfnSubscription(self, "Email", topic_arn=self.topic.topic_arn, protocol="email", endpoint=stage.alarm_email)

    def _define_key(self, stage: StageConfig) -> SwitchboardKey:
        # SNS's own key cannot be used: its policy does not let CloudWatch publish (SNS Developer Guide, "Enable
        # compatibility between event sources from AWS services and encrypted topics").
        return SwitchboardKey(
            self,
            "Key",
            stage=stage,
            protects="alarms",
            use=DATA_KEY_USE,
            only_through="sns",
            further=[
                PolicyStatement(
                    sid="AlarmsOfThisAccountAreEncrypted",
                    principals=[ALARMS],
                    actions=list(DATA_KEY_USE),
                    resources=["*"],
                    conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
                )
            ],
        )

    def _define_policy(self, stage: StageConfig) -> list[PolicyStatement]:
        stack = Stack.of(self)
        return [
            PolicyStatement(
                sid="AlarmsOfThisStagePublish",
                principals=[ALARMS],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={
                    "StringEquals": {"aws:SourceAccount": stack.account},
                    "ArnLike": {
                        "aws:SourceArn": stack.format_arn(
                            service="cloudwatch", resource=f"alarm:{alarm_name(stage.name, '*')}"
                        )
                    },
                },
            ),
            PolicyStatement(
                sid="NobodyPublishesInPlainText",
                effect=Effect.DENY,
                principals=[AnyPrincipal()],
                actions=["sns:Publish"],
                resources=[self.topic.topic_arn],
                conditions={"Bool": {"aws:SecureTransport": "false"}},
            ),
        ]
