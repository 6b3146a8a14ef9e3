"""Each permission as the smallest call that needs it, with the credentials of a role of the deployed stage."""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.review.assembly import read_assembly
from cli.review.grants import grants
from cli.review.holders import OWN
from local_cloud.identity import ACCOUNT, REGION
from local_cloud.impersonation import role_credentials
from local_cloud.paths import ROOT
from switchboard.schema import cdr, messages
from tests.integration.calls import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from cli.review.assembly import StageTemplates
    from local_cloud.stage import DeployedStage

STAGE: Final = "local"
Granted = dict[str, dict[str, list[str]]]
"""Resources by action by role, as the templates write them: `{data/CdrTable.Arn}/index/by_day`."""


def granted(stage: StageTemplates) -> Granted:
    """The table role, action, resource of everything that a policy of the stage allows."""
    table: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for grant in grants(stage):
        if (grant.through, grant.effect) == (OWN, "Allow"):
            table[grant.role][grant.action].add(grant.resource)
    return {role: {action: sorted(where) for action, where in sorted(may.items())} for role, may in table.items()}


def local_templates(assembly: Path) -> StageTemplates:
    """The templates of the stage that is deployed in tests."""
    return next(stage for stage in read_assembly(assembly) if stage.name == STAGE)


@dataclass(frozen=True, slots=True)
class Target:
    """A resource as a call names it, and what a condition of the permission wants of the call."""

    name: str
    """Name, URL, ARN or path of the resource."""
    rest: str = ""
    """What follows it: an index, or the key of an object."""
    partition: str = "GRANTED#"
    attribute: str = "granted"
    prefix: str = ""
    select: str = "ALL_ATTRIBUTES"

    @property
    def key(self) -> dict[str, Any]:
        """The key of an item that nobody stored."""
        return {"pk": {"S": f"{self.partition}nobody"}, "sk": {"S": "granted"}}

    @property
    def table(self) -> dict[str, str]:
        """The table, or the index of it."""
        index = self.rest.removeprefix("/index/")
        return {"TableName": self.name, **({"IndexName": index} if index else {})}

    @property
    def table_arn(self) -> str:
        """The ARN of the table."""
        return f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{self.name}"

    @property
    def hash_key(self) -> str:
        """The partition key of the table or of the index."""
        return INDEX_KEYS.get(self.rest.removeprefix("/index/"), "pk")

    @property
    def object(self) -> dict[str, str]:
        """An object whose key the permission's pattern matches."""
        return {"Bucket": self.name, "Key": self.rest.removeprefix("/").replace("?", "0").replace("*", "granted")}


INDEX_KEYS: Final = {
    cdr.BY_SPONSOR: cdr.SPONSOR_SHARD,
    cdr.BY_DAY: cdr.DAY_SHARD,
    messages.INBOX_BY_RECENCY: messages.INBOX_USER,
}
ONLY_IF_STORED: Final = "attribute_exists(pk)"
"""Nobody stored it, so that no call changes anything: IAM has answered before the condition is looked at."""


def _update(client: Any, target: Target) -> Any:
    return client.update_item(
        TableName=target.name,
        Key=target.key,
        UpdateExpression="SET #a = :a",
        ConditionExpression=ONLY_IF_STORED,
        ExpressionAttributeNames={"#a": target.attribute},
        ExpressionAttributeValues={":a": {"S": "granted"}},
    )


def _query(client: Any, target: Target) -> Any:
    return client.query(
        **target.table,
        KeyConditionExpression="#p = :p",
        ExpressionAttributeNames={"#p": target.hash_key},
        ExpressionAttributeValues={":p": {"S": f"{target.partition}nobody"}},
    )


def _check(client: Any, target: Target) -> Any:
    check = {"TableName": target.name, "Key": target.key, "ConditionExpression": ONLY_IF_STORED}
    return client.transact_write_items(TransactItems=[{"ConditionCheck": check}])


