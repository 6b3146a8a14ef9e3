from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infra.config_types import PLACEHOLDER_ACCOUNT
from infra.inputs import PLACEHOLDER_REGION
from switchboard.schema import cdr, deployment, messages
from tests.infra.templates import HASH, ROOT, STAGES

if TYPE_CHECKING:
    from tests.infra.templates import Templates

TABLE = "AWS::DynamoDB::Table"
BUCKET = "AWS::S3::Bucket"
KEY = "AWS::KMS::Key"
STATEFUL = (TABLE, BUCKET, KEY, "AWS::Backup::BackupVault")
LEGACY_TABLE = "LegacyTable1"
STATEFUL_IDS = Path(__file__).with_name("stateful_ids.json")


def keys(holder: dict[str, Any]) -> dict[str, str]:
    return {key["KeyType"]: key["AttributeName"] for key in holder["KeySchema"]}


def own_tables(templates: Templates, stage: str) -> list[dict[str, Any]]:
    return [
        table["Properties"]
        for logical_id, table in templates.resources(stage, TABLE).items()
        if not logical_id.startswith(LEGACY_TABLE)
    ]


def indexes(table: dict[str, Any]) -> dict[str, tuple[dict[str, str], dict[str, Any]]]:
    return {index["IndexName"]: (keys(index), index["Projection"]) for index in table.get("GlobalSecondaryIndexes", [])}


def test_logical_ids_of_what_holds_state_never_change(templates: Templates) -> None:
    """A changed logical id makes CloudFormation replace the resource, and leave or delete what it held."""
    found = {
        stage: {
            logical_id: resource["Type"]
            for logical_id, resource in templates.by_stack[stage, "data"]["Resources"].items()
            if resource["Type"] in STATEFUL
        }
        for stage in STAGES
    }
    assert found == json.loads(STATEFUL_IDS.read_text())


def test_all_state_lives_in_the_data_stack(templates: Templates) -> None:
    for stage in STAGES:
        for kind in STATEFUL:
            assert not templates.resources(stage, kind, "functions", "backfill", "access")


@pytest.mark.parametrize("stage", STAGES)
def test_cdr_table(templates: Templates, stage: str) -> None:
    table = templates.one(stage, TABLE, "CdrTable")
    assert keys(table) == {"HASH": "pk", "RANGE": "sk"}
    assert indexes(table) == {
        "by_sponsor": ({"HASH": "sponsor_shard", "RANGE": "occurred_at"}, {"ProjectionType": "ALL"}),
        "by_day": ({"HASH": "day_shard", "RANGE": "occurred_at"}, {"ProjectionType": "ALL"}),
    }
    assert table["StreamSpecification"] == {"StreamViewType": "OLD_IMAGE"}


@pytest.mark.parametrize("stage", STAGES)
def test_messages_table(templates: Templates, stage: str) -> None:
    table = templates.one(stage, TABLE, "MessagesTable")
    assert keys(table) == {"HASH": "pk", "RANGE": "sk"}
    ((name, (key, projection)),) = indexes(table).items()
    assert (name, key) == ("inbox_by_recency", {"HASH": "inbox_user", "RANGE": "last_message_sk"})
    assert projection["ProjectionType"] == "INCLUDE"
    assert sorted(projection["NonKeyAttributes"]) == sorted(messages.INBOX_PROJECTION)
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}


