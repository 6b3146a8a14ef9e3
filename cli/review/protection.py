"""What becomes of everything that holds data: retention, protection, encryption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from cli.review.assembly import Resource, StageTemplates

BUCKET: Final = "AWS::S3::Bucket"
KEY: Final = "AWS::KMS::Key"
LOG_GROUP: Final = "AWS::Logs::LogGroup"
QUEUE: Final = "AWS::SQS::Queue"
TABLE: Final = "AWS::DynamoDB::Table"
VAULT: Final = "AWS::Backup::BackupVault"
STATEFUL: Final = (TABLE, BUCKET, KEY, QUEUE, LOG_GROUP, VAULT)
"""Types that hold what cannot be made again, or what tells of it."""

_DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Protection:
    """How one resource is kept. `kept` is how long its content stays, the next two what it outlives."""

    place: str
    type: str
    kept: str
    outlives_its_stack: bool
    outlives_its_replacement: bool
    protected: str
    encrypted: str


def protections(stage: StageTemplates) -> tuple[Protection, ...]:
    """Everything of a stage that holds data."""
    return tuple(
        Protection(
            place=resource.place,
            type=resource.type,
            kept=_KEPT[resource.type](resource.properties),
            outlives_its_stack=resource.retained,
            outlives_its_replacement=resource.retained_when_replaced,
            protected=_protected(resource),
            encrypted=_encrypted(stage, resource),
        )
        for resource in stage.of_type(*STATEFUL)
    )


def _kept_of_table(properties: Any) -> str:
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    expiry = properties.get("TimeToLiveSpecification", {})
    items = f"until {expiry['AttributeName']}" if expiry.get("Enabled") else "for ever"
    days = recovery.get("RecoveryPeriodInDays", 35)
    return f"items {items}; any second of the last {days} days" if recovery.get("PointInTimeRecoveryEnabled") else items


def _kept_of_bucket(properties: Any) -> str:
    rules = properties.get("LifecycleConfiguration", {}).get("Rules", ())
    ends = [rule["ExpirationInDays"] for rule in rules if "ExpirationInDays" in rule]
    old = [
        rule["NoncurrentVersionExpiration"]["NoncurrentDays"] for rule in rules if "NoncurrentVersionExpiration" in rule
    ]
    kept = f"{min(ends)} days" if ends else "for ever"
    return f"{kept}; old versions {min(old)} days" if old else kept


def _kept_of_log(properties: Any) -> str:
    days = properties.get("RetentionInDays")
    return f"{days} days" if days else "for ever"


def _kept_of_queue(properties: Any) -> str:
    return f"{properties.get('MessageRetentionPeriod', 4 * _DAY) // _DAY} days"


def _kept_of_key(properties: Any) -> str:
    return "rotated every year" if properties.get("EnableKeyRotation") else "never rotated"


def _kept_of_vault(properties: Any) -> str:
    days = properties.get("LockConfiguration", {}).get("MinRetentionDays")
    return f"as its plan says, {days} days at least" if days else "as its plan says"


_KEPT: Final[dict[str, Callable[[Any], str]]] = {
    TABLE: _kept_of_table,
    BUCKET: _kept_of_bucket,
    LOG_GROUP: _kept_of_log,
    QUEUE: _kept_of_queue,
    KEY: _kept_of_key,
    VAULT: _kept_of_vault,
}


def _protected(resource: Resource) -> str:
    properties = resource.properties
    if resource.type == TABLE:
        return "from deletion" if properties.get("DeletionProtectionEnabled") else ""
    if resource.type == BUCKET:
        private = properties.get("PublicAccessBlockConfiguration", {})
        versioned = properties.get("VersioningConfiguration", {}).get("Status") == "Enabled"
        parts = ["never public" if private and all(private.values()) else "", "versioned" if versioned else ""]
        return ", ".join(part for part in parts if part)
    if resource.type == KEY:
        return f"{properties.get('PendingWindowInDays', 30)} days before it is gone"
    if resource.type == VAULT:
        denied = [each for each in _denied(properties.get("AccessPolicy", {})) if each.startswith("backup:Delete")]
        return "copies from deletion" if denied else ""
    return ""


def _denied(policy: Any) -> list[str]:
    """The actions that a policy denies."""
    refusing = [each["Action"] for each in policy.get("Statement", ()) if each["Effect"] == "Deny"]
    return [action for named in refusing for action in (named if isinstance(named, list) else [named])]


def _encrypted(stage: StageTemplates, resource: Resource) -> str:
    properties = resource.properties
    if resource.type == BUCKET:
        rules = properties.get("BucketEncryption", {}).get("ServerSideEncryptionConfiguration", ())
        default = rules[0].get("ServerSideEncryptionByDefault", {}) if rules else {"SSEAlgorithm": "S3's own key"}
        named = default.get("KMSMasterKeyID")
        return _by(stage, resource, named) if named else str(default.get("SSEAlgorithm", ""))
    if resource.type not in _OWN_KEY:
        return ""
    own, where = _OWN_KEY[resource.type]
    named = properties.get("SSESpecification", {}).get(where) if resource.type == TABLE else properties.get(where)
    return _by(stage, resource, named) if named else own


_OWN_KEY: Final = {
    TABLE: ("AWS's own key", "KMSMasterKeyId"),
    QUEUE: ("SQS's own key", "KmsMasterKeyId"),
    LOG_GROUP: ("CloudWatch's own key", "KmsKeyId"),
    VAULT: ("AWS Backup's own key", "EncryptionKeyArn"),
}
"""What encrypts where nobody names a key, and where one is named."""


def _by(stage: StageTemplates, resource: Resource, key: Any) -> str:
    found = stage.target(resource.stack, key)
    return f"key {found.place}" if found else stage.text(resource.stack, key)
