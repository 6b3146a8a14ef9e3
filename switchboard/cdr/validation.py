"""Is this a record? The published schema first, then what it cannot say; every field at fault, by JSON pointer."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import fastjsonschema

from switchboard.cdr.fields import Code, FieldError, pointer
from switchboard.cdr.record import Record
from switchboard.cdr.results import Rejected
from switchboard.contracts import CDR_REQUEST, contract
from switchboard.dynamo.values import item_size, unstorable
from switchboard.schema import cdr
from switchboard.times import parse_rfc3339, to_fixed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_RULES: Final = {
    "required": Code.REQUIRED,
    "additionalProperties": Code.UNKNOWN_FIELD,
    "type": Code.TYPE,
    "maxLength": Code.TOO_LONG,
    "maxItems": Code.TOO_LARGE,
    "minItems": Code.RANGE,
    "pattern": Code.FORMAT,
    "enum": Code.FORMAT,
    "const": Code.FORMAT,
    "not": Code.FORMAT,
}
"""What each rule of the schema is called towards callers."""

_MAX_NAMED_FIELDS: Final = 20
"""How many unknown fields, and how many parts of `data`, are named of one record."""

_FRAME_BYTES: Final = 2_048
"""More than the attributes take that the writer adds to a record's content: keys, shards, times and hash."""

_LATEST: Final = datetime.max.replace(tzinfo=UTC)
_ID: Final = re.compile(cdr.ID_PATTERN)


def readable_id(record: Any) -> str | None:
    """The record's `id` if it has one of the right form, which is then safe to repeat to the caller."""
    record_id = record.get(cdr.ID) if isinstance(record, dict) else None
    return record_id if isinstance(record_id, str) and _ID.fullmatch(record_id) else None


class OutOfRange(ValueError):  # noqa: N818 - it names the value
    """A time that is well formed and that no record may have."""


class Contract:
    """One definition of the request schema, compiled: quickly whether a value keeps it, or all that is wrong."""

    def __init__(self, definition: str, *, shallow: bool = False) -> None:
        schema = contract(CDR_REQUEST)
        self._definition: dict[str, Any] = schema["definitions"][definition]
        properties = self._definition["properties"]
        if shallow:
            properties = {name: {k: v for k, v in rule.items() if k != "items"} for name, rule in properties.items()}
        self._compiled = {**self._definition, "properties": properties, "definitions": schema["definitions"]}
        self.check = fastjsonschema.compile(self._compiled, use_default=False, use_formats=False)

    @cached_property
    def _check_all(self) -> Callable[[Any], Any]:
        """Compiled at the first bad value: most execution environments never see one."""
        return fastjsonschema.compile(self._compiled, use_default=False, use_formats=False, fast_fail=False)

    def errors(self, value: Any) -> list[FieldError]:
        """All that is wrong with `value`, one error per field."""
        try:
            self._check_all(value)
        except fastjsonschema.JsonSchemaValuesException as broken:
            codes: dict[str, Code] = {}
            for error in broken.errors:
                _, *below = error.path
                code = _RULES[error.rule or ""]
                if below and (below[0] not in codes or code is Code.TOO_LONG):
                    codes[below[0]] = code
            return list(dict.fromkeys(self._explained(value, codes)))
        return []

    def _explained(self, value: Any, codes: Mapping[str, Code]) -> Iterator[FieldError]:
        properties = self._definition["properties"]
        if not isinstance(value, dict):
            yield FieldError("", Code.TYPE, f"expected {self._definition['description']}")
            return
        for name in self._definition["required"]:
            if name not in value:
                yield FieldError(pointer(name), Code.REQUIRED, f"missing: send {properties[name]['description']}")
        for name in islice((name for name in value if name not in properties), _MAX_NAMED_FIELDS):
            yield FieldError(
                pointer(name),
                Code.UNKNOWN_FIELD,
                f"not a field of this contract: leave it out; the fields are {', '.join(properties)}",
            )
        for field, code in codes.items():
            yield FieldError(pointer(field), code, f"expected {properties[field]['description']}")


_RECORD: Final = Contract("record")


class RecordContract:
    """Checks records and makes them ready to store. `retention` is how long the stage keeps CDRs, None for ever."""

    def __init__(self, *, retention: timedelta | None) -> None:
        self._contract = _RECORD
        self._retention = retention

    def read(self, fields: Any, *, now: datetime) -> Record | Rejected:
        """The record in `fields`, or everything that is wrong with it. `now` is aware."""
        try:
            self._contract.check(fields)
            record = Record.of(fields, to_fixed(self._timely(fields[cdr.TIME], now)))
        except (fastjsonschema.JsonSchemaException, ValueError):
            return Rejected(tuple(self._errors(fields, now)))
        if len(record.canonical) + _FRAME_BYTES > cdr.MAX_STORED_BYTES and _stored_size(record) > cdr.MAX_STORED_BYTES:
            return Rejected((_TOO_LARGE,))
        return record

    def _timely(self, text: str, now: datetime) -> datetime:
        time = parse_rfc3339(text)
        if time > now + timedelta(seconds=cdr.MAX_FUTURE_SECONDS):
            raise OutOfRange(f"more than {cdr.MAX_FUTURE_SECONDS // 60} minutes in the future: correct the clock")
        if self._retention is not None and time < now - self._retention:
            raise OutOfRange(f"older than the {self._retention.days} days this stage keeps records")
        return time

    def _errors(self, fields: Any, now: datetime) -> Iterator[FieldError]:
        errors = self._contract.errors(fields)
        yield from errors
        if not isinstance(fields, dict):
            return
        broken = {error.path for error in errors}
        if cdr.TIME in fields and pointer(cdr.TIME) not in broken:
            yield from self._time_errors(fields[cdr.TIME], now)
        if cdr.DATA in fields and pointer(cdr.DATA) not in broken:
            yield from _data_errors(fields[cdr.DATA])

    def _time_errors(self, text: str, now: datetime) -> Iterator[FieldError]:
        try:
            self._timely(text, now)
        except OutOfRange as refused:
            yield FieldError(pointer(cdr.TIME), Code.RANGE, str(refused))
        except ValueError as refused:
            yield FieldError(pointer(cdr.TIME), Code.FORMAT, str(refused))


def _data_errors(data: Any) -> Iterable[FieldError]:
    """Each fault once: several may lie so deep that their pointers name what is around them all."""
    found = islice(unstorable(data, (cdr.DATA,)), _MAX_NAMED_FIELDS)
    return dict.fromkeys(FieldError(pointer(*path), Code(refused.code), str(refused)) for path, refused in found)


def _stored_size(record: Record) -> int:
    """Bytes of the largest item this record can become, on any stage."""
    return item_size(
        record.item(record.earlier_sk or record.sk, recorded_at=to_fixed(_LATEST), expires_at=int(_LATEST.timestamp()))
    )


_TOO_LARGE: Final = FieldError(
    pointer(cdr.DATA),
    Code.TOO_LARGE,
    f"the stored record exceeds {cdr.MAX_STORED_BYTES // 1024} KB: keep the detail elsewhere and refer to it",
)
