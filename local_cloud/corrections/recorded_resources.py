"""Resources that the emulator does not know are recorded, so that a stack which holds one deploys.

Wrong: one unknown resource type rejects a stack before anything in it is created; an alarm on a metric expression is
rejected too.

AWS: creates them. Nothing here imitates what they do: they get an id and their attributes, and no claim rests on them.
Source: CloudFormation template reference, the return values of each type.

The list names only what the stacks hold. A type that is not on it still fails, which is how a new one is noticed.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services.cloudformation import provisioners

from local_cloud.corrections import _seam

_TYPES: Final = {
    "AWS::Backup::BackupSelection": ("Id", "SelectionId", "BackupPlanId"),
    "AWS::CloudTrail::Trail": ("Arn", "SnsTopicArn"),
    "AWS::CloudWatch::CompositeAlarm": ("Arn",),
    "AWS::Config::ConfigRule": ("Arn", "ConfigRuleId", "Compliance.Type"),
    "AWS::Config::ConfigurationRecorder": (),
    "AWS::Config::DeliveryChannel": (),
    "AWS::EC2::FlowLog": ("Id",),
    "AWS::EC2::SecurityGroupEgress": ("Id",),
    "AWS::EC2::SecurityGroupIngress": ("Id",),
    "AWS::IAM::OIDCProvider": ("Arn",),
    "AWS::Lambda::CodeSigningConfig": ("CodeSigningConfigArn", "CodeSigningConfigId"),
    "AWS::Logs::QueryDefinition": ("QueryDefinitionId",),
    "AWS::RolesAnywhere::Profile": ("ProfileArn", "ProfileId"),
    "AWS::RolesAnywhere::TrustAnchor": ("TrustAnchorArn", "TrustAnchorId"),
}
"""Resource types and the attributes that `Fn::GetAtt` may ask of them."""
_ALARM: Final = "AWS::CloudWatch::Alarm"


def apply() -> None:
    """Add a provisioner that records, for every type of the list."""
    handlers = provisioners._RESOURCE_HANDLERS
    known = sorted(set(_TYPES) & set(handlers))
    if known:
        raise _seam.SeamError(f"The emulator now knows {', '.join(known)}: remove them from the recorded types.")
    for resource_type, attributes in _TYPES.items():
        handlers[resource_type] = _recorder(resource_type, attributes)

    create = handlers[_ALARM]["create"]

    def create_alarm(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        if not props.get("Metrics"):
            return create(logical_id, props, stack_name)
        name = props.get("AlarmName") or f"{stack_name}-{logical_id}"
        return name, {"Arn": f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"}

    handlers[_ALARM]["create"] = create_alarm


def _recorder(resource_type: str, attributes: tuple[str, ...]) -> dict[str, Any]:
    _, service, kind = resource_type.split("::")

    def create(logical_id: str, _props: dict[str, Any], stack_name: str) -> tuple[str, dict[str, str]]:
        digest = sha256(f"{stack_name}/{logical_id}".encode()).hexdigest()[:8]
        name = f"{stack_name}-{logical_id}-{digest}"
        return name, _attributes(name)

    def update(
        physical_id: str, _old: dict[str, Any], _new: dict[str, Any], _stack_name: str
    ) -> tuple[str, dict[str, str]]:
        return physical_id, _attributes(physical_id)

    def delete(_physical_id: str, _props: dict[str, Any]) -> None:
        """Nothing was made, so nothing is left."""

    def _attributes(name: str) -> dict[str, str]:
        arn = f"arn:aws:{service.lower()}:{get_region()}:{get_account_id()}:{kind.lower()}/{name}"
        return {attribute: arn if attribute.endswith("Arn") else name for attribute in attributes}

    return {"create": create, "update": update, "delete": delete}
