"""DynamoDB tables as this system keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy, Tags
from aws_cdk.aws_dynamodb import (
    Attribute,
    AttributeType,
    BillingMode,
    PointInTimeRecoverySpecification,
    ProjectionType,
    StreamViewType,
    Table,
    TableEncryption,
)

from infra.config_types import OnDemand, StageConfig
from infra.constructs.table_policy import only_roles_touch_items

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk.aws_kms import IKey
    from constructs import Construct


def text(name: str) -> Attribute:
    """A key attribute that holds a string."""
    return Attribute(name=name, type=AttributeType.STRING)


class StoredTable(Table):
    """A table with string keys, recovery to any second of the last 35 days, and the stage's protection and capacity.

    `planned_as` is the table's name in a stage's provisioned capacity. An index is planned under its own name.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: StageConfig,
        planned_as: str,
        partition_key: str,
        sort_key: str,
        purpose: str,
        key: IKey | None,
        stream: StreamViewType | None = None,
        ttl_attribute: str | None = None,
    ) -> None:
        units = stage.billing.units(planned_as)
        super().__init__(
            scope,
            construct_id,
            partition_key=text(partition_key),
            sort_key=text(sort_key),
            billing_mode=BillingMode.PAY_PER_REQUEST
            if isinstance(stage.billing, OnDemand)
            else BillingMode.PROVISIONED,
            read_capacity=units.read if units else None,
            write_capacity=units.write if units else None,
            stream=stream,
            time_to_live_attribute=ttl_attribute,
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            encryption=TableEncryption.CUSTOMER_MANAGED if key else TableEncryption.DEFAULT,
            encryption_key=key,
            deletion_protection=stage.retain_data,
            resource_policy=only_roles_touch_items(),
            removal_policy=RemovalPolicy.RETAIN if stage.retain_data else RemovalPolicy.DESTROY,
        )
        self._billing = stage.billing
        self._indexes: list[str] = []
        Tags.of(self).add("purpose", purpose)

    @property
    def stream_arn(self) -> str:
        """ARN of the table's stream. Raises `ValueError` for a table that has none."""
        arn = self.table_stream_arn
        if arn is None:
            raise ValueError(f"Table {self.node.path} has no stream: give it one where it is defined.")
        return arn

    @property
    def arns(self) -> list[str]:
        """ARNs of the table and of its indexes, as far as they are added."""
        return [self.table_arn, *(f"{self.table_arn}/index/{name}" for name in self._indexes)]

    def add_index(self, name: str, *, partition_key: str, sort_key: str, include: Sequence[str] | None = None) -> None:
        """Add a global secondary index with its planned capacity; `include` are its attributes, by default all."""
        units = self._billing.units(name)
        self._indexes.append(name)
        self.add_global_secondary_index(
            index_name=name,
            partition_key=text(partition_key),
            sort_key=text(sort_key),
            projection_type=ProjectionType.INCLUDE if include else ProjectionType.ALL,
            non_key_attributes=list(include) if include else None,
            read_capacity=units.read if units else None,
            write_capacity=units.write if units else None,
        )