def test_only_the_local_stage_has_a_legacy_table(templates: Templates) -> None:
    table = templates.one("local", TABLE, LEGACY_TABLE)
    assert table["TableName"] == deployment.LOCAL_LEGACY_TABLE
    assert keys(table) == {"HASH": "timestamp", "RANGE": "sponsor_id"}
    assert indexes(table) == {}
    types = {attribute["AttributeName"]: attribute["AttributeType"] for attribute in table["AttributeDefinitions"]}
    assert types == {"timestamp": "N", "sponsor_id": "S"}
    assert table["ProvisionedThroughput"] == {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    for stage in ("dev", "prod"):
        assert len(templates.resources(stage, TABLE)) == len(own_tables(templates, stage)) == 3


@pytest.mark.parametrize("stage", STAGES)
def test_runs_table(templates: Templates, stage: str) -> None:
    table = templates.one(stage, TABLE, "RunsTable")
    assert keys(table) == {"HASH": "pk", "RANGE": "sk"}
    assert indexes(table) == {}
    assert "StreamSpecification" not in table


def test_cdrs_expire_only_where_the_stage_says_when(templates: Templates) -> None:
    ttl = {"AttributeName": cdr.EXPIRES_AT, "Enabled": True}
    assert templates.one("local", TABLE, "CdrTable")["TimeToLiveSpecification"] == ttl
    for stage in ("dev", "prod"):
        assert "TimeToLiveSpecification" not in templates.one(stage, TABLE, "CdrTable")


@pytest.mark.parametrize("stage", STAGES)
def test_every_table_recovers_to_any_second_and_no_key_attribute_is_superfluous(
    templates: Templates, stage: str
) -> None:
    for table in templates.resources(stage, TABLE).values():
        properties = table["Properties"]
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        used = {
            name
            for holder in (properties, *properties.get("GlobalSecondaryIndexes", []))
            for name in keys(holder).values()
        }
        assert {attribute["AttributeName"] for attribute in properties["AttributeDefinitions"]} == used


@pytest.mark.parametrize("stage", STAGES)
def test_keys_of_the_systems_own_tables_are_texts(templates: Templates, stage: str) -> None:
    for table in own_tables(templates, stage):
        assert {attribute["AttributeType"] for attribute in table["AttributeDefinitions"]} == {"S"}


@pytest.mark.parametrize(("stage", "policy"), [("local", "Delete"), ("dev", "Delete"), ("prod", "Retain")])
def test_what_holds_state_outlives_its_stack_in_prod(templates: Templates, stage: str, policy: str) -> None:
    kept = [resource for kind in STATEFUL for resource in templates.resources(stage, kind).values()]
    assert kept
    for resource in kept:
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == (policy, policy)


def test_only_prods_tables_are_protected_from_deletion_and_only_devs_are_provisioned(templates: Templates) -> None:
    for stage in STAGES:
        for table in templates.resources(stage, TABLE).values():
            assert table["Properties"]["DeletionProtectionEnabled"] is (stage == "prod")
        for properties in own_tables(templates, stage):
            on_demand = properties.get("BillingMode") == "PAY_PER_REQUEST"
            assert on_demand is (stage != "dev")


@pytest.mark.parametrize("stage", STAGES)
def test_buckets_are_private_versioned_and_take_tls_only(templates: Templates, stage: str) -> None:
    buckets = templates.resources(stage, BUCKET, "data")
    named = {HASH.sub("", name) for name in buckets}
    assert named == {"Quarantine", "Reports"} | ({"AccessLogs"} if stage != "prod" else set())
    for name, bucket in buckets.items():
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(properties["PublicAccessBlockConfiguration"]) == 4
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert properties["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        # S3 writes no access logs into a bucket whose objects can be locked.
        assert properties.get("ObjectLockEnabled", False) is not name.startswith("AccessLogs")
        assert properties["NotificationConfiguration"] == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
        (policy,) = (
            found["Properties"]["PolicyDocument"]
            for found in templates.resources(stage, "AWS::S3::BucketPolicy").values()
            if found["Properties"]["Bucket"] == {"Ref": name}
        )
        tls, *others = templates.statements(stage, policy)
        assert (tls.effect, tls.actions, tls.principals) == ("Deny", ("s3:*",), {"AWS": "*"})
        assert tls.condition == {"Bool": {"aws:SecureTransport": "false"}}
        assert [other.sid for other in others] == (
            ["TakeAccessLogsOfTheAccount"] if name.startswith("AccessLogs") else []
        )


@pytest.mark.parametrize("stage", STAGES)
def test_what_the_buckets_of_the_system_hold_stays_and_who_called_them_is_logged(
    templates: Templates, stage: str
) -> None:
    where = f"access-logs-{PLACEHOLDER_ACCOUNT}-{PLACEHOLDER_REGION}" if stage == "prod" else "${AccessLogs}"
    for name in ("Quarantine", "Reports"):
        bucket = templates.one(stage, BUCKET, name)
        (rule,) = bucket["LifecycleConfiguration"]["Rules"]
        assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 90}
        assert "ExpirationInDays" not in rule
        logging = bucket["LoggingConfiguration"]
        assert templates.text(stage, logging["DestinationBucketName"]) == where
        assert logging["LogFilePrefix"] == f"switchboard-{stage}/{name.lower()}/"


def test_every_object_of_prod_is_copied_to_another_region_under_a_key_of_that_region(templates: Templates) -> None:
    buckets = templates.resources("prod", BUCKET)
    assert {HASH.sub("", name) for name in buckets} == {"Audit", "Quarantine", "Reports"}
    for bucket in buckets.values():
        copied = bucket["Properties"]["ReplicationConfiguration"]
        role = f"arn:aws:iam::{PLACEHOLDER_ACCOUNT}:role/switchboard-copies"
        assert templates.text("prod", copied["Role"]) == role
        (rule,) = copied["Rules"]
        assert (rule["Status"], rule["Filter"]) == ("Enabled", {"Prefix": ""})
        # Without this S3 leaves out whatever a customer-managed key encrypts, which here is everything.
        assert rule["SourceSelectionCriteria"]["SseKmsEncryptedObjects"] == {"Status": "Enabled"}
        into = f"arn:aws:s3:::switchboard-copies-{PLACEHOLDER_ACCOUNT}-eu-west-1"
        key = f"arn:aws:kms:eu-west-1:{PLACEHOLDER_ACCOUNT}:alias/switchboard-copies"
        assert templates.text("prod", rule["Destination"]["Bucket"]) == into
        encryption = rule["Destination"]["EncryptionConfiguration"]
        assert templates.text("prod", encryption["ReplicaKmsKeyID"]) == key


def test_other_stages_keep_no_copies(templates: Templates) -> None:
    for stage in ("local", "dev"):
        buckets = templates.resources(stage, BUCKET).values()
        assert not [bucket for bucket in buckets if "ReplicationConfiguration" in bucket["Properties"]]


def test_the_example_lets_s3_copy_and_nothing_else() -> None:
    policy = json.loads((ROOT / "docs/examples/copies-policy.json").read_text())
    granted = {
        action: statement["Resource"]
        for statement in policy["Statement"]
        for action in (statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]])
    }
    of_prod, copies = "arn:aws:s3:::switchboard-prod-*", "arn:aws:s3:::switchboard-copies-*"
    assert granted == {
        "s3:GetReplicationConfiguration": of_prod,
        "s3:ListBucket": of_prod,
        "s3:GetObjectLegalHold": f"{of_prod}/*",
        "s3:GetObjectRetention": f"{of_prod}/*",
        "s3:GetObjectVersionAcl": f"{of_prod}/*",
        "s3:GetObjectVersionForReplication": f"{of_prod}/*",
        "s3:GetObjectVersionTagging": f"{of_prod}/*",
        "s3:ReplicateDelete": f"{copies}/*",
        "s3:ReplicateObject": f"{copies}/*",
        "s3:ReplicateTags": f"{copies}/*",
        "kms:Decrypt": "arn:aws:kms:*:*:key/*",
        "kms:Encrypt": "arn:aws:kms:*:*:key/*",
    }
    for statement in policy["Statement"]:
        if "kms:" in json.dumps(statement["Action"]):
            assert set(statement["Condition"]) == {"StringLike"}
            assert set(statement["Condition"]["StringLike"]) == {
                "kms:ViaService",
                "kms:EncryptionContext:aws:s3:arn",
            }