def _partiql(statement: str) -> Callable[[Any, Target], Any]:
    def call(client: Any, target: Target) -> Any:
        where = f"pk = '{target.partition}nobody' AND sk = 'granted'"
        key = f"'pk': '{target.partition}nobody', 'sk': 'granted'"
        index = f'."{target.table["IndexName"]}"' if "IndexName" in target.table else ""
        return client.execute_statement(
            Statement=statement.format(table=f'"{target.name}"{index}', where=where, key=key)
        )

    return call


ON_ITEMS: Final[Mapping[str, Callable[[Any, Target], Any]]] = {
    "dynamodb:BatchGetItem": lambda c, t: c.batch_get_item(RequestItems={t.name: {"Keys": [t.key]}}),
    "dynamodb:BatchWriteItem": lambda c, t: c.batch_write_item(
        RequestItems={t.name: [{"DeleteRequest": {"Key": t.key}}]}
    ),
    "dynamodb:ConditionCheckItem": _check,
    "dynamodb:DeleteItem": lambda c, t: c.delete_item(TableName=t.name, Key=t.key),
    "dynamodb:GetItem": lambda c, t: c.get_item(TableName=t.name, Key=t.key),
    "dynamodb:PartiQLDelete": _partiql("DELETE FROM {table} WHERE {where}"),
    "dynamodb:PartiQLInsert": _partiql("INSERT INTO {table} VALUE {{{key}}}"),
    "dynamodb:PartiQLSelect": _partiql("SELECT * FROM {table} WHERE {where}"),
    "dynamodb:PartiQLUpdate": _partiql("UPDATE {table} SET granted = 'granted' WHERE {where}"),
    "dynamodb:PutItem": lambda c, t: c.put_item(TableName=t.name, Item=t.key, ConditionExpression=ONLY_IF_STORED),
    "dynamodb:Query": _query,
    "dynamodb:Scan": lambda c, t: c.scan(**t.table, Select=t.select, Limit=1),
    "dynamodb:UpdateItem": _update,
}
"""Every action on items."""
ON_INDEXES: Final = ("dynamodb:PartiQLSelect", "dynamodb:Query", "dynamodb:Scan")

CALLS: Final[Mapping[str, Callable[[Any, Target], Any]]] = {
    **ON_ITEMS,
    "dynamodb:DescribeContinuousBackups": lambda c, t: c.describe_continuous_backups(TableName=t.name),
    "dynamodb:DescribeExport": lambda c, t: c.describe_export(ExportArn=t.table_arn + t.rest.replace("*", "granted")),
    "dynamodb:DescribeTable": lambda c, t: c.describe_table(TableName=t.name),
    "dynamodb:ExportTableToPointInTime": lambda c, t: c.export_table_to_point_in_time(
        TableArn=t.table_arn, S3Bucket="granted"
    ),
    "lambda:InvokeFunction": lambda c, t: c.invoke(FunctionName=t.name, InvocationType="DryRun", Payload=b"{}"),
    "s3:AbortMultipartUpload": lambda c, t: c.abort_multipart_upload(**t.object, UploadId="granted"),
    "s3:DeleteObject": lambda c, t: c.delete_object(**t.object),
    "s3:GetObject": lambda c, t: c.get_object(**t.object),
    "s3:ListBucket": lambda c, t: c.list_objects_v2(Bucket=t.name, Prefix=t.prefix, MaxKeys=1),
    "s3:PutObject": lambda c, t: c.put_object(**t.object, Body=b""),
    "s3:PutObjectAcl": lambda c, t: c.put_object_acl(**t.object, ACL="bucket-owner-full-control"),
    "sqs:DeleteMessage": lambda c, t: c.delete_message(QueueUrl=t.name, ReceiptHandle="granted"),
    "sqs:GetQueueAttributes": lambda c, t: c.get_queue_attributes(QueueUrl=t.name, AttributeNames=["QueueArn"]),
    "sqs:ReceiveMessage": lambda c, t: c.receive_message(QueueUrl=t.name, VisibilityTimeout=0),
    "sqs:SendMessage": lambda c, t: c.send_message(QueueUrl=t.name, MessageBody=json.dumps(record("granted"))),
    "ssm:GetParameter": lambda c, t: c.get_parameter(Name=t.name),
    "states:DescribeExecution": lambda c, t: c.describe_execution(executionArn=t.name),
    "states:ListExecutions": lambda c, t: c.list_executions(stateMachineArn=t.name),
    "states:StartExecution": lambda c, t: c.start_execution(stateMachineArn=t.name, input="no JSON"),
    "states:StopExecution": lambda c, t: c.stop_execution(executionArn=t.name),
}
"""Every action that some role has and the emulator decides, as its smallest call."""


