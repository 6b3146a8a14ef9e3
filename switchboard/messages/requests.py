"""A request checked against the published contract, each field for itself: a caller sees many faults at once."""

from __future__ import annotations

import re
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import fastjsonschema

from switchboard.contracts import MESSAGES_REQUEST, contract
from switchboard.messages.errors import FieldCode, FieldError, invalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OPERATION: Final = "operation"

_CONTRACT: Final = contract(MESSAGES_REQUEST)
_DEFINITIONS: Final[Mapping[str, Any]] = _CONTRACT["definitions"]
OPERATIONS: Final = tuple(reference["$ref"].rpartition("/")[2] for reference in _CONTRACT["oneOf"])
"""Every operation there is, in the contract's order."""

MAX_ERRORS: Final = 100
"""How many fields at fault are told at once: a request of very many would get an answer too large for Lambda."""

_FIELD_NAME: Final = re.compile(r"[a-z_]{1,32}")
_CODES: Final = {
    "type": FieldCode.TYPE,
    "minLength": FieldCode.TOO_SHORT,
    "minItems": FieldCode.TOO_SHORT,
    "maxLength": FieldCode.TOO_LONG,
    "maxItems": FieldCode.TOO_LONG,
    "minimum": FieldCode.RANGE,
    "maximum": FieldCode.RANGE,
    "not": FieldCode.TEXT,
}
"""Which code a rule of JSON Schema stands for; every other rule is about the format."""


def operation_of(request: object) -> str | None:
    """The operation that a request asks for; None where it asks for none that there is."""
    asked = request.get(OPERATION) if isinstance(request, dict) else None
    return asked if isinstance(asked, str) and asked in OPERATIONS else None


def checked(request: object) -> dict[str, Any]:
    """The request, if it keeps the contract. Raises `Refused` with the fields that do not, up to `MAX_ERRORS` of them.

    It quotes no value.
    """
    if not isinstance(request, dict):
        raise invalid(FieldError("", FieldCode.TYPE, "must be an object with the field operation"))
    operation = operation_of(request)
    if operation is None:
        code = FieldCode.FORMAT if isinstance(request.get(OPERATION), str) else FieldCode.TYPE
        code = code if OPERATION in request else FieldCode.REQUIRED
        raise invalid(FieldError(f"/{OPERATION}", code, f"must be one of {', '.join(OPERATIONS)}"))
    errors = list(islice(_errors(request, _DEFINITIONS[operation]), MAX_ERRORS))
    if errors:
        raise invalid(*errors)
    return request


def _errors(request: Mapping[Any, Any], shape: Mapping[str, Any]) -> Iterator[FieldError]:
    fields: Mapping[str, Mapping[str, Any]] = shape["properties"]
    for name in shape["required"]:
        if name not in request:
            yield FieldError(f"/{name}", FieldCode.REQUIRED, "is required")
    for name in request:
        if name not in fields:
            # A name that could not be one of ours could be anything, and is not repeated.
            path = f"/{name}" if isinstance(name, str) and _FIELD_NAME.fullmatch(name) else ""
            yield FieldError(path, FieldCode.UNKNOWN_FIELD, f"is unknown here: send {', '.join(fields)} only")
    for name, field in fields.items():
        if name in request and "$ref" in field:
            yield from _field_error(name, request[name], field["$ref"].rpartition("/")[2])
    yield from _combination_errors(request, shape.get("allOf", ()))


def _field_error(name: str, value: object, definition: str) -> Iterator[FieldError]:
    try:
        _check(definition)(value)
    except fastjsonschema.JsonSchemaValueException as broken:
        path = "".join(f"/{part}" for part in (name, *broken.path[1:]))
        code = _CODES.get(broken.rule or "", FieldCode.FORMAT)
        yield FieldError(path, code, broken.definition.get("description", _DEFINITIONS[definition]["description"]))


def _combination_errors(request: Mapping[Any, Any], rules: tuple[Mapping[str, Any], ...]) -> Iterator[FieldError]:
    for rule in rules:
        if "not" in rule and all(name in request for name in rule["not"]["required"]):
            yield FieldError(f"/{rule['not']['required'][-1]}", FieldCode.COMBINATION, rule["description"])
        if "anyOf" in rule and not any(all(name in request for name in way["required"]) for way in rule["anyOf"]):
            yield FieldError("", FieldCode.REQUIRED, rule["description"])


@cache
def _check(definition: str) -> Callable[[object], object]:
    # Compiled at first use: a cold start pays for the fields of its one operation.
    check: Callable[[object], object] = fastjsonschema.compile(
        {"definitions": _DEFINITIONS, "$ref": f"#/definitions/{definition}"}
    )
    return check
