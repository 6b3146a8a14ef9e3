"""An old CDR table, for a stage that shows how one is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import RemovalPolicy, Tags
from aws_cdk.aws_dynamodb import (
    Attribute,
    AttributeType,
    BillingMode,
    PointInTimeRecoverySpecification,
    Table,
    TableEncryption,
)

from infra.constructs.table import text
from switchboard.schema import legacy

if TYPE_CHECKING:
    from aws_cdk.aws_kms import IKey
    from constructs import Construct

UNITS: Final = 1
"""As little as a table can have: an import must be gentle with it."""


class LegacyTable(Table):
    """A table with the old key, under its old name, that goes with its stage."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str, key: IKey | None) -> None:
        super().__init__(
            scope,
            construct_id,
            table_name=name,
            partition_key=Attribute(name=legacy.TIMESTAMP, type=AttributeType.NUMBER),
            sort_key=text(legacy.SPONSOR_ID),
            billing_mode=BillingMode.PROVISIONED,
            read_capacity=UNITS,
            write_capacity=UNITS,
            point_in_time_recovery_specification=PointInTimeRecoverySpecification(point_in_time_recovery_enabled=True),
            encryption=TableEncryption.CUSTOMER_MANAGED if key else TableEncryption.DEFAULT,
            encryption_key=key,
            deletion_protection=False,
            removal_policy=RemovalPolicy.DESTROY,
        )
        Tags.of(self).add("purpose", "Call data records as they were kept before their import")
