"""What a change of a template replaces or deletes, by CloudFormation's rules ("Update requires: Replacement")."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.review.protection import BUCKET, KEY, LOG_GROUP, QUEUE, TABLE, VAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.review.assembly import Resource, StageTemplates

_FOREVER: Final[Mapping[str, tuple[str, ...]]] = {
    TABLE: ("TableName", "KeySchema", "LocalSecondaryIndexes", "ImportSourceSpecification"),
    BUCKET: ("BucketName", "BucketNamePrefix"),
    KEY: ("KeySpec", "KeyUsage", "MultiRegion", "Origin"),
    QUEUE: ("QueueName", "FifoQueue"),
    LOG_GROUP: ("LogGroupName",),
    VAULT: ("BackupVaultName", "EncryptionKeyArn"),
}
"""Properties of what holds data that cannot be changed in place, from the resource types' reference pages.

CloudFormation refuses some changes of a key, where the only way is a new key, which cannot read what the old one wrote.
"""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that holds data and is no longer what it was. `replaced` is false where nothing takes its place."""

    resource: Resource
    replaced: bool
    why: str
    index: bool = False
    """It is an index of the resource that is lost, of which no policy keeps anything."""

    @property
    def aftermath(self) -> str:
        """What becomes of its data. When it is replaced, another policy decides than when it is deleted."""
        if self.index:
            return "its questions have no answer until there is one again, filled from the table"
        kept = self.resource.retained_when_replaced if self.replaced else self.resource.retained
        return "the old one stays outside the stack" if kept else "its data is lost"


def losses(before: StageTemplates, after: StageTemplates) -> tuple[Loss, ...]:
    """Everything of `before` that holds data and that `after` replaces or deletes."""
    return tuple(_losses(before, after))


def _losses(before: StageTemplates, after: StageTemplates) -> Iterator[Loss]:
    places = {(resource.place, resource.type) for resource in after.resources}
    for old in before.of_type(*_FOREVER):
        new = after.find(old.stack, old.logical_id)
        if new is None or new.type != old.type:
            renamed = (old.place, old.type) in places
            # A new logical id is a new resource to CloudFormation, which then deletes the one it knows.
            yield Loss(old, renamed, "another logical id" if renamed else "no longer in the template")
        else:
            changed = [name for name in _FOREVER[old.type] if _differs(before, after, old, new, name)]
            changed += [f"type of {name}" for name in _changed_key_attributes(old, new)]
            if changed:
                yield Loss(old, True, f"{', '.join(changed)} cannot be changed in place")
            for index, why in _lost_indexes(old, new):
                yield Loss(old, False, f"index {index} {why}", index=True)


def _differs(before: StageTemplates, after: StageTemplates, old: Resource, new: Resource, name: str) -> bool:
    was, is_ = old.properties.get(name), new.properties.get(name)
    return before.text(old.stack, was) != after.text(new.stack, is_)


def _changed_key_attributes(old: Resource, new: Resource) -> list[str]:
    """Attributes of the keys whose type changes; empty for whatever is no table."""
    types = [
        {each["AttributeName"]: each["AttributeType"] for each in resource.properties.get("AttributeDefinitions", ())}
        for resource in (old, new)
    ]
    return [name for name, was in types[0].items() if name in types[1] and types[1][name] != was]


def _lost_indexes(old: Resource, new: Resource) -> Iterator[tuple[str, str]]:
    """Indexes that are gone, or that can only be deleted and made again, and why."""
    now = {index["IndexName"]: index for index in _indexes(new)}
    for index in _indexes(old):
        name = index["IndexName"]
        changed = [part for part in ("KeySchema", "Projection") if index.get(part) != now.get(name, index).get(part)]
        if name not in now:
            yield name, "is deleted"
        elif changed:
            yield name, f"is made anew: its {' and '.join(changed)} cannot be changed in place"


def _indexes(table: Resource) -> Any:
    return table.properties.get("GlobalSecondaryIndexes", ())