@pytest.mark.parametrize("stage", ["local", "dev"])
def test_access_logs_are_written_by_s3_for_this_account_and_forgotten(templates: Templates, stage: str) -> None:
    bucket = templates.one(stage, BUCKET, "AccessLogs")
    (rule,) = bucket["LifecycleConfiguration"]["Rules"]
    assert rule["ExpirationInDays"] == 90
    policy = templates.one(stage, "AWS::S3::BucketPolicy", "AccessLogsPolicy")["PolicyDocument"]
    _, written = templates.statements(stage, policy)
    assert (written.actions, written.principals) == (("s3:PutObject",), {"Service": "logging.s3.amazonaws.com"})
    assert list(written.condition["StringEquals"]) == ["aws:SourceAccount"]


@pytest.mark.parametrize("stage", STAGES)
def test_what_no_function_took_is_kept_for_a_fortnight(templates: Templates, stage: str) -> None:
    queue = templates.one(stage, "AWS::SQS::Queue", "FailedInvocations")
    assert queue["MessageRetentionPeriod"] == 14 * 24 * 3_600
    assert queue["RedriveAllowPolicy"] == {"redrivePermission": "denyAll"}
    assert queue["SqsManagedSseEnabled"] is True


@pytest.mark.parametrize("stage", ["local", "prod"])
def test_tables_and_buckets_have_keys_of_their_own(templates: Templates, stage: str) -> None:
    for table in templates.resources(stage, TABLE).values():
        encryption = table["Properties"]["SSESpecification"]
        assert templates.text(stage, encryption["KMSMasterKeyId"]) == "${TableKey.Arn}"
        assert encryption["SSEEnabled"] is True
    for name in ("Quarantine", "Reports"):
        bucket = templates.one(stage, BUCKET, name)
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        default = rule["ServerSideEncryptionByDefault"]
        assert (templates.text(stage, default["KMSMasterKeyID"]), default["SSEAlgorithm"]) == (
            "${BucketKey.Arn}",
            "aws:kms",
        )


