"""A synthesized app: its stages, their resources, and references made readable. Knows templates, not CDK."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PSEUDO: Final = {
    "AWS::AccountId": "ACCOUNT",
    "AWS::Partition": "aws",
    "AWS::Region": "REGION",
    "AWS::StackName": "STACK",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": "",
}
"""What a deployment fills in: the place it goes to, which a reader of templates does not know."""


_KEEPING: Final = ("Retain", "RetainExceptOnCreate")


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a template. `name` is its construct's path in the stack, such as `Cdr/Writer/Function`."""

    stack: str
    logical_id: str
    type: str
    name: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...]
    retained: bool
    """It stays when its stack is deleted."""
    retained_when_replaced: bool = False

    @property
    def place(self) -> str:
        """Where it stands in its stage, such as `functions/Cdr/Writer/Function`."""
        return f"{self.stack}/{self.name}"


@dataclass(frozen=True, slots=True)
class StageTemplates:
    """The stacks of one stage, in the order of deployment."""

    name: str
    templates: Mapping[str, Mapping[str, Any]]
    files: Mapping[str, str]
    """The file of each stack's template, relative to the assembly."""
    resources: tuple[Resource, ...]
    account: str = ""
    region: str = ""
    """Where the stage goes; empty where only its deployment says so."""
    _by_id: Mapping[tuple[str, str], Resource] = field(init=False, repr=False, compare=False)
    _exports: Mapping[str, tuple[str, Any]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        set_once = object.__setattr__
        set_once(self, "_by_id", {(each.stack, each.logical_id): each for each in self.resources})
        set_once(self, "_exports", _exports(self.templates))

    def of_type(self, *types: str) -> tuple[Resource, ...]:
        """The resources of some types, in the order of their stacks and templates."""
        return tuple(resource for resource in self.resources if resource.type in types)

    def find(self, stack: str, logical_id: str) -> Resource | None:
        """The resource of a stack by its logical id; None for a parameter or an unknown one."""
        return self._by_id.get((stack, logical_id))

    def general(self, text: str) -> str:
        """A text of this stage without what names the stage and its place, so that texts of stages compare."""
        if text == self.name:
            return "<stage>"
        text = re.sub(rf"(?i)\b(switchboard[-/]|stage ){re.escape(self.name)}\b", r"\1<stage>", text)
        for known, meaning in ((self.account, "ACCOUNT"), (self.region, "REGION")):
            text = text.replace(known, meaning) if known else text
        return text

    def text(self, stack: str, value: Any) -> str:
        """A value of a stack's template as a person reads it: references as `{data/CdrTable.Arn}`, also across stacks.

        What has no short form, such as a condition, is its JSON.
        """
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, str | int | float):
            return str(value)
        if isinstance(value, dict) and len(value) == 1:
            ((function, argument),) = value.items()
            known = self._function(stack, function, argument)
            if known is not None:
                return known
        return json.dumps(value, sort_keys=True, ensure_ascii=False)

    def target(self, stack: str, value: Any) -> Resource | None:
        """The resource that a reference leads to, also across stacks and inside a text; None where it leads to none."""
        for owner, logical_id in self._references(stack, value):
            found = self.find(owner, logical_id)
            if found is not None:
                return found
        return None

    def _function(self, stack: str, function: str, argument: Any) -> str | None:
        if function == "Ref":
            return _PSEUDO[argument] if argument in _PSEUDO else self._reference(stack, argument)
        if function == "Fn::GetAtt":
            return self._reference(stack, argument[0], argument[1])
        if function == "Fn::ImportValue":
            exported = self._exports.get(self.text(stack, argument))
            return self.text(*exported) if exported else None
        return self._computed(stack, function, argument)

    def _computed(self, stack: str, function: str, argument: Any) -> str | None:
        if function == "Fn::Join":
            return str(argument[0]).join(self.text(stack, part) for part in argument[1])
        if function == "Fn::FindInMap":
            return f"{{{'.'.join(self.text(stack, part) for part in argument)}}}"
        if function == "Fn::Sub" and isinstance(argument, str):
            return re.sub(r"\$\{([\w:.]+)\}", lambda found: self._substituted(stack, found.group(1)), argument)
        return None

    def _substituted(self, stack: str, name: str) -> str:
        logical_id, _, attribute = name.partition(".")
        return _PSEUDO[name] if name in _PSEUDO else self._reference(stack, logical_id, attribute)

    def _reference(self, stack: str, logical_id: str, attribute: str = "") -> str:
        found = self.find(stack, logical_id)
        name = found.place if found else f"{stack}/{logical_id}"
        return f"{{{name}{'.' + attribute if attribute else ''}}}"

    def _references(self, stack: str, value: Any) -> Iterator[tuple[str, str]]:
        if isinstance(value, dict):
            for key, inner in value.items():
                if key == "Ref" and isinstance(inner, str):
                    yield stack, inner
                elif key == "Fn::GetAtt" and isinstance(inner, list):
                    yield stack, inner[0]
                elif key == "Fn::ImportValue" and isinstance(inner, str):
                    exported = self._exports.get(inner)
                    if exported:
                        yield from self._references(*exported)
                else:
                    yield from self._references(stack, inner)
        elif isinstance(value, list):
            for inner in value:
                yield from self._references(stack, inner)


