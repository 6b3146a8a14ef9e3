"""The synthesized templates of every stage, and the questions that tests ask of them."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from infra.build import build, new_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
STAGES: Final = ("local", "dev", "prod")
STACKS: Final = ("data", "network", "functions", "backfill", "access", "observability", "guardrails")
"""In the order of deployment."""
UNGUARDED: Final = ("dev",)
"""Stages without what watches an account, which costs something."""
HASH: Final = re.compile(r"[0-9A-F]{8}$")


def stacks_of(stage: str) -> tuple[str, ...]:
    """The stacks of a stage, in the order of deployment."""
    return tuple(stack for stack in STACKS if stack != "guardrails" or stage not in UNGUARDED)


def cdk_context() -> dict[str, Any]:
    """The feature flags with which the CDK CLI builds the app."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


def synthesize(out: Path, **context: object) -> Templates:
    """Build the app as the CDK CLI does, without bundling the layer: its hash, and so the template, is the same."""
    app = new_app(context={**cdk_context(), "aws:cdk:bundling-stacks": [], **context}, outdir=str(out))
    build(app)
    return Templates.read(Path(app.synth().directory))


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a policy document: lists are lists, references are readable, such as `${CdrTable.Arn}`."""

    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    principals: Mapping[str, Any] | str | None
    condition: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Templates:
    """Templates by stage and stack."""

    by_stack: Mapping[tuple[str, str], Mapping[str, Any]]
    manifests: Mapping[str, Mapping[str, Any]]

    @classmethod
    def read(cls, assembly: Path, stages: Sequence[str] = STAGES) -> Templates:
        """Read an assembly, from this process or from the CDK CLI."""
        by_stack, manifests = {}, {}
        for stage in stages:
            folder = assembly / f"assembly-{stage}"
            manifests[stage] = json.loads((folder / "manifest.json").read_text())
            for artifact in manifests[stage]["artifacts"].values():
                if artifact["type"] == "aws:cloudformation:stack":
                    template = json.loads((folder / artifact["properties"]["templateFile"]).read_text())
                    by_stack[stage, artifact["displayName"].split("/")[-1].split(" ")[0]] = template
        return cls(by_stack, manifests)

    def artifact(self, stage: str, stack: str) -> Mapping[str, Any]:
        """What the manifest says of a stack: its name, its dependencies, its termination protection."""
        artifacts = self.manifests[stage]["artifacts"].values()
        return next(found for found in artifacts if found.get("displayName", "").startswith(f"{stage}/{stack}"))

    def resources(self, stage: str, kind: str, *stacks: str) -> dict[str, dict[str, Any]]:
        """Resources of a type by logical id, in some stacks or in all."""
        return {
            logical_id: resource
            for stack in stacks or stacks_of(stage)
            for logical_id, resource in self.by_stack[stage, stack]["Resources"].items()
            if resource["Type"] == kind
        }

    def one(self, stage: str, kind: str, name: str) -> dict[str, Any]:
        """Properties of the one resource of a type whose logical id is `name` and a hash."""
        (found,) = (
            resource["Properties"]
            for logical_id, resource in self.resources(stage, kind).items()
            if HASH.sub("", logical_id) == name
        )
        properties: dict[str, Any] = found
        return properties

    def text(self, stage: str, value: Any) -> str:
        """A value with its references resolved to the resource they lead to, also across stacks."""
        if isinstance(value, str | int | bool):
            return str(value)
        ((function, argument),) = value.items()
        readable: Mapping[str, Callable[[], str]] = {
            "Ref": lambda: f"${{{HASH.sub('', argument)}}}",
            "Fn::GetAtt": lambda: f"${{{HASH.sub('', argument[0])}.{argument[1]}}}",
            "Fn::ImportValue": lambda: self.text(stage, self.exports(stage)[argument][1]),
            "Fn::Join": lambda: str(argument[0]).join(self.text(stage, part) for part in argument[1]),
            "Fn::Select": lambda: f"{self.text(stage, argument[1])}[{argument[0]}]",
            "Fn::GetAZs": lambda: "${AWS::AvailabilityZones}",
            "Fn::FindInMap": lambda: f"${{{argument[0]}.{argument[2]}}}",
        }
        return readable[function]()

    def exports(self, stage: str) -> dict[str, tuple[str, Any]]:
        """Exported values by their name, with the stack that exports them."""
        return {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack in stacks_of(stage)
            for output in self.by_stack[stage, stack].get("Outputs", {}).values()
            if "Export" in output
        }

    def statements(self, stage: str, document: Mapping[str, Any]) -> list[Statement]:
        """Statements of a policy document."""
        return [
            Statement(
                sid=statement.get("Sid", ""),
                effect=statement["Effect"],
                actions=tuple(sorted(_listed(statement["Action"]))),
                resources=tuple(sorted(self.text(stage, part) for part in _listed(statement.get("Resource", [])))),
                principals=statement.get("Principal"),
                condition=statement.get("Condition", {}),
            )
            for statement in document["Statement"]
        ]

    def allowed(self, stage: str, owner: str) -> dict[str, tuple[str, ...]]:
        """What the role of a construct may do: resources by action, `owner` being the construct's id."""
        allowed: dict[str, tuple[str, ...]] = {}
        for statement in self.statements(stage, self.one(stage, MANAGED_POLICY, f"{owner}Policy")["PolicyDocument"]):
            assert statement.effect == "Allow"
            for action in statement.actions:
                allowed[action] = tuple(sorted((*allowed.get(action, ()), *statement.resources)))
        return allowed


MANAGED_POLICY: Final = "AWS::IAM::ManagedPolicy"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)