def test_dev_pays_for_no_keys(templates: Templates) -> None:
    assert not templates.resources("dev", KEY)
    for bucket in templates.resources("dev", BUCKET).values():
        (rule,) = bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}


@pytest.mark.parametrize("stage", ["local", "prod"])
@pytest.mark.parametrize(("name", "service"), [("TableKey", "dynamodb"), ("BucketKey", "s3"), ("LogKey", "lambda")])
def test_keys_are_usable_through_one_service_only(templates: Templates, stage: str, name: str, service: str) -> None:
    key = templates.one(stage, KEY, name)
    administer, use, deny, *further = templates.statements(stage, key["KeyPolicy"])
    via = use.condition["StringEquals"]
    region = "eu-central-1" if stage == "prod" else "${AWS::Region}"
    assert templates.text(stage, via["kms:ViaService"]) == f"{service}.{region}.${{AWS::URLSuffix}}"
    assert set(via) == {"kms:ViaService", "kms:CallerAccount"}
    assert use.principals == {"AWS": "*"}
    assert not set(administer.actions) & {"kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey", "kms:CreateGrant"}
    assert "kms:PutKeyPolicy" in administer.actions
    assert (deny.effect, deny.actions) == ("Deny", ("kms:CreateGrant",))
    assert deny.condition == {
        "BoolIfExists": {"kms:GrantIsForAWSResource": "false", "aws:PrincipalIsAWSService": "false"}
    }
    assert [statement.principals for statement in further] == (
        [{"Service": "logs.amazonaws.com"}] if name == "LogKey" else []
    )
    assert key["EnableKeyRotation"] is True


def test_every_key_has_an_alias_that_says_what_it_protects(templates: Templates) -> None:
    for stage in STAGES:
        aliases = {
            templates.text(stage, alias["Properties"]["TargetKeyId"]): alias["Properties"]["AliasName"]
            for alias in templates.resources(stage, "AWS::KMS::Alias").values()
        }
        assert len(aliases) == len(templates.resources(stage, KEY))
        assert all(name.startswith(f"alias/switchboard-{stage}-") for name in aliases.values())
