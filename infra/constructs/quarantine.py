"""What functions and Lambda itself keep in the quarantine bucket: names, and statements that allow it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk.aws_iam import PolicyStatement

from infra.constructs.shapes import DAY, MOMENT, SHA_256, SHARD, UUID
from switchboard.schema.deployment import LAMBDA_PREFIX

if TYPE_CHECKING:
    from aws_cdk.aws_s3 import IBucket

OF_LAMBDA: Final = f"{DAY}/{MOMENT}-{UUID}"
"""How the name ends that Lambda gives to what it keeps (Lambda Developer Guide, "Capturing records")."""


def kept_by(function: str) -> str:
    """What the code of a function keeps, by the function's short name: a day and the hash of what it holds."""
    return f"{function}/{DAY}/{SHA_256}.json"


def failed_invocations_of(function_name: str) -> str:
    """What Lambda keeps of asynchronous invocations of a function that failed for good."""
    return f"{LAMBDA_PREFIX}async/{function_name}/{OF_LAMBDA}"


def discarded_batches() -> str:
    """What Lambda keeps of batches of a stream that it gave up, by mapping, which has no name before it is there."""
    return f"{LAMBDA_PREFIX}{UUID}/{SHARD}/{OF_LAMBDA}"


def keep_payloads(quarantine: IBucket, function: str) -> PolicyStatement:
    """The function's own code keeps what it cannot process, below its short name."""
    return PolicyStatement(
        sid="KeepWhatItCannotProcess",
        actions=["s3:PutObject"],
        resources=[quarantine.arn_for_objects(kept_by(function))],
    )


def keep_failed_invocations(quarantine: IBucket, function_name: str) -> PolicyStatement:
    """Lambda keeps asynchronous invocations that failed for good, in the name of the function's role."""
    return PolicyStatement(
        sid="KeepFailedAsynchronousInvocations",
        actions=["s3:PutObject"],
        resources=[quarantine.arn_for_objects(failed_invocations_of(function_name))],
    )


def find_failure_destination(quarantine: IBucket) -> PolicyStatement:
    """Lambda asks for it where a failure destination is a bucket (Lambda Developer Guide, "Capturing records")."""
    return PolicyStatement(
        sid="FindTheFailureDestination",
        actions=["s3:ListBucket"],
        resources=[quarantine.bucket_arn],
    )
