"""Values as DynamoDB stores them: conversion both ways, what it cannot store, and how many bytes it counts."""

from __future__ import annotations

from decimal import Context, Decimal, DecimalException, Inexact
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

AttributeValue: TypeAlias = dict[str, Any]
"""A value in DynamoDB's JSON form, such as `{"S": "text"}`."""

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes that lead to a part of a document."""

MAX_LEVELS: Final = 32
"""How deep a document nests, counted from the attribute's own value as level 1 down to the deepest leaf."""

MAX_DIGITS: Final = 38
MAX_EXPONENT: Final = 125
MIN_EXPONENT: Final = -130
"""Numbers: up to 38 significant digits, magnitudes 1E-130 to 9.99…E+125
(docs: "Naming rules and data types", Number)."""

NUMBER: Final = "number"
TEXT: Final = "text"
TOO_LARGE: Final = "too_large"
TYPE: Final = "type"

_EXACT: Final = Context(prec=MAX_DIGITS, traps=[Inexact])
_PLAIN_INTEGERS: Final = 10**MAX_DIGITS
_PLAIN_FLOATS: Final = 1e15
_CONTAINER_BYTES: Final = 3
_ELEMENT_BYTES: Final = 1


class UnstorableValue(ValueError):  # noqa: N818 - it names the value, as the codes do
    """A value DynamoDB cannot hold. `code` is `number`, `text`, `too_large` or `type`; the value is never quoted."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def to_attribute(value: Any, *, level: int = 1) -> AttributeValue:
    """`value`, as JSON or `Decimal` gives it, in DynamoDB's form; numbers in their one canonical text (`1.0` is `1`).

    `level` is the level at which the value stands in its document. Raises `UnstorableValue` at the first part that
    cannot be stored; `unstorable` finds them all.
    """
    if level > MAX_LEVELS:
        raise UnstorableValue(TOO_LARGE, f"nested deeper than {MAX_LEVELS} levels: flatten it")
    if isinstance(value, str):
        return {"S": _storable_text(value)}
    if value is None:
        return {"NULL": True}
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, int | float | Decimal):
        return {"N": number_text(value)}
    if isinstance(value, dict):
        return {"M": {_storable_key(key): to_attribute(part, level=level + 1) for key, part in value.items()}}
    if isinstance(value, list | tuple):
        return {"L": [to_attribute(part, level=level + 1) for part in value]}
    raise UnstorableValue(TYPE, "expected a JSON value: text, number, true, false, null, list or object")


def unstorable(value: Any, path: Path = (), *, level: int = 1) -> Iterator[tuple[Path, UnstorableValue]]:
    """Every part of `value` that `to_attribute` refuses, each with its path of keys and indexes below `path`."""
    if not isinstance(value, dict | list | tuple) or level > MAX_LEVELS:
        yield from _refusal(path, partial(to_attribute, value, level=level))
        return
    for key, part in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(value, dict):
            yield from _refusal((*path, key), partial(_storable_key, key))
        yield from unstorable(part, (*path, key), level=level + 1)


def _refusal(path: Path, check: Callable[[], object]) -> Iterator[tuple[Path, UnstorableValue]]:
    try:
        check()
    except UnstorableValue as refused:
        yield path, refused


def number_text(value: float | Decimal) -> str:
    """The plain decimal digits of a number, without exponent and trailing zeros: one text per number.

    A float means its shortest decimal form, as JSON wrote it. Raises `UnstorableValue` with the code `number`.
    """
    if isinstance(value, int) and -_PLAIN_INTEGERS < value < _PLAIN_INTEGERS:
        return str(value)
    if isinstance(value, float) and -_PLAIN_FLOATS < value < _PLAIN_FLOATS and value.is_integer():
        return str(int(value))
    try:
        exact = Decimal(repr(value) if isinstance(value, float) else value).normalize(_EXACT)
    except DecimalException:
        raise UnstorableValue(NUMBER, f"more than {MAX_DIGITS} significant digits: send it as text") from None
    if not exact.is_finite():
        raise UnstorableValue(NUMBER, "not a finite number: leave it out or send null")
    if not exact:
        return "0"
    if not MIN_EXPONENT <= exact.adjusted() <= MAX_EXPONENT:
        raise UnstorableValue(NUMBER, "outside the magnitudes 1E-130 to 9.99E+125: send it as text")
    return format(exact, "f")


def _storable_text(text: str) -> str:
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise UnstorableValue(TEXT, "half of a surrogate pair, which is no character: send valid Unicode") from None
    return text


def _storable_key(key: Any) -> str:
    if not isinstance(key, str):
        raise UnstorableValue(TYPE, "expected text as the name of a field")
    if not key:
        raise UnstorableValue(TEXT, "a field without a name: name it")
    return _storable_text(key)


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """The Python value of one attribute value.

    A whole number becomes an `int`, another one a `float` where the float's shortest form is that number, else a
    `Decimal`, so that nothing is lost; sets become `set`. Raises `KeyError` for an unknown type.
    """
    ((kind, value),) = attribute.items()
    return _READERS[kind](value)


def from_item(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A whole item, or the content of a map, as a dictionary of Python values."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def _number(text: str) -> int | float | Decimal:
    exact = Decimal(text)
    if exact == exact.to_integral_value():
        return int(exact)
    nearest = float(exact)
    return nearest if Decimal(repr(nearest)) == exact else exact


def item_size(item: Mapping[str, Mapping[str, Any]]) -> int:
    """Bytes of an item as DynamoDB counts them: names and values in UTF-8, numbers by their significant digits.

    Source: "DynamoDB item sizes and formats". Number sizes are documented as approximate; this is the upper figure.
    """
    return sum(len(name.encode()) + _attribute_size(attribute) for name, attribute in item.items())


def _attribute_size(attribute: Mapping[str, Any]) -> int:
    ((kind, value),) = attribute.items()
    return _SIZES[kind](value)


def _text_size(text: str) -> int:
    return len(text.encode())


def _number_size(text: str) -> int:
    digits = len(text.lstrip("-").replace(".", "").strip("0"))
    return (digits + 1) // 2 + 1 + text.startswith("-")


_READERS: Final[dict[str, Callable[[Any], Any]]] = {
    "S": str,
    "N": _number,
    "BOOL": bool,
    "NULL": lambda _: None,
    "M": from_item,
    "L": lambda parts: [from_attribute(part) for part in parts],
    "B": bytes,
    "SS": set,
    "NS": lambda texts: {_number(text) for text in texts},
    "BS": set,
}
_SIZES: Final[dict[str, Callable[[Any], int]]] = {
    "S": _text_size,
    "N": _number_size,
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "M": lambda parts: _CONTAINER_BYTES + len(parts) * _ELEMENT_BYTES + item_size(parts),
    "L": lambda parts: _CONTAINER_BYTES + sum(_ELEMENT_BYTES + _attribute_size(part) for part in parts),
    "B": len,
    "SS": lambda texts: sum(map(_text_size, texts)),
    "NS": lambda texts: sum(map(_number_size, texts)),
    "BS": lambda parts: sum(map(len, parts)),
}
