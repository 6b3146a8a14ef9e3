"""The job `set_attribute`: the items that lack an attribute, and the statement that gives it to one of them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from switchboard.backfill.errors import InvalidInput, Refused
from switchboard.dynamo.values import MAX_LEVELS, UnstorableValue, number_text, to_attribute

if TYPE_CHECKING:
    from collections.abc import Mapping

    from switchboard.dynamo.values import AttributeValue

Key: TypeAlias = tuple[tuple[str, str], ...]
"""The values of an item's key attributes in the order of the table's key, each as DynamoDB's type and text."""

MAX_NAME_BYTES: Final = 255
_QUOTE: Final = '"'
_SETS: Final = {"SS": "S", "NS": "N"}
_KINDS: Final = "S, N, BOOL, NULL, M, L, SS or NS"


@dataclass(frozen=True, slots=True)
class Table:
    """A table by its name, and its key attributes, the partition key first."""

    name: str
    key_names: tuple[str, ...]

    def key(self, item: Mapping[str, Mapping[str, str]]) -> Key:
        """The key of a stored item."""
        return tuple(next(iter(item[name].items())) for name in self.key_names)

    def attributes(self, key: Key) -> dict[str, AttributeValue]:
        """A key as requests of DynamoDB name it."""
        return {name: {kind: text} for name, (kind, text) in zip(self.key_names, key, strict=True)}


@dataclass(frozen=True, slots=True)
class SetAttribute:
    """Give every item of `table` that lacks `attribute` the `value`; with `prefix`, if its partition key begins so."""

    table: Table
    attribute: str
    value: AttributeValue
    prefix: str | None = None

    def statement(self) -> str:
        """The PartiQL update of one item; its parameters are the value and the key's values.

        PartiQL's `UPDATE` never creates an item, and its condition never lets it replace a value.
        """
        attribute = quoted(self.attribute)
        keys = " AND ".join(f"{quoted(name)}=?" for name in self.table.key_names)
        return (
            f'UPDATE "{self.table.name}" SET {attribute}=? '  # noqa: S608 - names cannot be parameters; all are quoted
            f"WHERE {keys} AND {attribute} IS MISSING"
        )

    def parameters(self, key: Key) -> list[AttributeValue]:
        """The parameters of the statement for one item."""
        return [self.value, *({kind: text} for kind, text in key)]

    def done(self, item: Mapping[str, Any]) -> bool:
        """Whether an item has the attribute, so that it is left as it is."""
        return self.attribute in item

    def needs(self, item: Mapping[str, AttributeValue]) -> bool:
        """Whether a whole item is one of those that a scan for `missing` finds."""
        partition = item[self.table.key_names[0]].get("S", "")
        return not self.done(item) and partition.startswith(self.prefix or "")

    def missing(self) -> dict[str, Any]:
        """The part of a scan that leaves out what needs nothing done."""
        names = {"#attribute": self.attribute}
        expression = "attribute_not_exists(#attribute)"
        if self.prefix is None:
            return {"FilterExpression": expression, "ExpressionAttributeNames": names}
        return {
            "FilterExpression": f"{expression} AND begins_with(#partition, :prefix)",
            "ExpressionAttributeNames": {**names, "#partition": self.table.key_names[0]},
            "ExpressionAttributeValues": {":prefix": {"S": self.prefix}},
        }


def quoted(name: str) -> str:
    """An attribute's name as PartiQL takes any name, reserved words and dots included: between double quotes.

    Raises `Refused` for a name that is empty, longer than `MAX_NAME_BYTES`, or holds a double quote or a character that
    is not printed, for which there is no notation that every engine reads alike.
    """
    if not name or not name.isprintable() or _QUOTE in name or len(name.encode()) > MAX_NAME_BYTES:
        raise InvalidInput(
            f"attribute: expected a name of 1 to {MAX_NAME_BYTES} bytes without double quotes and control characters",
        )
    return f"{_QUOTE}{name}{_QUOTE}"


def checked_value(value: Any, *, level: int = 1) -> AttributeValue:
    """A value in DynamoDB's JSON form, as it will be stored; `level` is the level at which it stands in the attribute.

    Raises `Refused` for anything else.
    """
    if level > MAX_LEVELS:
        raise _not_a_value(f"expected at most {MAX_LEVELS} levels: flatten it")
    if not isinstance(value, dict) or len(value) != 1:
        raise _not_a_value(f"expected one type and its value, such as {{'S': 'text'}}; the type is {_KINDS}")
    ((kind, content),) = value.items()
    try:
        return {kind: _content(kind, content, level)}
    except UnstorableValue as unstorable:
        raise _not_a_value(str(unstorable)) from None


def _content(kind: str, content: Any, level: int) -> Any:
    if kind == "N" and isinstance(content, str):
        return _number(content)
    if kind == "S" and isinstance(content, str):
        return to_attribute(content)["S"]
    if (kind == "BOOL" and isinstance(content, bool)) or (kind == "NULL" and content is True):
        return content
    if kind == "M" and isinstance(content, dict) and all(content):
        return {name: checked_value(part, level=level + 1) for name, part in content.items()}
    if kind == "L" and isinstance(content, list):
        return [checked_value(part, level=level + 1) for part in content]
    if kind in _SETS and isinstance(content, list) and content:
        members = [_content(_SETS[kind], part, level) for part in content]
        if len(set(members)) == len(members):
            return members
    raise _not_a_value(f"expected a type and a value that fits it; the type is {_KINDS}, a number is written as text")


def _number(text: str) -> str:
    try:
        return number_text(Decimal(text))
    except InvalidOperation:
        raise _not_a_value("expected a number as text, such as {'N': '1.5'}") from None


def _not_a_value(expected: str) -> Refused:
    return InvalidInput(f"value: {expected}")
