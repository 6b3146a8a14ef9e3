"""One role per calling service and per kind of operator: what each may call, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk.aws_iam import PolicyStatement

from infra.constructs.backfill_operator import BackfillOperator
from infra.constructs.data_operator import DataOperator
from infra.constructs.deployer import Deployer
from infra.constructs.published import Published
from infra.constructs.service_access import ServiceAccess, ServiceBoundary
from infra.constructs.stack import SwitchboardStack
from switchboard.schema import deployment

if TYPE_CHECKING:
    from constructs import Construct

    from infra.config_types import Ci, StageConfig
    from infra.constructs.operator_role import OperatorRole
    from infra.stacks.backfill import BackfillStack
    from infra.stacks.data import DataStack
    from infra.stacks.functions import FunctionsStack


class AccessStack(SwitchboardStack):
    """`qm-service`, `cdr-reader` and `messaging-service`, which may touch no table, and the operators' roles."""

    def __init__(
        self,
        scope: Construct,
        *,
        stage: StageConfig,
        data: DataStack,
        functions: FunctionsStack,
        backfill: BackfillStack,
    ) -> None:
        super().__init__(
            scope,
            "access",
            stage=stage,
            description=f"Switchboard {stage.name}: one role per service and operator, with exactly what each calls.",
        )
        self._stage = stage
        self._boundary = ServiceBoundary(self, stage=stage, functions=functions)
        self._define_qm_service(functions)
        self._define_cdr_reader(functions)
        self._define_messaging_service(functions)
        self.data_operator = self._define_data_operator(data, functions)
        self._define_backfill_operator(data, backfill)
        if stage.ci is not None:
            self._define_deployer(stage.ci)

    def _define_qm_service(self, functions: FunctionsStack) -> None:
        service = ServiceAccess(
            self,
            "QmService",
            stage=self._stage,
            runs_on=self._stage.qm_runs_on,
            boundary=self._boundary,
            description="QM, which reports what happens to sponsorships: stores CDRs, directly or through the queue.",
            statements=[
                PolicyStatement(
                    sid="InvokeTheCdrWriter",
                    actions=["lambda:InvokeFunction"],
                    resources=[functions.cdr.writer.function.function_arn],
                ),
                PolicyStatement(
                    sid="SendCdrsToTheIngestQueue",
                    actions=["sqs:SendMessage"],
                    resources=[functions.cdr.ingest.queue.queue_arn],
                ),
            ],
        )
        self._publish(deployment.QM_SERVICE, service, "ARN of the role that QM works with.")

    def _define_cdr_reader(self, functions: FunctionsStack) -> None:
        service = ServiceAccess(
            self,
            "CdrReader",
            stage=self._stage,
            runs_on=self._stage.reporting_runs_on,
            boundary=self._boundary,
            description="Reporting and billing: reads CDRs through the query function.",
            statements=[
                PolicyStatement(
                    sid="InvokeTheCdrQuery",
                    actions=["lambda:InvokeFunction"],
                    resources=[functions.cdr.query.function.function_arn],
                )
            ],
        )
        self._publish(deployment.CDR_READER, service, "ARN of the role that reporting and billing work with.")

    def _define_messaging_service(self, functions: FunctionsStack) -> None:
        service = ServiceAccess(
            self,
            "MessagingService",
            stage=self._stage,
            runs_on=self._stage.messaging_runs_on,
            boundary=self._boundary,
            description="The message backend, which authenticates people: reads and writes their conversations.",
            statements=[
                PolicyStatement(
                    sid="InvokeMessages",
                    actions=["lambda:InvokeFunction"],
                    resources=[functions.messaging.messages.function.function_arn],
                )
            ],
        )
        self._publish(deployment.MESSAGING_SERVICE, service, "ARN of the role that the message backend works with.")

    def _define_data_operator(self, data: DataStack, functions: FunctionsStack) -> DataOperator:
        operator = DataOperator(self, stage=self._stage, data=data, functions=functions)
        self._publish(deployment.DATA_OPERATOR, operator, "ARN of the role with which operators work on data.")
        return operator

    def _define_backfill_operator(self, data: DataStack, backfill: BackfillStack) -> None:
        operator = BackfillOperator(self, stage=self._stage, data=data, backfill=backfill)
        self._publish(deployment.BACKFILL_OPERATOR, operator, "ARN of the role with which operators run backfills.")

    def _define_deployer(self, ci: Ci) -> None:
        deployer = Deployer(self, stage=self._stage, ci=ci)
        self._publish(deployment.DEPLOYER, deployer, "ARN of the role with which the pipeline deploys.")

    def _publish(self, name: str, service: ServiceAccess | OperatorRole | Deployer, description: str) -> None:
        Published(
            self,
            stage=self._stage,
            path=deployment.role_path(name),
            value=service.role.role_arn,
            description=description,
        )
