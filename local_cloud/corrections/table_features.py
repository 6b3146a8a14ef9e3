"""CloudFormation sets recovery, time to live, encryption, policy and protection of a table, and respects the last.

Wrong: a table made by a stack has no point-in-time recovery, no time to live, no customer key and no policy, whatever
the template says, and deleting the stack deletes a protected table.

AWS: the properties take effect when the table is created or updated, and the deletion of a protected table fails.
Source: CloudFormation template reference, `AWS::DynamoDB::Table`; DynamoDB API reference, `DeleteTable`.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.services import dynamodb
from ministack.services.cloudformation import provisioners

from local_cloud.corrections import _seam


class TableError(ValueError):
    """What the emulator's own API answers to a table's settings; fails the resource, and with it the stack."""


def apply() -> None:
    """Apply the settings after every creation and update, through the emulator's own API functions."""
    create = _seam.original(provisioners, "_ddb_create", "logical_id", "props", "stack_name")
    update = _seam.original(
        provisioners, "_ddb_update", "physical_id", "old_props", "new_props", "stack_name", "logical_id"
    )
    delete = _seam.original(provisioners, "_ddb_delete", "physical_id", "props")
    for name in ("_update_ttl", "_update_continuous_backups", "_update_table", "_put_resource_policy"):
        _seam.original(dynamodb, name, "data")

    def create_table(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        name, attributes = create(logical_id, props, stack_name)
        _set(name, props)
        return name, attributes

    def update_table(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str, logical_id: str | None = None
    ) -> tuple[str, dict[str, Any]]:
        name, attributes = update(physical_id, old, new, stack_name, logical_id)
        _set(name, new)
        return name, attributes

    def delete_table(physical_id: str, props: dict[str, Any]) -> None:
        table = dynamodb._tables.get(physical_id)
        if table is not None and table.get("DeletionProtectionEnabled"):
            raise TableError(
                "Resource cannot be deleted as it is currently protected against deletion. "
                "Disable deletion protection first."
            )
        delete(physical_id, props)

    provisioners._RESOURCE_HANDLERS["AWS::DynamoDB::Table"].update(
        create=create_table, update=update_table, delete=delete_table
    )


def _set(name: str, props: dict[str, Any]) -> None:
    dynamodb._tables[name]["DeletionProtectionEnabled"] = _true(props.get("DeletionProtectionEnabled"))
    recovery = props.get("PointInTimeRecoverySpecification") or {}
    _call(
        dynamodb._update_continuous_backups,
        TableName=name,
        PointInTimeRecoverySpecification={
            "PointInTimeRecoveryEnabled": _true(recovery.get("PointInTimeRecoveryEnabled"))
        },
    )
    expiry = props.get("TimeToLiveSpecification")
    if expiry:
        _call(
            dynamodb._update_ttl,
            TableName=name,
            TimeToLiveSpecification={
                "AttributeName": expiry.get("AttributeName", ""),
                "Enabled": _true(expiry.get("Enabled")),
            },
        )
    encryption = props.get("SSESpecification")
    if encryption:
        wanted = {"Enabled": _true(encryption.get("SSEEnabled")), "SSEType": encryption.get("SSEType", "KMS")}
        if encryption.get("KMSMasterKeyId"):
            wanted["KMSMasterKeyId"] = encryption["KMSMasterKeyId"]
        _call(dynamodb._update_table, TableName=name, SSESpecification=wanted)

    policy = (props.get("ResourcePolicy") or {}).get("PolicyDocument")
    if policy:
        arn = dynamodb._tables[name]["TableArn"]
        _call(dynamodb._put_resource_policy, ResourceArn=arn, Policy=json.dumps(policy))


def _call(operation: Any, **request: Any) -> None:
    status, _, body = operation(request)
    if status >= 400:  # noqa: PLR2004 - where HTTP's error statuses begin
        raise TableError(body.decode())


def _true(value: Any) -> bool:
    return str(value).lower() == "true"  # a template may hold the word instead of the value
