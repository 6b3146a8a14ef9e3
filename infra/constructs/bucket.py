"""S3 buckets as this system keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Tags
from aws_cdk.aws_s3 import BlockPublicAccess, Bucket, BucketEncryption, LifecycleRule, ObjectOwnership

if TYPE_CHECKING:
    from aws_cdk.aws_kms import IKey
    from constructs import Construct

    from infra.config import StageConfig

OLD_VERSIONS_KEPT = Duration.days(90)
ABANDONED_UPLOADS_KEPT = Duration.days(7)


class PrivateBucket(Bucket):
    """A bucket that is never public, takes TLS only, and keeps what was overwritten or deleted for a while."""

    def __init__(
        self, scope: Construct, construct_id: str, *, stage: StageConfig, purpose: str, key: IKey | None
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            encryption=BucketEncryption.KMS if key else BucketEncryption.S3_MANAGED,
            encryption_key=key,
            bucket_key_enabled=True if key else None,
            lifecycle_rules=[
                LifecycleRule(
                    id="ForgetOldVersions",
                    noncurrent_version_expiration=OLD_VERSIONS_KEPT,
                    abort_incomplete_multipart_upload_after=ABANDONED_UPLOADS_KEPT,
                )
            ],
            removal_policy=RemovalPolicy.RETAIN if stage.retain_data else RemovalPolicy.DESTROY,
        )
        Tags.of(self).add("purpose", purpose)
