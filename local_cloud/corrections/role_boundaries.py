"""CloudFormation sets the permissions boundary of a role.

Wrong: a role made by a stack has no boundary, whatever the template says, so the boundary's ceiling never holds.

AWS: `PermissionsBoundary` of the template limits the role, and an update that leaves it out removes it.
Source: CloudFormation template reference, `AWS::IAM::Role`; IAM User Guide, "Permissions boundaries".
"""

from __future__ import annotations

from typing import Any

from ministack.services import iam
from ministack.services.cloudformation import provisioners

from local_cloud.corrections import _seam


def apply() -> None:
    """Write the boundary down where the emulator's own API keeps it."""
    create = _seam.original(provisioners, "_iam_role_create", "logical_id", "props", "stack_name")
    update = _seam.original(
        provisioners, "_iam_role_update", "physical_id", "old_props", "new_props", "stack_name", "logical_id"
    )

    def create_role(logical_id: str, props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, Any]]:
        name, attributes = create(logical_id, props, stack_name)
        _set(name, props)
        return name, attributes

    def update_role(
        physical_id: str, old: dict[str, Any], new: dict[str, Any], stack_name: str, logical_id: str | None = None
    ) -> Any:
        name, attributes = update(physical_id, old, new, stack_name, logical_id)
        _set(name, new)
        return name, attributes

    provisioners._RESOURCE_HANDLERS["AWS::IAM::Role"].update(create=create_role, update=update_role)


def _set(name: str, props: dict[str, Any]) -> None:
    iam._roles[name]["PermissionsBoundary"] = props.get("PermissionsBoundary")
