"""S3 buckets as this system keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack, Tags
from aws_cdk.aws_iam import PolicyStatement, ServicePrincipal
from aws_cdk.aws_s3 import BlockPublicAccess, Bucket, BucketEncryption, CfnBucket, LifecycleRule, ObjectOwnership

from switchboard.schema.deployment import APP

if TYPE_CHECKING:
    from aws_cdk.aws_kms import IKey
    from aws_cdk.aws_s3 import IBucket
    from constructs import Construct

    from infra.config_types import StageConfig

OLD_VERSIONS_KEPT = Duration.days(90)
ABANDONED_UPLOADS_KEPT = Duration.days(7)
ACCESS_LOGS_KEPT = Duration.days(90)

COPIES = f"{APP}-copies"
"""How the account's bucket of copies begins, and what the alias of its key and the role that S3 copies with are called.
They are made once per account, in and for another region than that of the stages."""


class PrivateBucket(Bucket):
    """A bucket that is never public, takes TLS only, and keeps what was overwritten or deleted for a while.

    `access_logs` is the bucket that learns who called it. It tells the account's event bus of every object, and its
    objects can be locked, which S3 grants to new buckets only; no object is locked unless someone asks for it. Where
    the stage has a region for copies, S3 copies every object there, under a key of that region.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        purpose: str,
        key: IKey | None,
        access_logs: IBucket,
    ) -> None:
        super().__init__(
            scope,
            construct_id,
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            object_lock_enabled=True,
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
        resource = _resource_of(self)
        # On the resource: the construct would warn that it cannot change the policy of a bucket that it does not own.
        resource.logging_configuration = CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=access_logs.bucket_name,
            log_file_prefix=f"{APP}-{stage.name}/{construct_id.lower()}/",
        )
        _tell_the_event_bus(resource)
        if stage.copies_in:
            _copy_objects(resource, stage.copies_in)
        Tags.of(self).add("purpose", purpose)


class AccessLogBucket(Bucket):
    """The bucket in which S3 keeps who called the others, for an account that has none yet.

    S3 writes access logs under its own keys only (S3 User Guide, "Enabling Amazon S3 server access logging"), and never
    where objects can be locked ("Object Lock considerations").
    """

    def __init__(self, scope: Construct, construct_id: str, *, stage: StageConfig) -> None:
        super().__init__(
            scope,
            construct_id,
            block_public_access=BlockPublicAccess.BLOCK_ALL,
            object_ownership=ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            versioned=True,
            encryption=BucketEncryption.S3_MANAGED,
            lifecycle_rules=[
                LifecycleRule(
                    id="ForgetOldLogs",
                    expiration=ACCESS_LOGS_KEPT,
                    noncurrent_version_expiration=ABANDONED_UPLOADS_KEPT,
                    abort_incomplete_multipart_upload_after=ABANDONED_UPLOADS_KEPT,
                )
            ],
            removal_policy=RemovalPolicy.RETAIN if stage.retain_data else RemovalPolicy.DESTROY,
        )
        self.add_to_resource_policy(
            PolicyStatement(
                sid="TakeAccessLogsOfTheAccount",
                principals=[ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.arn_for_objects("*")],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            )
        )
        _tell_the_event_bus(_resource_of(self))
        Tags.of(self).add("purpose", "Who called the other buckets")


def _resource_of(bucket: Bucket) -> CfnBucket:
    resource = bucket.node.default_child
    if not isinstance(resource, CfnBucket):
        raise TypeError("A bucket without its resource: this version of the CDK is not the pinned one.")
    return resource


def _tell_the_event_bus(resource: CfnBucket) -> None:
    # On the resource: the construct would add a function of its own for this.
    resource.notification_configuration = CfnBucket.NotificationConfigurationProperty(
        event_bridge_configuration=CfnBucket.EventBridgeConfigurationProperty(event_bridge_enabled=True)
    )


def _copy_objects(resource: CfnBucket, region: str) -> None:
    # On the resource: the construct would make a role of its own for each bucket (S3 User Guide, "Replicating encrypted
    # objects"). What is deleted here is marked as deleted there.
    stack = Stack.of(resource)
    resource.replication_configuration = CfnBucket.ReplicationConfigurationProperty(
        role=stack.format_arn(service="iam", region="", resource="role", resource_name=COPIES),
        rules=[
            CfnBucket.ReplicationRuleProperty(
                id="CopyEverything",
                status="Enabled",
                priority=1,
                filter=CfnBucket.ReplicationRuleFilterProperty(prefix=""),
                delete_marker_replication=CfnBucket.DeleteMarkerReplicationProperty(status="Enabled"),
                source_selection_criteria=CfnBucket.SourceSelectionCriteriaProperty(
                    sse_kms_encrypted_objects=CfnBucket.SseKmsEncryptedObjectsProperty(status="Enabled")
                ),
                destination=CfnBucket.ReplicationDestinationProperty(
                    bucket=stack.format_arn(
                        service="s3", region="", account="", resource=f"{COPIES}-{stack.account}-{region}"
                    ),
                    encryption_configuration=CfnBucket.EncryptionConfigurationProperty(
                        replica_kms_key_id=stack.format_arn(
                            service="kms", region=region, resource="alias", resource_name=COPIES
                        )
                    ),
                ),
            )
        ],
    )
