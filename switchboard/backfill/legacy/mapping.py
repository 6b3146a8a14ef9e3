"""The mapping file: how an old item's attributes become the fields of a record."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import fastjsonschema

from switchboard.backfill.errors import InvalidInput
from switchboard.backfill.legacy.items import base64_text
from switchboard.cdr.fields import Code, FieldError, pointer
from switchboard.contracts import LEGACY_MAPPING, contract
from switchboard.dynamo.values import from_attribute, number_text
from switchboard.schema import cdr, legacy
from switchboard.times import to_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from switchboard.backfill.legacy.items import LegacyItem

MAX_BYTES: Final = 64 * 1024
_RULED: Final = (cdr.TYPE, cdr.SPONSORSHIP_ID, cdr.SUBSCRIBER_ID)
_KEY: Final = frozenset({legacy.TIMESTAMP, legacy.SPONSOR_ID})
_check: Final = fastjsonschema.compile(contract(LEGACY_MAPPING), use_default=False, use_formats=False)

DEFAULT_MAPPING: Final[Mapping[str, Any]] = {
    "schema": legacy.MAPPING_SCHEMA,
    **{name: {"first_of": [pointer(name)]} for name in _RULED},
}
"""Items whose attributes are called as the fields of a record are, and hold what those hold."""


class Unmapped(Exception):  # noqa: N818 - it names the item's state
    """An item from which no record can be made; `errors` say why, with pointers into the item or the record."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("the mapping makes no record of this item")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Taken:
    """The text of a field, and the attribute that it repeats word for word, if it does."""

    text: str
    repeats: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """How one field is found; `places` are paths of names into the item."""

    field: str
    places: tuple[tuple[str, ...], ...]
    values: Mapping[str, str] | None
    prefix: str
    otherwise: str | None

    @classmethod
    def of(cls, field: str, document: Mapping[str, Any]) -> Rule:
        """The rule of a checked mapping."""
        return cls(
            field,
            tuple(_names(place) for place in document.get("first_of", ())),
            document.get("values"),
            document.get("prefix", ""),
            document.get("otherwise"),
        )

    def apply(self, item: Mapping[str, Any]) -> Taken | None:
        """The field's text; None where no place has anything. Raises `Unmapped` for a value the rule does not take."""
        found = next(((place, value) for place in self.places if (value := _at(item, place)) is not None), None)
        if found is None:
            return None if self.otherwise is None else Taken(self.otherwise)
        place, value = found
        text = _text(value)
        if text is None:
            raise Unmapped(FieldError(pointer(*place), Code.TYPE, "expected a text or a number: map another place"))
        if self.values is None:
            repeats = len(place) == 1 and "S" in value and not self.prefix
            return Taken(self.prefix + text, place[0] if repeats else None)
        mapped = self.values.get(text, self.otherwise)
        if mapped is None:
            raise Unmapped(
                FieldError(pointer(*place), Code.FORMAT, "not listed in the rule's values: list it, or say otherwise")
            )
        return Taken(self.prefix + mapped)


class LegacyMapping:
    """A checked mapping: from an item to the fields of the record that it becomes."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """A mapping that keeps its contract. Raises `InvalidInput` for any other."""
        try:
            _check(document)
        except fastjsonschema.JsonSchemaValueException as broken:
            raise InvalidInput(_remedy(broken)) from None
        self.document = document
        self._source: str = document.get("source", legacy.SOURCE)
        self._rules = tuple(Rule.of(name, document[name]) for name in _RULED if name in document)
        self._left_out = _KEY.union(document.get("leave_out", ()))

    @classmethod
    def parse(cls, text: bytes) -> LegacyMapping:
        """The mapping in a file. Raises `InvalidInput`, which names the place in the file and the remedy."""
        if len(text) > MAX_BYTES:
            raise InvalidInput(f"mapping: expected at most {MAX_BYTES // 1024} KB: list fewer values")
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            raise InvalidInput("mapping: expected JSON in UTF-8: see docs/examples/legacy-mapping.json") from None
        return cls(document)

    def fields(self, item: LegacyItem) -> dict[str, Any]:
        """The request fields of the record of `item`, as a service would send them; they may still break the contract.

        `data` holds every attribute that is not of the key, is not left out, and is not repeated word for word by
        another field. Raises `Unmapped`.
        """
        if item.instant is None:
            raise Unmapped(
                FieldError(
                    pointer(legacy.TIMESTAMP), Code.RANGE, "expected seconds, milliseconds or so since 1970, after 1973"
                )
            )
        taken = {rule.field: rule.apply(item.attributes) for rule in self._rules}
        missing = [name for name in (cdr.TYPE, cdr.SPONSORSHIP_ID) if taken[name] is None]
        if missing:
            raise Unmapped(
                *(FieldError(pointer(name), Code.REQUIRED, "no place of its rule has anything") for name in missing)
            )
        found = {name: each for name, each in taken.items() if each is not None}
        repeated = {each.repeats for each in found.values()}
        return {
            cdr.SOURCE: self._source,
            cdr.ID: item.id,
            cdr.TIME: to_fixed(item.instant),
            cdr.SPONSOR_ID: item.sponsor_id,
            **{name: each.text for name, each in found.items()},
            cdr.DATA: {
                name: _plain(value)
                for name, value in item.attributes.items()
                if name not in self._left_out and name not in repeated
            },
        }


def _remedy(broken: fastjsonschema.JsonSchemaValueException) -> str:
    """Where the mapping is wrong and what belongs there, in the words of the contract."""
    _, *path = broken.path
    definition: Any = broken.definition
    if broken.rule == "required":
        missing = next(name for name in definition["required"] if name not in broken.value)
        return f"mapping: {pointer(*path, missing)}: missing: add it"
    if broken.rule == "additionalProperties":
        known = ", ".join(definition["properties"])
        return f"mapping: {pointer(*path)}: expected no other fields than {known}: leave them out"
    return f"mapping: {pointer(*path)}: expected {definition.get('description', 'a JSON pointer such as /type')}"


def _plain(attribute: Mapping[str, Any]) -> Any:
    """An attribute's value as JSON has it: sets as sorted lists, binary values in base64."""
    ((kind, value),) = attribute.items()
    return _PLAIN[kind](value) if kind in _PLAIN else from_attribute(attribute)


_PLAIN: Final[dict[str, Callable[[Any], Any]]] = {
    "B": base64_text,
    "SS": sorted,
    "NS": lambda texts: sorted(from_attribute({"N": text}) for text in texts),
    "BS": lambda values: sorted(map(base64_text, values)),
    "M": lambda parts: {name: _plain(part) for name, part in parts.items()},
    "L": lambda parts: [_plain(part) for part in parts],
}


def _names(place: str) -> tuple[str, ...]:
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in place.split("/")[1:])


def _at(item: Mapping[str, Any], place: tuple[str, ...]) -> Mapping[str, Any] | None:
    """The value at a place; None where there is none, or a null."""
    value: Mapping[str, Any] | None = {"M": item}
    for name in place:
        value = value.get("M", {}).get(name) if value else None
    return None if value is None or "NULL" in value else value


def _text(value: Mapping[str, Any]) -> str | None:
    if "N" in value:
        return number_text(from_attribute(value))
    return value.get("S")
