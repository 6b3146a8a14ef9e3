"""The state machine of the backfill: its log, its role and its definition."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Duration, RemovalPolicy, Stack, Tags
from aws_cdk.aws_iam import ManagedPolicy, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_logs import LogGroup
from aws_cdk.aws_stepfunctions import CfnStateMachine
from constructs import Construct

from infra.constructs.backfill_definition import SEGMENTS_LABEL, definition
from switchboard.schema import deployment

if TYPE_CHECKING:
    from aws_cdk.aws_kms import IKey

    from infra.config_types import StageConfig
    from infra.constructs.function import SwitchboardFunction
    from infra.stacks.data import DataStack

AFTER_THE_FUNCTION = Duration.minutes(1)
"""How much longer a task may take than the function: what ends first is the function, which says so."""


class BackfillMachine(Construct):
    """`switchboard-<stage>-backfill`, which may call its function, start executions of itself, and log.

    `machine_arn` and `execution_arn` are made of its name: its policy, which is there before it, refers to them.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: StageConfig, data: DataStack, function: SwitchboardFunction
    ) -> None:
        super().__init__(scope, construct_id)
        self.name = deployment.state_machine_name(stage.name)
        log_group = self._define_log_group(stage, data.log_key)
        role, policy = self._define_role(function)
        timeout = function.function.timeout or Duration.seconds(0)
        self.machine = CfnStateMachine(
            self,
            "Machine",
            state_machine_name=self.name,
            state_machine_type="STANDARD",
            role_arn=role.role_arn,
            definition_string=json.dumps(definition(int(timeout.plus(AFTER_THE_FUNCTION).to_seconds()))),
            definition_substitutions={"BackfillFunction": function.function.function_arn},
            logging_configuration=CfnStateMachine.LoggingConfigurationProperty(
                level="ALL",
                # Requests name users, and causes name items: what they hold stays out of the log.
                include_execution_data=False,
                destinations=[
                    CfnStateMachine.LogDestinationProperty(
                        cloud_watch_logs_log_group=CfnStateMachine.CloudWatchLogsLogGroupProperty(
                            log_group_arn=log_group.log_group_arn
                        )
                    )
                ],
            ),
            tracing_configuration=CfnStateMachine.TracingConfigurationProperty(enabled=True),
        )
        Tags.of(self.machine).add("purpose", "Plans and runs backfills and reports on them")
        self.machine.node.add_dependency(policy)

    @property
    def machine_arn(self) -> str:
        """The machine's ARN, from its name."""
        return self._arn("stateMachine", self.name)

    @property
    def executions(self) -> tuple[str, str]:
        """The ARNs of its executions, from its name: those that people start, and those of single segments."""
        return self.execution_of("*"), self._arn("execution", f"{self.name}/{SEGMENTS_LABEL}:*")

    def execution_of(self, name: str) -> str:
        """The ARN of the execution of that name, or of those that match it."""
        return self._arn("execution", f"{self.name}:{name}")

    def _arn(self, resource: str, name: str) -> str:
        return Stack.of(self).format_arn(
            service="states", resource=resource, resource_name=name, arn_format=ArnFormat.COLON_RESOURCE_NAME
        )

    def _define_log_group(self, stage: StageConfig, key: IKey | None) -> LogGroup:
        log_group = LogGroup(
            self,
            "LogGroup",
            # With this prefix CloudWatch Logs needs no entry in its resource policy, whose size is limited (Step
            # Functions Developer Guide, "Logging in CloudWatch Logs").
            log_group_name=f"/aws/vendedlogs/states/{self.name}",
            retention=stage.log_retention,
            encryption_key=key,
            removal_policy=RemovalPolicy.DESTROY,
        )
        Tags.of(log_group).add("purpose", f"Events of executions of {self.name} without their data")
        return log_group

    def _define_role(self, function: SwitchboardFunction) -> tuple[Role, ManagedPolicy]:
        role = Role(
            self,
            "Role",
            description=f"What state machine {self.name} works with.",
            assumed_by=ServicePrincipal(
                "states.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
        )
        policy = ManagedPolicy(
            self,
            "Policy",
            description=f"What {self.name} may do: call its function, and what Step Functions does in its name.",
            roles=[role],
            statements=[
                PolicyStatement(
                    sid="CallTheBackfillFunction",
                    actions=["lambda:InvokeFunction"],
                    resources=[function.function.function_arn],
                ),
                PolicyStatement(
                    sid="StartExecutionsOfSingleSegments",
                    actions=["states:StartExecution"],
                    resources=[self.machine_arn],
                ),
                PolicyStatement(
                    sid="FollowAndStopExecutionsOfSingleSegments",
                    actions=["states:DescribeExecution", "states:StopExecution"],
                    resources=list(self.executions),
                ),
                *_telemetry(),
            ],
        )
        return role, policy


def _telemetry() -> tuple[PolicyStatement, ...]:
    return (
        PolicyStatement(
            # CloudWatch Logs knows no resource to which log delivery could be narrowed (Step Functions Developer
            # Guide, "Logging in CloudWatch Logs", execution role).
            sid="DeliverItsLogs",
            actions=[
                "logs:CreateLogDelivery",
                "logs:DeleteLogDelivery",
                "logs:DescribeLogGroups",
                "logs:DescribeResourcePolicies",
                "logs:GetLogDelivery",
                "logs:ListLogDeliveries",
                "logs:PutResourcePolicy",
                "logs:UpdateLogDelivery",
            ],
            resources=["*"],
        ),
        PolicyStatement(
            # X-Ray knows no resource to which these could be narrowed.
            sid="SendTraces",
            actions=[
                "xray:GetSamplingRules",
                "xray:GetSamplingTargets",
                "xray:PutTelemetryRecords",
                "xray:PutTraceSegments",
            ],
            resources=["*"],
        ),
    )
