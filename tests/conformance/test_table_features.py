from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.conformance.scenarios import code_of, settled, stack

if TYPE_CHECKING:
    from local_cloud.cloud import LocalCloud

PLAIN: dict[str, Any] = {
    "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
KEY = {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": []}}}


def with_table(**properties: Any) -> dict[str, Any]:
    return {"Key": KEY, "Table": {"Type": "AWS::DynamoDB::Table", "Properties": PLAIN | properties}}


POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "dynamodb:Scan", "Resource": "*"}],
}
FULL = with_table(
    ResourcePolicy={"PolicyDocument": POLICY},
    PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True},
    DeletionProtectionEnabled=True,
    SSESpecification={"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]}},
)


def features(cloud: LocalCloud, stack_name: str) -> dict[str, Any]:
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=stack_name)["StackResources"]
    name = next(found["PhysicalResourceId"] for found in resources if found["LogicalResourceId"] == "Table")
    client = cloud.client("dynamodb")
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    table = client.describe_table(TableName=name)["Table"]
    return {
        "recovery": backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
        "expiry": client.describe_time_to_live(TableName=name)["TimeToLiveDescription"].get("AttributeName"),
        "protected": table["DeletionProtectionEnabled"],
        "key": table.get("SSEDescription", {}).get("KMSMasterKeyArn", "").partition(":key/")[1],
    }


def test_a_stack_sets_the_features_of_its_table(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    name, status = stack(corrected, FULL)
    assert status == "CREATE_COMPLETE"
    expected = {"recovery": "ENABLED", "expiry": "expires_at", "protected": True, "key": ":key/"}
    assert features(corrected, name) == expected

    name, _ = stack(as_it_comes, FULL)
    assert features(as_it_comes, name) == {"recovery": "DISABLED", "expiry": None, "protected": True, "key": ""}


def policy_of(cloud: LocalCloud, stack_name: str) -> Any:
    resources = cloud.client("cloudformation").describe_stack_resources(StackName=stack_name)["StackResources"]
    name = next(found["PhysicalResourceId"] for found in resources if found["LogicalResourceId"] == "Table")
    client = cloud.client("dynamodb")
    arn = client.describe_table(TableName=name)["Table"]["TableArn"]
    found: list[Any] = []
    refused = code_of(lambda: found.append(client.get_resource_policy(ResourceArn=arn)["Policy"]))
    return json.loads(found[0]) if found else refused


def test_a_stack_sets_the_policy_of_its_table(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    name, _ = stack(corrected, FULL)
    assert policy_of(corrected, name) == POLICY
    name, _ = stack(as_it_comes, FULL)
    assert policy_of(as_it_comes, name) == "PolicyNotFoundException"


def test_an_update_sets_them_too(corrected: LocalCloud) -> None:
    name, _ = stack(corrected, with_table())
    assert features(corrected, name) == {"recovery": "DISABLED", "expiry": None, "protected": False, "key": ""}
    _, status = stack(corrected, FULL, name)
    assert status == "UPDATE_COMPLETE"
    assert features(corrected, name)["recovery"] == "ENABLED"
    assert features(corrected, name)["protected"] is True


def deletion_of_a_protected_table(cloud: LocalCloud) -> str:
    name, _ = stack(cloud, with_table(DeletionProtectionEnabled=True))
    cloud.client("cloudformation").delete_stack(StackName=name)
    return settled(cloud, name)


def test_a_protected_table_is_not_deleted_with_its_stack(corrected: LocalCloud, as_it_comes: LocalCloud) -> None:
    assert deletion_of_a_protected_table(corrected) == "DELETE_FAILED"
    assert deletion_of_a_protected_table(as_it_comes) in {"gone", "DELETE_COMPLETE"}
