"""What a deployment over an older one may not touch: as templates say it, and as it is deployed."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cli.review.assembly import StageTemplates, read_assembly
from cli.review.protection import BUCKET, KEY, LOG_GROUP, QUEUE, STATEFUL, TABLE
from cli.review.replacement import losses
from tools import release

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local_cloud.cloud import LocalCloud

    Template = dict[str, Any]

PREVIOUS = release.versions()[-1]


def stages(assembly: Path) -> dict[str, StageTemplates]:
    """The stages of an assembly, or of a kept release, by name."""
    return {stage.name: stage for stage in read_assembly(assembly)}


def lost(before: StageTemplates, after: StageTemplates) -> set[str]:
    """What holds data and would be replaced or deleted, as `stack/logical id: why`."""
    return {f"{each.resource.stack}/{each.resource.logical_id}: {each.why}" for each in losses(before, after)}


@dataclass(frozen=True, slots=True)
class Identity:
    """A deployed resource: what it is called, and what tells it from another one of that name.

    CloudFormation gives a replacement a new name; the emulator calls it as it called the one before.
    """

    name: str
    born: str


def holding_data(cloud: LocalCloud, stage: str = "local") -> dict[str, Identity]:
    """What holds data, by `stack/logical id`."""
    client = cloud.client("cloudformation")
    prefix = f"switchboard-{stage}-"
    stacks = [
        found["StackName"]
        for page in client.get_paginator("list_stacks").paginate()
        for found in page["StackSummaries"]
        if found["StackName"].startswith(prefix) and found["StackStatus"] != "DELETE_COMPLETE"
    ]
    return {
        f"{stack.removeprefix(prefix)}/{found['LogicalResourceId']}": Identity(
            found["PhysicalResourceId"], _BORN[found["ResourceType"]](cloud, found["PhysicalResourceId"])
        )
        for stack in stacks
        for page in client.get_paginator("list_stack_resources").paginate(StackName=stack)
        for found in page["StackResourceSummaries"]
        if found["ResourceType"] in STATEFUL
    }


def _bucket_born(cloud: LocalCloud, name: str) -> str:
    return next(
        str(each["CreationDate"]) for each in cloud.client("s3").list_buckets()["Buckets"] if each["Name"] == name
    )


def _log_born(cloud: LocalCloud, name: str) -> str:
    groups = cloud.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return next(str(each["creationTime"]) for each in groups if each["logGroupName"] == name)


def _queue_born(cloud: LocalCloud, url: str) -> str:
    wanted = "CreatedTimestamp"
    answer = cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[wanted])
    return str(answer["Attributes"][wanted])


_BORN: dict[str, Callable[[LocalCloud, str], str]] = {
    TABLE: lambda cloud, name: str(cloud.client("dynamodb").describe_table(TableName=name)["Table"]["TableId"]),
    BUCKET: _bucket_born,
    KEY: lambda cloud, name: str(cloud.client("kms").describe_key(KeyId=name)["KeyMetadata"]["CreationDate"]),
    QUEUE: _queue_born,
    LOG_GROUP: _log_born,
}


def changed(assembly: Path, out: Path, stack: str, change: Callable[[Template], Template]) -> Path:
    """A copy of an assembly in which the template of one stack, such as `local/data`, is changed."""
    shutil.copytree(assembly, out)
    name, _, _ = stack.partition("/")
    folder = out / f"assembly-{name}"
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"].values()
    (properties,) = (each["properties"] for each in artifacts if each.get("displayName", "").split(" ")[0] == stack)
    file = folder / properties["templateFile"]
    file.write_text(json.dumps(change(json.loads(file.read_text()))))
    # The CDK CLI does not upload a template whose hash it has uploaded before.
    old = properties["stackTemplateAssetObjectUrl"].rpartition("/")[2].removesuffix(".json")
    new = hashlib.sha256(file.read_bytes()).hexdigest()
    for list_ in (folder / "manifest.json", *folder.glob("*.assets.json")):
        list_.write_text(list_.read_text().replace(old, new))
    return out


def renamed(template: Template, logical_id: str) -> Template:
    """The template with another logical id of one resource, wherever it is named."""
    renamed_everywhere: Template = json.loads(json.dumps(template).replace(logical_id, f"{logical_id}New"))
    return renamed_everywhere
