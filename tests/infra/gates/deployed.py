"""A stage as if it were deployed: what its templates refer to, with the names and ARNs that it would have."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cli.review.holders import MANAGED_POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cli.review.assembly import Resource, StageTemplates

ACCOUNT: Final = "111122223333"
REGION: Final = "eu-central-1"

_PSEUDO: Final = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
_NAMED_BY: Final = ("FunctionName", "QueueName", "LogGroupName", "StateMachineName", "TopicName")
_HERE: Final = f"{REGION}:{ACCOUNT}"
_ARNS: Final = {
    "AWS::DynamoDB::Table": f"dynamodb:{_HERE}:table/{{}}",
    "AWS::EC2::SecurityGroup": f"ec2:{_HERE}:security-group/{{}}",
    "AWS::IAM::ManagedPolicy": f"iam::{ACCOUNT}:policy/{{}}",
    "AWS::IAM::OIDCProvider": f"iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com",
    "AWS::IAM::Role": f"iam::{ACCOUNT}:role/{{}}",
    "AWS::KMS::Key": f"kms:{_HERE}:key/{{}}",
    "AWS::Lambda::Function": f"lambda:{_HERE}:function:{{}}",
    "AWS::Logs::LogGroup": f"logs:{_HERE}:log-group:{{}}:*",
    "AWS::S3::Bucket": "s3:::{}",
    "AWS::SNS::Topic": f"sns:{_HERE}:{{}}",
    "AWS::SQS::Queue": f"sqs:{_HERE}:{{}}",
    "AWS::StepFunctions::StateMachine": f"states:{_HERE}:stateMachine:{{}}",
    "AWS::Backup::BackupVault": f"backup:{_HERE}:backup-vault:{{}}",
}
_REFERRED_TO_BY_ARN: Final = ("AWS::IAM::ManagedPolicy", "AWS::SNS::Topic", "AWS::StepFunctions::StateMachine")


@dataclass(frozen=True, slots=True)
class Deployed:
    """One stage of an assembly, in the account and region of AWS's own documentation."""

    stage: StageTemplates

    def at(self, place: str) -> Resource:
        """The resource of a construct by its place, such as `functions/Cdr/Writer/Role`. Raises `LookupError`."""
        found = [each for each in self.stage.resources if each.place == place]
        if len(found) != 1:
            raise LookupError(f"{len(found)} resources at {place} in stage {self.stage.name}")
        return found[0]

    def arn(self, place: str) -> str:
        """The ARN that the resource at a place has."""
        return _arn(self.at(place))

    def literal(self, stack: str, value: Any) -> Any:
        """A value of a stack's template with every reference replaced by what it would be."""
        if isinstance(value, list):
            return [self.literal(stack, each) for each in value]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((function, argument),) = value.items()
            if function in ("Ref", "Condition") or function.startswith("Fn::"):
                return self._resolved(stack, function, argument)
        return {key: self.literal(stack, each) for key, each in value.items()}

    def policies(self, role: Resource) -> list[dict[str, Any]]:
        """The documents of the policies that are attached to a role."""
        own = [self.literal(role.stack, inline["PolicyDocument"]) for inline in role.properties.get("Policies", ())]
        named = [self.literal(role.stack, arn) for arn in role.properties.get("ManagedPolicyArns", ())]
        for policy in self.stage.of_type(MANAGED_POLICY):
            attached = [self.literal(policy.stack, name) for name in policy.properties.get("Roles", ())]
            if role.logical_id in attached or _arn(policy) in named:
                own.append(self.literal(policy.stack, policy.properties["PolicyDocument"]))
        return own

    def boundary(self, role: Resource) -> list[dict[str, Any]]:
        """The document that limits a role; empty where nothing does."""
        limit = self.literal(role.stack, role.properties.get("PermissionsBoundary"))
        return [
            self.literal(policy.stack, policy.properties["PolicyDocument"])
            for policy in self.stage.of_type(MANAGED_POLICY)
            if _arn(policy) == limit
        ]

    def document(self, place: str, *path: str) -> dict[str, Any]:
        """A policy document of the resource at a place, by the names that lead to it in its properties."""
        resource = self.at(place)
        value: Any = resource.properties
        for name in path:
            value = value[name]
        document: dict[str, Any] = self.literal(resource.stack, value)
        return document

    def _resolved(self, stack: str, function: str, argument: Any) -> Any:
        if function == "Ref":
            return _PSEUDO.get(argument) or self._reference(stack, argument)
        if function == "Fn::GetAtt":
            return self._attribute(stack, *argument)
        if function == "Fn::Join":
            return str(argument[0]).join(self.literal(stack, argument[1]))
        if function == "Fn::ImportValue":
            exporting, value = self._exports()[argument]
            return self.literal(exporting, value)
        if function == "Fn::Sub" and isinstance(argument, str):
            return re.sub(r"\$\{([^}]+)\}", lambda found: str(self.literal(stack, {"Ref": found[1]})), argument)
        raise LookupError(f"{function} is in no policy so far: {json.dumps(argument)[:80]}")

    def _reference(self, stack: str, logical_id: str) -> str:
        found = self.stage.find(stack, logical_id)
        if found is None:
            raise LookupError(f"{stack} has no resource {logical_id}")
        return _arn(found) if found.type in _REFERRED_TO_BY_ARN else _name(found)

    def _attribute(self, stack: str, logical_id: str, attribute: str) -> str:
        found = self.stage.find(stack, logical_id)
        if found is None:
            raise LookupError(f"{stack} has no resource {logical_id}")
        if attribute == "StreamArn":
            return f"{_arn(found)}/stream/2026-11-21T00:00:00.000"
        if attribute.endswith("Arn"):
            return _arn(found)
        return f"{_name(found)}.{attribute}"

    def _exports(self) -> Mapping[str, tuple[str, Any]]:
        return dict(_exported(self.stage))


def _exported(stage: StageTemplates) -> Iterator[tuple[str, tuple[str, Any]]]:
    for stack, template in stage.templates.items():
        for output in template.get("Outputs", {}).values():
            if "Export" in output:
                yield output["Export"]["Name"], (stack, output["Value"])


def _name(resource: Resource) -> str:
    given = [str(resource.properties[name]) for name in _NAMED_BY if name in resource.properties]
    if given:
        return given[0]
    if resource.type == "AWS::DynamoDB::Table":
        # As CloudFormation names it: policies speak of the beginning.
        return f"switchboard-prod-{resource.stack}-{resource.logical_id}-1ABCDEFGHIJKL"
    return resource.logical_id.lower() if resource.type == "AWS::S3::Bucket" else resource.logical_id


def _arn(resource: Resource) -> str:
    form = _ARNS.get(resource.type)
    if form is None:
        raise LookupError(f"How the ARN of {resource.type} is made: say it beside the others.")
    return f"arn:aws:{form.format(_name(resource))}"