def _exports(templates: Mapping[str, Mapping[str, Any]]) -> Mapping[str, tuple[str, Any]]:
    return {
        output["Export"]["Name"]: (stack, output["Value"])
        for stack, template in templates.items()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }


def read_assembly(folder: Path) -> tuple[StageTemplates, ...]:
    """The stages of an assembly as `cdk synth` writes it.

    Raises `OSError`, `ValueError` and `KeyError` for a folder that is none.
    """
    manifest = json.loads((folder / "manifest.json").read_text())
    return tuple(
        _read_stage(folder, artifact["properties"]["directoryName"])
        for artifact in manifest["artifacts"].values()
        if artifact["type"] == "cdk:cloud-assembly"
    )


def _read_stage(folder: Path, directory: str) -> StageTemplates:
    manifest = json.loads((folder / directory / "manifest.json").read_text())
    artifacts = manifest["artifacts"]
    names = {
        key: artifact["displayName"].split(" ")[0]
        for key, artifact in artifacts.items()
        if artifact["type"] == "aws:cloudformation:stack"
    }
    templates, files, resources = {}, {}, []
    for key in _in_order(names, artifacts):
        stage, _, stack = names[key].partition("/")
        file = f"{directory}/{artifacts[key]['properties']['templateFile']}"
        template = json.loads((folder / file).read_text())
        templates[stack], files[stack] = template, file
        resources += [_resource(stage, stack, *entry) for entry in template["Resources"].items()]
    place = artifacts[next(iter(names))]["environment"].removeprefix("aws://").split("/") if names else ["", ""]
    account, region = ("" if part.startswith("unknown-") else part for part in place)
    return StageTemplates(directory.removeprefix("assembly-"), templates, files, tuple(resources), account, region)


def _in_order(names: Mapping[str, str], artifacts: Mapping[str, Any]) -> list[str]:
    """The stacks, each after those it depends on."""
    ordered: list[str] = []

    def add(key: str) -> None:
        for needed in artifacts[key].get("dependencies", ()):
            if needed in names:
                add(needed)
        if key not in ordered:
            ordered.append(key)

    for key in names:
        add(key)
    return ordered


def _resource(stage: str, stack: str, logical_id: str, body: Mapping[str, Any]) -> Resource:
    path = body.get("Metadata", {}).get("aws:cdk:path", logical_id)
    depends_on = body.get("DependsOn", ())
    return Resource(
        stack=stack,
        logical_id=logical_id,
        type=body["Type"],
        name=path.removeprefix(f"{stage}/{stack}/").removesuffix("/Resource"),
        properties=body.get("Properties", {}),
        depends_on=(depends_on,) if isinstance(depends_on, str) else tuple(depends_on),
        retained=body.get("DeletionPolicy") in _KEEPING,
        retained_when_replaced=body.get("UpdateReplacePolicy") == "Retain",
    )
