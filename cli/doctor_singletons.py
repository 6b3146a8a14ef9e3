"""What an account has one of, and what a stage relies on: trail, recorder, buckets of others, provider of tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from cli.doctor_findings import Finding, absent, amiss, well
from switchboard.schema import deployment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cli.session import Target

_SETUP: Final = "docs/account-setup.md says how."
_GONE: Final = frozenset({"404", "NoSuchBucket"})
_NOT_COPIED: Final = "ReplicationConfigurationNotFoundError"


def trail(target: Target) -> Iterable[Finding]:
    """Whether some trail writes down what is done in the account, where the stage has guardrails."""
    if target.stage not in deployment.GUARDED_STAGES:
        return []
    if target.stage == deployment.LOCAL_STAGE:
        return [absent("trail")]
    client = target.client("cloudtrail")
    trails = client.describe_trails()["trailList"]
    logging = [one["Name"] for one in trails if client.get_trail_status(Name=one["TrailARN"])["IsLogging"]]
    if logging:
        return [well("trail", f"{', '.join(sorted(logging))} writes down what is done.")]
    return [amiss("trail", "No trail writes down what is done in this account.", f"Start one: {_SETUP}")]


def recorder(target: Target) -> Iterable[Finding]:
    """Whether AWS Config records how resources are configured, where the stage has rules for it to check."""
    if target.stage not in deployment.GUARDED_STAGES:
        return []
    if target.stage == deployment.LOCAL_STAGE:
        return [absent("configuration recorder")]
    found = target.client("config").describe_configuration_recorder_status()["ConfigurationRecordersStatus"]
    if any(one["recording"] for one in found):
        return [well("configuration recorder", "It records.")]
    says = "It is switched off." if found else "The account has none here."
    return [amiss("configuration recorder", says, f"Without it no rule is checked: {_SETUP}")]


def log_bucket(target: Target) -> Iterable[Finding]:
    """Whether S3 writes down who calls the buckets, into a bucket that exists."""
    bucket = target.published(deployment.QUARANTINE_PATH)
    if bucket is None:
        return []
    client = target.client("s3")
    into = client.get_bucket_logging(Bucket=bucket).get("LoggingEnabled", {}).get("TargetBucket")
    if into is None:
        if target.stage == deployment.LOCAL_STAGE:
            return [absent("log bucket")]
        return [amiss("log bucket", "Nobody writes down who calls the quarantine.", "Deploy the stage again.")]
    try:
        client.head_bucket(Bucket=into)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
        return [amiss("log bucket", f"Bucket {into}, which takes access logs, is gone.", f"Make it again: {_SETUP}")]
    return [well("log bucket", f"Access logs go to {into}.")]


def copies(target: Target) -> Iterable[Finding]:
    """Whether S3 can still copy objects to another region, where the stage has them copied."""
    if target.stage == deployment.LOCAL_STAGE:
        return [absent("copies")]
    bucket = target.published(deployment.QUARANTINE_PATH)
    if bucket is None:
        return []
    try:
        copied = target.client("s3").get_bucket_replication(Bucket=bucket)["ReplicationConfiguration"]
    except ClientError as error:
        if error.response["Error"]["Code"] != _NOT_COPIED:
            raise
        return []
    role = copied["Role"].rpartition("/")[2]
    into = ", ".join(rule["Destination"]["Bucket"].rpartition(":")[2] for rule in copied["Rules"])
    try:
        target.client("iam").get_role(RoleName=role)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return [amiss("copies", f"Role {role}, with which S3 copies objects, is gone.", f"Make it again: {_SETUP}")]
    try:
        target.client("s3").head_bucket(Bucket=into)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _GONE:
            raise
        return [amiss("copies", f"Bucket {into}, which takes copies of objects, is gone.", f"Make it again: {_SETUP}")]
    return [well("copies", f"Copies of objects go to {into}.")]


def backups(target: Target) -> Iterable[Finding]:
    """Whether copies of tables belong to the vault of AWS Backup, where the stage keeps its data."""
    if target.stage not in deployment.RETAINING_STAGES:
        return []
    preferred = target.client("backup").describe_region_settings()["ResourceTypeManagementPreference"]
    if preferred.get("DynamoDB"):
        return [well("backups", "AWS Backup keeps copies of tables in its vault.")]
    return [
        amiss(
            "backups",
            "AWS Backup does not manage copies of tables by itself, which the role of the backups relies on.",
            f"Switch on its advanced features for DynamoDB: {_SETUP}",
        )
    ]


def token_provider(target: Target) -> Iterable[Finding]:
    """Whether the pipeline's tokens are known to the account, where a pipeline deploys."""
    role = target.published(deployment.role_path(deployment.DEPLOYER))
    if role is None:
        return []
    if target.stage == deployment.LOCAL_STAGE:
        return [absent("token provider")]
    client = target.client("iam")
    statements = client.get_role(RoleName=role.rpartition("/")[2])["Role"]["AssumeRolePolicyDocument"]["Statement"]
    trusted = {one["Principal"]["Federated"] for one in statements if "Federated" in one["Principal"]}
    known = {one["Arn"] for one in client.list_open_id_connect_providers()["OpenIDConnectProviderList"]}
    if trusted and trusted <= known:
        return [well("token provider", "The account knows who signs the pipeline's tokens.")]
    return [
        amiss("token provider", "The provider that the deployer's role trusts is gone.", f"Make it again: {_SETUP}")
    ]
