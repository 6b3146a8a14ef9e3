"""The tables of a stage as its synthesized template describes them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.errors import Code, Failure
from switchboard.schema import deployment

if TYPE_CHECKING:
    from pathlib import Path

TABLE: Final = "AWS::DynamoDB::Table"
PARAMETER: Final = "AWS::SSM::Parameter"
STACK: Final = "aws:cloudformation:stack"
DATA: Final = "data"
"""The stack that holds everything with state."""

_COPIED: Final = (
    "AttributeDefinitions",
    "BillingMode",
    "DeletionProtectionEnabled",
    "GlobalSecondaryIndexes",
    "KeySchema",
    "LocalSecondaryIndexes",
    "ProvisionedThroughput",
    "Tags",
)
"""What a template and `CreateTable` say alike. Keys of encryption and policies belong to the stage's own account."""


@dataclass(frozen=True, slots=True)
class Blueprint:
    """One table: the request that creates it, its TTL attribute if it has one, and whether it can be recovered."""

    short: str
    request: dict[str, Any]
    ttl_attribute: str | None
    recoverable: bool

    @property
    def name(self) -> str:
        """What the table is called."""
        return str(self.request["TableName"])

    def differs_from(self, described: dict[str, Any]) -> bool:
        """Whether a table that `DescribeTable` described has other keys or indexes."""
        return _shape(self.request) != _shape(described)


def read(assembly: Path, stage: str) -> list[Blueprint]:
    """The tables of a stage in the template's order.

    Raises `Failure` (not found) where the folder holds no synthesized data stack of the stage.
    """
    folder = assembly / f"assembly-{stage}"
    try:
        artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"].values()
        (file,) = (
            artifact["properties"]["templateFile"]
            for artifact in artifacts
            if artifact["type"] == STACK
            and artifact["properties"].get("stackName") == deployment.stack_name(stage, DATA)
        )
        resources = json.loads((folder / file).read_text())["Resources"]
    except (OSError, ValueError, KeyError):
        raise Failure(
            Code.NOT_FOUND,
            f"No template of stage {stage} was synthesized there.",
            remedy="Run `make synth`, or give --assembly FOLDER.",
        ) from None
    shorts = _short_names(resources, stage)
    return [
        _blueprint(shorts.get(logical_id, logical_id), resource["Properties"], stage)
        for logical_id, resource in resources.items()
        if resource["Type"] == TABLE
    ]


def _short_names(resources: dict[str, Any], stage: str) -> dict[str, str]:
    """Short names of tables by logical id, from what the template publishes."""
    paths = {deployment.parameter_name(stage, path): short for short, path in deployment.TABLE_PATHS.items()}
    parameters = (resource["Properties"] for resource in resources.values() if resource["Type"] == PARAMETER)
    return {each["Value"]["Ref"]: paths[each["Name"]] for each in parameters if each["Name"] in paths}


def _blueprint(short: str, properties: dict[str, Any], stage: str) -> Blueprint:
    request: dict[str, Any] = {name: properties[name] for name in _COPIED if name in properties}
    request["TableName"] = properties.get("TableName", deployment.table_name(stage, short))
    if "StreamSpecification" in properties:
        request["StreamSpecification"] = {"StreamEnabled": True, **properties["StreamSpecification"]}
    recovery = properties.get("PointInTimeRecoverySpecification", {})
    return Blueprint(
        short=short,
        request=request,
        ttl_attribute=properties.get("TimeToLiveSpecification", {}).get("AttributeName"),
        recoverable=bool(recovery.get("PointInTimeRecoveryEnabled")),
    )


def _shape(described: dict[str, Any]) -> tuple[Any, ...]:
    indexes = described.get("GlobalSecondaryIndexes", [])
    stream = described.get("StreamSpecification", {}).get("StreamViewType")
    return keys_of(described), sorted((index["IndexName"], keys_of(index)) for index in indexes), stream


def keys_of(described: dict[str, Any]) -> tuple[str, ...]:
    """The key attributes of a table or an index, the partition key first."""
    keys = sorted(described["KeySchema"], key=lambda key: str(key["KeyType"]))
    return tuple(key["AttributeName"] for key in keys)