class Callers:
    """The roles of a deployed stage, and its resources by the places that its templates give them."""

    def __init__(self, deployed: DeployedStage, templates: StageTemplates) -> None:
        self._cloud = deployed.cloud
        self._templates = templates
        self._names = dict(self._physical())
        self._clients: dict[tuple[str, str], Any] = {}
        self._conditions = {
            (grant.role, grant.action, grant.resource): grant.condition
            for grant in grants(templates)
            if grant.condition and (grant.through, grant.effect) == (OWN, "Allow")
        }

    def call(self, role: str, action: str, resource: str) -> None:
        """Do what needs a permission, in the name of a role. Raises `ClientError` as the cloud answers."""
        CALLS[action](self._client(role, action), self._target(role, action, resource))

    def _client(self, role: str, action: str) -> Any:
        prefix = action.partition(":")[0]
        service = SERVICES.get(prefix, prefix)
        if (role, service) not in self._clients:
            arn = f"arn:aws:iam::{ACCOUNT}:role/{self._names[role]}"
            self._clients[role, service] = self._cloud.client(service, role_credentials(self._cloud, arn))
        return self._clients[role, service]

    def _target(self, role: str, action: str, resource: str) -> Target:
        wanted: dict[str, list[str]] = {}
        for tests in json.loads(self._conditions.get((role, action, resource), "{}")).values():
            wanted.update({key: values for key, values in tests.items() if values not in (["false"], ["true"])})
        name, rest = self._named(resource)
        return Target(
            name,
            rest,
            partition=wanted.get("dynamodb:LeadingKeys", ["GRANTED#*"])[0].rstrip("*"),
            attribute=wanted.get("dynamodb:Attributes", ["granted"])[-1],
            prefix=wanted.get("s3:prefix", ["*"])[0].rstrip("*"),
            select=wanted.get("dynamodb:Select", ["ALL_ATTRIBUTES"])[0],
        )

    def _named(self, resource: str) -> tuple[str, str]:
        found = re.fullmatch(r"\{([^.}]+)(?:\.\w+)?\}(.*)", resource)
        if not found:
            literal = resource.replace("REGION", REGION).replace("ACCOUNT", ACCOUNT)
            literal = literal.replace("*", "granted").replace("?", "0")
            return (literal.split(":parameter")[1] if ":parameter/" in literal else literal), ""
        return self._names[found[1]], found[2]

    def _physical(self) -> Iterator[tuple[str, str]]:
        client = self._cloud.client("cloudformation")
        for stack in self._templates.templates:
            answer = client.describe_stack_resources(StackName=f"switchboard-{STAGE}-{stack}")
            for resource in answer["StackResources"]:
                known = self._templates.find(stack, resource["LogicalResourceId"])
                if known is not None:
                    yield known.place, resource["PhysicalResourceId"]


SERVICES: Final = {"states": "stepfunctions"}


if __name__ == "__main__":
    table = granted(local_templates(ROOT / "cdk.out"))
    sys.stdout.write(json.dumps(table, indent=2, sort_keys=True) + "\n")
