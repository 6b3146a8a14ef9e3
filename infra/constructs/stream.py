"""Reading a table's stream: the mapping that calls a function, and what it needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk.aws_iam import PolicyStatement
from aws_cdk.aws_lambda import CfnEventSourceMapping

from infra.constructs.dynamodb_actions import READ_STREAM

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import Duration
    from aws_cdk.aws_s3 import IBucket
    from constructs import Construct

    from infra.constructs.function import SwitchboardFunction


def read_stream(sid: str, stream_arn: str) -> PolicyStatement:
    """What Lambda's poller does with the function's role, but for listing streams, which is not done on one of them."""
    return PolicyStatement(sid=sid, actions=list(READ_STREAM), resources=[stream_arn])


def follow_stream(
    scope: Construct,
    construct_id: str,
    *,
    function: SwitchboardFunction,
    stream_arn: str,
    pattern: Mapping[str, object],
    batch_size: int,
    window: Duration | None,
    maximum_age: Duration,
    quarantine: IBucket,
) -> CfnEventSourceMapping:
    """Call `function` with the stream's records that match `pattern`; all others cost no invocation.

    It retries until a record is `maximum_age` old, halves a failing batch, believes the function's own checkpoint, and
    hands what it gives up to the quarantine bucket, which keeps the payload (a queue would keep positions only).
    """
    mapping = CfnEventSourceMapping(
        scope,
        construct_id,
        function_name=function.function.function_name,
        event_source_arn=stream_arn,
        starting_position="TRIM_HORIZON",
        filter_criteria=CfnEventSourceMapping.FilterCriteriaProperty(
            filters=[CfnEventSourceMapping.FilterProperty(pattern=json.dumps(pattern))]
        ),
        batch_size=batch_size,
        maximum_batching_window_in_seconds=window.to_seconds() if window else None,
        bisect_batch_on_function_error=True,
        function_response_types=["ReportBatchItemFailures"],
        maximum_retry_attempts=-1,
        maximum_record_age_in_seconds=maximum_age.to_seconds(),
        destination_config=CfnEventSourceMapping.DestinationConfigProperty(
            on_failure=CfnEventSourceMapping.OnFailureProperty(destination=quarantine.bucket_arn)
        ),
        # Counts what was given up, which no other metric shows.
        metrics_config=CfnEventSourceMapping.MetricsConfigProperty(metrics=["EventCount"]),
    )
    function.needs_policy(mapping)
    return mapping
