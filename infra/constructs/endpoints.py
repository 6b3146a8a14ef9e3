"""The only two ways out of the private network: to DynamoDB and S3, for this system's tables and buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import CfnTag, Stack
from aws_cdk.aws_ec2 import CfnVPCEndpoint
from aws_cdk.aws_iam import PolicyDocument, PolicyStatement, StarPrincipal
from constructs import Construct

from infra.constructs import dynamodb_actions
from infra.constructs.prefix_lists import DYNAMODB, S3

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infra.stacks.data import DataStack


class GatewayEndpoints(Construct):
    """Gateway endpoints, which cost nothing. Their policies let no other table, bucket or account through.

    So a function that were made to send data elsewhere could not, whatever credentials it was given.
    """

    def __init__(self, scope: Construct, *, vpc_id: str, route_tables: Sequence[str], data: DataStack) -> None:
        super().__init__(scope, "Endpoints")
        self._vpc_id = vpc_id
        self._route_tables = list(route_tables)
        self.dynamodb = self._define(
            "DynamoDb",
            DYNAMODB,
            purpose="Items of the tables of this stage for its functions",
            statements=[
                self._allow(
                    "ItemsOfThisSystem",
                    (*dynamodb_actions.ON_ITEMS, *dynamodb_actions.DESCRIBE),
                    data.items,
                ),
                self._allow("ExportTables", [dynamodb_actions.EXPORT], data.targets),
                self._allow(
                    "FollowExports",
                    [dynamodb_actions.DESCRIBE_EXPORT],
                    [f"{table}/export/*" for table in data.targets],
                ),
            ],
        )
        self.s3 = self._define(
            "S3",
            S3,
            purpose="Objects of the buckets of this stage for its functions",
            statements=[
                self._allow("FindObjects", ["s3:ListBucket"], [bucket.bucket_arn for bucket in data.buckets]),
                self._allow(
                    "KeepAndReadObjects",
                    ["s3:GetObject", "s3:PutObject"],
                    [bucket.arn_for_objects("*") for bucket in data.buckets],
                ),
            ],
        )

    def _define(
        self, construct_id: str, service: str, *, purpose: str, statements: list[PolicyStatement]
    ) -> CfnVPCEndpoint:
        return CfnVPCEndpoint(
            self,
            construct_id,
            vpc_id=self._vpc_id,
            vpc_endpoint_type="Gateway",
            service_name=f"com.amazonaws.{Stack.of(self).region}.{service}",
            route_table_ids=self._route_tables,
            policy_document=PolicyDocument(statements=statements),
            tags=[CfnTag(key="purpose", value=purpose)],
        )

    def _allow(self, sid: str, actions: Sequence[str], resources: Sequence[str]) -> PolicyStatement:
        # Any principal of this account: which of them, their own policies say.
        return PolicyStatement(
            sid=sid,
            principals=[StarPrincipal()],
            actions=list(actions),
            resources=list(resources),
            conditions={"StringEquals": {"aws:PrincipalAccount": Stack.of(self).account}},
        )
