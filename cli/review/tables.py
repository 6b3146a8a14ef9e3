"""The tables of a stage: keys, indexes, and the questions they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from switchboard.schema.access_patterns import ACCESS_PATTERNS, AccessPattern

if TYPE_CHECKING:
    from cli.review.assembly import Resource, StageTemplates

TABLE: Final = "AWS::DynamoDB::Table"


@dataclass(frozen=True, slots=True)
class Index:
    """A way to find items: the table's own key where `name` is empty, else a global secondary index."""

    name: str
    partition_key: str
    sort_key: str
    projection: str
    capacity: str
    answers: tuple[AccessPattern, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `stream` and `expiry` are empty where it has none."""

    place: str
    purpose: str
    stream: str
    expiry: str
    indexes: tuple[Index, ...]


def tables(stage: StageTemplates) -> tuple[Table, ...]:
    """The tables of a stage."""
    return tuple(_table(resource) for resource in stage.of_type(TABLE))


def short_name(resource: Resource) -> str:
    """What the access patterns call a table: `data/CdrTable` is `cdr`."""
    return resource.name.removesuffix("Table").lower()


def _table(resource: Resource) -> Table:
    properties = resource.properties
    purpose = next((tag["Value"] for tag in properties.get("Tags", ()) if tag["Key"] == "purpose"), "")
    expiry = properties.get("TimeToLiveSpecification", {})
    described = [{"IndexName": "", **properties}, *properties.get("GlobalSecondaryIndexes", ())]
    return Table(
        place=resource.place,
        purpose=purpose,
        stream=properties.get("StreamSpecification", {}).get("StreamViewType", ""),
        expiry=expiry.get("AttributeName", "") if expiry.get("Enabled") else "",
        indexes=tuple(_index(short_name(resource), each, properties) for each in described),
    )


def _index(table: str, described: Any, properties: Any) -> Index:
    keys = {key["KeyType"]: key["AttributeName"] for key in described["KeySchema"]}
    name = described["IndexName"]
    projection = described.get("Projection", {})
    included = ", ".join(projection.get("NonKeyAttributes", ()))
    units = described.get("ProvisionedThroughput")
    on_demand = properties.get("BillingMode") == "PAY_PER_REQUEST"
    return Index(
        name=name,
        partition_key=keys["HASH"],
        sort_key=keys.get("RANGE", ""),
        projection=f"{projection.get('ProjectionType', 'ALL')}{': ' + included if included else ''}",
        capacity="on demand"
        if on_demand or not units
        else f"{units['WriteCapacityUnits']} write, {units['ReadCapacityUnits']} read",
        answers=tuple(each for each in ACCESS_PATTERNS if (each.table, each.index or "") == (table, name)),
    )
