"""docs/contracts.md: the fields of every published contract, read from its JSON Schema."""

from __future__ import annotations

import json
from typing import Any, Final

from switchboard import contracts
from tools.docs.regions import table

Schema = dict[str, Any]

NAMES: Final = (
    contracts.CDR_REQUEST,
    contracts.CDR_RESULT,
    contracts.CDR_QUERY,
    contracts.CDR_QUERY_RESULT,
    contracts.MESSAGES_REQUEST,
    contracts.MESSAGES_ANSWER,
    contracts.LEGACY_MAPPING,
)
_HEAD: Final = ("Field", "Needed", "Is", "Meaning")


def contents() -> dict[str, str]:
    """The regions of the page, one for each contract."""
    return {name: _Contract(name).text() for name in NAMES}


class _Contract:
    """One contract as Markdown: a table for each of its objects."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._root = contracts.contract(name)
        self._definitions: dict[str, Schema] = self._root.get("definitions", {})

    def text(self) -> str:
        file = f"{self._name}.schema.json"
        parts = [f"**{self._root['title']}.** File: [`{file}`](../switchboard/contracts/{file})."]
        if "description" in self._root:
            parts.append(self._root["description"])
        if len(self._root.get("properties", {})) > 1:
            parts.append(self._fields(self._root))
        for number, each in enumerate(self._root.get("oneOf", ()), start=1):
            if "properties" in each:
                parts.append(f"Answer {number}:\n\n{self._fields(each)}")
        for name, definition in self._definitions.items():
            if "properties" in definition:
                told = f": {definition['description']}" if "description" in definition else ""
                parts.append(f"`{name}`{told}\n\n{self._fields(definition)}")
        return "\n\n".join(parts)

    def _fields(self, definition: Schema) -> str:
        required = definition.get("required", ())
        rows = [
            (f"`{name}`", "yes" if name in required else "", self._shape(field), self._meaning(field))
            for name, field in definition["properties"].items()
        ]
        return table(_HEAD, rows)

    def _meaning(self, field: Schema) -> str:
        told = field.get("description") or self._resolved(field).get("description", "")
        return str(told) if "properties" not in self._resolved(field) or "description" in field else ""

    def _resolved(self, field: Schema) -> Schema:
        return self._definitions[_target(field)] if "$ref" in field else field

    def _shape(self, field: Schema) -> str:
        resolved = self._resolved(field)
        if "properties" in resolved:
            return f"`{_target(field)}`" if "$ref" in field else f"an object of {_names(resolved)}"
        if "const" in resolved:
            return f"`{json.dumps(resolved['const'])}`"
        if "enum" in resolved:
            return ", ".join(f"`{value}`" for value in resolved["enum"])
        if "oneOf" in resolved:
            return " or ".join(self._shape(each) for each in resolved["oneOf"])
        if resolved.get("type") == "array":
            return f"a list{_bounds(resolved, 'minItems', 'maxItems')} of {self._shape(resolved['items'])}"
        return _KINDS[_kind(resolved)] + _bounds(resolved, "minimum", "maximum") + _length(resolved)


def _target(field: Schema) -> str:
    return str(field["$ref"]).rpartition("/")[2]


def _names(definition: Schema) -> str:
    return ", ".join(f"`{name}`" for name in definition["properties"])


def _kind(field: Schema) -> str:
    kind = field.get("type", "object")
    return kind if isinstance(kind, str) else " or ".join(kind)


def _bounds(field: Schema, least: str, most: str) -> str:
    low, high = field.get(least), field.get(most)
    if low is not None and high is not None:
        return f" ({low:,} to {high:,})"
    if low is not None:
        return f" (from {low:,})"
    return f" (up to {high:,})" if high is not None else ""


def _length(field: Schema) -> str:
    return f", up to {field['maxLength']:,} characters" if "maxLength" in field else ""


_KINDS: Final = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "object": "an object",
    "null": "null",
    "string or null": "text or null",
}
