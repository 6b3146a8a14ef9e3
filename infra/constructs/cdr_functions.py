"""The functions of the CDR store and the queue in front of its writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk.aws_iam import PolicyStatement
from aws_cdk.aws_lambda import CfnEventInvokeConfig, CfnEventSourceMapping, ILayerVersion
from constructs import Construct

from infra.constructs.function import SwitchboardFunction
from infra.constructs.published import Published
from infra.constructs.quarantine import find_failure_destination, keep_failed_invocations, keep_payloads
from infra.constructs.queue import IngestQueue
from infra.constructs.stream import follow_stream, read_stream
from switchboard.schema import cdr, deployment

if TYPE_CHECKING:
    from infra.config_types import StageConfig
    from infra.stacks.data import DataStack
    from infra.stacks.network import NetworkStack

WRITER_TIMEOUT: Final = Duration.seconds(60)
VISIBILITY_TIMEOUTS: Final = 6
"""Visibility timeout of a queue, in timeouts of its function."""

DAY_OF_THE_STREAM: Final = Duration.hours(23)
"""DynamoDB keeps stream records for 24 hours. Trying for all but the last of them loses nothing: what could not be
judged by then is handed to the failure destination with its payload while the stream still has it."""


class CdrFunctions(Construct):
    """`cdr-writer` with its three ways in, `cdr-query`, and `cdr-guard` on the CDR table's stream."""

    def __init__(
        self, scope: Construct, *, stage: StageConfig, data: DataStack, network: NetworkStack, layer: ILayerVersion
    ) -> None:
        super().__init__(scope, "Cdr")
        self._stage = stage
        self._data = data
        self._network = network
        self._layer = layer
        self.ingest = IngestQueue(
            self,
            "Ingest",
            stage=stage,
            name=deployment.CDR_INGEST,
            visibility_timeout=Duration.seconds(WRITER_TIMEOUT.to_seconds() * VISIBILITY_TIMEOUTS),
        )
        self.writer = self._define_writer()
        self.query = self._define_query()
        self.guard = self._define_guard()
        self._write_after_failures()
        self._write_from_queue()
        self.guarding = self._guard_the_stream()
        self._publish_names()

    def _define_writer(self) -> SwitchboardFunction:
        return SwitchboardFunction(
            self,
            "Writer",
            stage=self._stage,
            name=deployment.CDR_WRITER,
            description="Validates call data records and stores each once; it can only create.",
            data=self._data,
            network=self._network,
            layer=self._layer,
            timeout=WRITER_TIMEOUT,
            memory_mb=1024,
            environment={
                deployment.ENV_CDR_TABLE: self._data.cdr_table.table_name,
                deployment.ENV_QUARANTINE_BUCKET: self._data.quarantine.bucket_name,
                **self._retention(),
            },
            statements=[
                PolicyStatement(
                    sid="CreateCdrsAndReadThemBack",
                    actions=["dynamodb:PartiQLInsert", "dynamodb:BatchGetItem"],
                    resources=[self._data.cdr_table.table_arn],
                ),
                keep_payloads(self._data.quarantine, deployment.CDR_WRITER),
                keep_failed_invocations(
                    self._data.quarantine, deployment.function_name(self._stage.name, deployment.CDR_WRITER)
                ),
                find_failure_destination(self._data.quarantine),
                PolicyStatement(
                    sid="TakeMessagesFromItsQueue",
                    actions=["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"],
                    resources=[self.ingest.queue.queue_arn],
                ),
            ],
        )

    def _define_query(self) -> SwitchboardFunction:
        table = self._data.cdr_table.table_arn
        return SwitchboardFunction(
            self,
            "Query",
            stage=self._stage,
            name=deployment.CDR_QUERY,
            description="Reads call data records: one sponsorship's history, who was first, a time range.",
            data=self._data,
            network=self._network,
            layer=self._layer,
            timeout=Duration.seconds(30),
            memory_mb=512,
            environment={deployment.ENV_CDR_TABLE: self._data.cdr_table.table_name},
            statements=[
                PolicyStatement(
                    sid="QueryCdrsAndTheirIndexes",
                    actions=["dynamodb:Query"],
                    resources=[table, f"{table}/index/{cdr.BY_SPONSOR}", f"{table}/index/{cdr.BY_DAY}"],
                )
            ],
        )

    def _define_guard(self) -> SwitchboardFunction:
        return SwitchboardFunction(
            self,
            "Guard",
            stage=self._stage,
            name=deployment.CDR_GUARD,
            description="Notices a call data record that was changed or removed, and keeps what it was.",
            data=self._data,
            network=self._network,
            layer=self._layer,
            timeout=Duration.seconds(60),
            memory_mb=256,
            environment={
                deployment.ENV_QUARANTINE_BUCKET: self._data.quarantine.bucket_name,
                **self._retention(),
            },
            statements=[
                read_stream("ReadTheStreamOfCdrs", self._data.cdr_table.stream_arn),
                keep_payloads(self._data.quarantine, deployment.CDR_GUARD),
                find_failure_destination(self._data.quarantine),
            ],
        )

    def _write_after_failures(self) -> None:
        config = CfnEventInvokeConfig(
            self,
            "WriterAsynchronous",
            function_name=self.writer.function.function_name,
            qualifier="$LATEST",
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=Duration.hours(6).to_seconds(),
            destination_config=CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=CfnEventInvokeConfig.OnFailureProperty(destination=self._data.quarantine.bucket_arn)
            ),
        )
        self.writer.needs_policy(config)

    def _write_from_queue(self) -> None:
        mapping = CfnEventSourceMapping(
            self,
            "WriterFromQueue",
            function_name=self.writer.function.function_name,
            event_source_arn=self.ingest.queue.queue_arn,
            batch_size=100,
            maximum_batching_window_in_seconds=1,
            function_response_types=["ReportBatchItemFailures"],
        )
        self.writer.needs_policy(mapping)

    def _guard_the_stream(self) -> CfnEventSourceMapping:
        return follow_stream(
            self,
            "GuardFromStream",
            function=self.guard,
            stream_arn=self._data.cdr_table.stream_arn,
            pattern={"eventName": ["MODIFY", "REMOVE"]},
            batch_size=100,
            window=None,
            maximum_age=DAY_OF_THE_STREAM,
            quarantine=self._data.quarantine,
        )

    def _publish_names(self) -> None:
        for path, value, description in (
            (deployment.CDR_WRITER_PATH, self.writer.function.function_arn, "ARN of the function that stores CDRs."),
            (deployment.CDR_QUERY_PATH, self.query.function.function_arn, "ARN of the function that reads CDRs."),
            (deployment.CDR_QUEUE_PATH, self.ingest.queue.queue_url, "URL of the queue that takes CDRs to store."),
        ):
            Published(self, stage=self._stage, path=path, value=value, description=description)

    def _retention(self) -> dict[str, str]:
        days = self._stage.cdr_retention_days
        return {} if days is None else {deployment.ENV_CDR_RETENTION_DAYS: str(days)}
