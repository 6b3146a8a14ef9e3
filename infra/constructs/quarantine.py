"""What the quarantine bucket must let a function do, as statements of that function's policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk.aws_iam import PolicyStatement

if TYPE_CHECKING:
    from aws_cdk.aws_s3 import IBucket

ASYNC_FAILURES: Final = "aws/lambda/async"
"""Where Lambda itself keeps failed asynchronous invocations, by function (Lambda Developer Guide)."""
STREAM_FAILURES: Final = "aws/lambda/????????-????-????-????-????????????"
"""Where Lambda itself keeps discarded stream batches, by the mapping's UUID, which is known after its creation only."""


def keep_payloads(quarantine: IBucket, function: str) -> PolicyStatement:
    """The function's own code keeps what it cannot process, below its short name."""
    return PolicyStatement(
        sid="KeepWhatItCannotProcess",
        actions=["s3:PutObject"],
        resources=[quarantine.arn_for_objects(f"{function}/*")],
    )


def keep_failed_invocations(quarantine: IBucket, function_name: str) -> tuple[PolicyStatement, ...]:
    """Lambda keeps asynchronous invocations that failed for good, in the name of the function's role."""
    return (
        PolicyStatement(
            sid="KeepFailedAsynchronousInvocations",
            actions=["s3:PutObject"],
            resources=[quarantine.arn_for_objects(f"{ASYNC_FAILURES}/{function_name}/*")],
        ),
        _find(quarantine),
    )


def keep_discarded_batches(quarantine: IBucket) -> tuple[PolicyStatement, ...]:
    """Lambda keeps batches of a stream that it gave up, in the name of the function's role."""
    return (
        PolicyStatement(
            sid="KeepDiscardedStreamBatches",
            actions=["s3:PutObject"],
            resources=[quarantine.arn_for_objects(f"{STREAM_FAILURES}/*")],
        ),
        _find(quarantine),
    )


def _find(quarantine: IBucket) -> PolicyStatement:
    # Lambda asks for it where the failure destination is a bucket (Lambda Developer Guide, "Capturing records").
    return PolicyStatement(
        sid="FindTheFailureDestination",
        actions=["s3:ListBucket"],
        resources=[quarantine.bucket_arn],
    )
