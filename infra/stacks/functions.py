"""The functions, the queue in front of the writer, and what calls them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk.aws_iam import PolicyStatement
from aws_cdk.aws_lambda import Architecture, CfnEventInvokeConfig, CfnEventSourceMapping, LayerVersion, Runtime

from infra.constructs.code import layer_code
from infra.constructs.function import SwitchboardFunction
from infra.constructs.published import Published
from infra.constructs.queue import IngestQueue
from infra.constructs.stack import SwitchboardStack
from switchboard.schema import cdr, deployment

if TYPE_CHECKING:
    from constructs import Construct

    from infra.config import StageConfig
    from infra.stacks.data import DataStack

WRITER_TIMEOUT: Final = Duration.seconds(60)
VISIBILITY_TIMEOUTS: Final = 6
"""Visibility timeout of a queue, in timeouts of its function."""

ASYNC_FAILURES: Final = "aws/lambda/async"
"""Where Lambda itself keeps failed asynchronous invocations, by function (Lambda Developer Guide)."""
STREAM_FAILURES: Final = "aws/lambda/????????-????-????-????-????????????"
"""Where Lambda itself keeps discarded stream batches, by the mapping's UUID, which is known after its creation only."""

DAY_OF_THE_STREAM: Final = Duration.hours(23)
"""DynamoDB keeps stream records for 24 hours. Trying for all but the last of them loses nothing: what could not be
judged by then is handed to the failure destination with its payload while the stream still has it."""


class FunctionsStack(SwitchboardStack):
    """`cdr-writer` with its three ways in, `cdr-query`, and `cdr-guard` on the CDR table's stream."""

    def __init__(self, scope: Construct, *, stage: StageConfig, data: DataStack) -> None:
        super().__init__(
            scope,
            "functions",
            stage=stage,
            description=f"Switchboard {stage.name}: the functions that services call, their queue and their roles.",
        )
        self._stage = stage
        self._data = data
        self._layer = self._define_layer()
        self.ingest = IngestQueue(
            self,
            "CdrIngest",
            stage=stage,
            name=deployment.CDR_INGEST,
            visibility_timeout=Duration.seconds(WRITER_TIMEOUT.to_seconds() * VISIBILITY_TIMEOUTS),
        )
        self.writer = self._define_writer()
        self.query = self._define_query()
        self.guard = self._define_guard()
        self._write_after_failures(self.writer)
        self._write_from_queue(self.writer)
        self._guard_the_stream(self.guard)
        self._publish_names()

    def _define_layer(self) -> LayerVersion:
        return LayerVersion(
            self,
            "Dependencies",
            description="What the functions import beside the Lambda runtime, locked by hash.",
            code=layer_code(),
            compatible_runtimes=[Runtime.PYTHON_3_14],
            compatible_architectures=[Architecture.ARM_64],
        )

    def _define_writer(self) -> SwitchboardFunction:
        return SwitchboardFunction(
            self,
            "CdrWriter",
            stage=self._stage,
            name=deployment.CDR_WRITER,
            description="Validates call data records and stores each once; it can only create.",
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
                self._keep_in_quarantine(deployment.CDR_WRITER),
                PolicyStatement(
                    sid="KeepFailedAsynchronousInvocations",
                    actions=["s3:PutObject"],
                    resources=[
                        self._data.quarantine.arn_for_objects(
                            f"{ASYNC_FAILURES}/{deployment.function_name(self._stage.name, deployment.CDR_WRITER)}/*"
                        )
                    ],
                ),
                self._find_quarantine(),
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
            "CdrQuery",
            stage=self._stage,
            name=deployment.CDR_QUERY,
            description="Reads call data records: one sponsorship's history, who was first, a time range.",
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
            "CdrGuard",
            stage=self._stage,
            name=deployment.CDR_GUARD,
            description="Notices a call data record that was changed or removed, and keeps what it was.",
            layer=self._layer,
            timeout=Duration.seconds(60),
            memory_mb=256,
            environment={
                deployment.ENV_QUARANTINE_BUCKET: self._data.quarantine.bucket_name,
                **self._retention(),
            },
            statements=[
                PolicyStatement(
                    sid="ReadTheStreamOfCdrs",
                    actions=[
                        "dynamodb:DescribeStream",
                        "dynamodb:GetRecords",
                        "dynamodb:GetShardIterator",
                        "dynamodb:ListStreams",
                    ],
                    resources=[self._data.cdr_table.stream_arn],
                ),
                self._keep_in_quarantine(deployment.CDR_GUARD),
                PolicyStatement(
                    sid="KeepDiscardedStreamBatches",
                    actions=["s3:PutObject"],
                    resources=[self._data.quarantine.arn_for_objects(f"{STREAM_FAILURES}/*")],
                ),
                self._find_quarantine(),
            ],
        )

    def _write_after_failures(self, writer: SwitchboardFunction) -> None:
        config = CfnEventInvokeConfig(
            self,
            "CdrWriterAsynchronous",
            function_name=writer.function.function_name,
            qualifier="$LATEST",
            maximum_retry_attempts=2,
            maximum_event_age_in_seconds=Duration.hours(6).to_seconds(),
            destination_config=CfnEventInvokeConfig.DestinationConfigProperty(
                on_failure=CfnEventInvokeConfig.OnFailureProperty(destination=self._data.quarantine.bucket_arn)
            ),
        )
        writer.needs_policy(config)

    def _write_from_queue(self, writer: SwitchboardFunction) -> None:
        mapping = CfnEventSourceMapping(
            self,
            "CdrWriterFromQueue",
            function_name=writer.function.function_name,
            event_source_arn=self.ingest.queue.queue_arn,
            batch_size=100,
            maximum_batching_window_in_seconds=1,
            function_response_types=["ReportBatchItemFailures"],
        )
        writer.needs_policy(mapping)

    def _guard_the_stream(self, guard: SwitchboardFunction) -> None:
        changes = json.dumps({"eventName": ["MODIFY", "REMOVE"]})
        mapping = CfnEventSourceMapping(
            self,
            "CdrGuardFromStream",
            function_name=guard.function.function_name,
            event_source_arn=self._data.cdr_table.stream_arn,
            starting_position="TRIM_HORIZON",
            filter_criteria=CfnEventSourceMapping.FilterCriteriaProperty(
                filters=[CfnEventSourceMapping.FilterProperty(pattern=changes)]
            ),
            batch_size=100,
            bisect_batch_on_function_error=True,
            function_response_types=["ReportBatchItemFailures"],
            maximum_retry_attempts=-1,
            maximum_record_age_in_seconds=DAY_OF_THE_STREAM.to_seconds(),
            destination_config=CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=CfnEventSourceMapping.OnFailureProperty(destination=self._data.quarantine.bucket_arn)
            ),
        )
        guard.needs_policy(mapping)

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

    def _keep_in_quarantine(self, function: str) -> PolicyStatement:
        return PolicyStatement(
            sid="KeepWhatItCannotProcess",
            actions=["s3:PutObject"],
            resources=[self._data.quarantine.arn_for_objects(f"{function}/*")],
        )

    def _find_quarantine(self) -> PolicyStatement:
        # Lambda asks for it where the failure destination is a bucket (Lambda Developer Guide, "Capturing records").
        return PolicyStatement(
            sid="FindTheFailureDestination",
            actions=["s3:ListBucket"],
            resources=[self._data.quarantine.bucket_arn],
        )
