"""The bucket in which CloudTrail and AWS Config keep what they saw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import ArnFormat, Stack
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal

from infra.constructs.bucket import PrivateBucket

if TYPE_CHECKING:
    from aws_cdk.aws_kms import IKey
    from aws_cdk.aws_s3 import IBucket
    from constructs import Construct

    from infra.config_types import StageConfig


class AuditBucket(PrivateBucket):
    """A private bucket into which the two services deliver, for this account only."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: StageConfig, key: IKey | None, access_logs: IBucket
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            stage=stage,
            purpose="Who did what in this account and how its resources were set",
            key=key,
            access_logs=access_logs,
        )

    def receive_trail(self, trail_arn: str) -> None:
        """Let one trail deliver (CloudTrail User Guide, "Amazon S3 bucket policy for CloudTrail")."""
        cloudtrail = ServicePrincipal("cloudtrail.amazonaws.com")
        only_it = {"aws:SourceArn": trail_arn}
        self.add_to_resource_policy(
            PolicyStatement(
                sid="TheTrailFindsItsBucket",
                principals=[cloudtrail],
                actions=["s3:GetBucketAcl"],
                resources=[self.bucket_arn],
                conditions={"StringEquals": only_it},
            )
        )
        self.add_to_resource_policy(
            PolicyStatement(
                sid="TheTrailDelivers",
                principals=[cloudtrail],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects(f"AWSLogs/{Stack.of(self).account}/*")],
                conditions={"StringEquals": {**only_it, "s3:x-amz-acl": "bucket-owner-full-control"}},
            )
        )

    def receive_configuration(self) -> None:
        """Let AWS Config deliver (its Developer Guide, "Permissions for the Amazon S3 bucket")."""
        account = Stack.of(self).account
        config = ServicePrincipal("config.amazonaws.com")
        this_account = {"aws:SourceAccount": account}
        self.add_to_resource_policy(
            PolicyStatement(
                sid="ConfigFindsItsBucket",
                principals=[config],
                actions=["s3:GetBucketAcl", "s3:ListBucket"],
                resources=[self.bucket_arn],
                conditions={"StringEquals": this_account},
            )
        )
        self.add_to_resource_policy(
            PolicyStatement(
                sid="ConfigDelivers",
                principals=[config],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects(f"AWSLogs/{account}/Config/*")],
                conditions={"StringEquals": {**this_account, "s3:x-amz-acl": "bucket-owner-full-control"}},
            )
        )


def trail_arn(scope: Construct, name: str) -> str:
    """The ARN of a trail of this account, made of its name: its bucket and its key are there before it."""
    return Stack.of(scope).format_arn(
        service="cloudtrail", resource="trail", resource_name=name, arn_format=ArnFormat.SLASH_RESOURCE_NAME
    )
