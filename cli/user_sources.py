"""Where `users sync` reads people: a JSON or CSV file, a Cognito user pool, PostgreSQL; one row at a time."""

from __future__ import annotations

import csv
import io
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from cli.errors import Code, Failure
from cli.json_values import Unreadable, values
from switchboard.messages.sync_rows import FIELDS
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence

    from switchboard.messages.sync_rows import Row

COLUMNS: Final = {name: name for name in FIELDS}
"""What the columns of a file or a table are called, unless the options say otherwise."""
ATTRIBUTES: Final = {
    schema.COGNITO_SUB: "sub",
    schema.HANDLE: "preferred_username",
    schema.DISPLAY_NAME: "name",
    schema.EMAIL: "email",
}
"""The attributes of a user pool (AWS, "Working with user attributes"), unless the options say otherwise."""
USERNAME: Final = "Username"
"""Names what a person signs in with, as if it were an attribute."""

_NEEDED: Final = (schema.HANDLE, schema.DISPLAY_NAME)
_UNCONFIRMED: Final = "UNCONFIRMED"
_NO_POOL: Final = frozenset({"ResourceNotFoundException", "InvalidParameterException"})
_PEEKED_BYTES: Final = 512
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Mapped:
    """Which column each field comes from. `said` are those that an option names; the others have their default."""

    said: Mapping[str, str]

    def names(self, defaults: Mapping[str, str]) -> dict[str, str]:
        """The column of each field."""
        return {**defaults, **self.said}

    def among(self, columns: Sequence[str]) -> dict[str, str]:
        """The column of each field that these columns hold. Raises `Failure` where one that is needed is not there."""
        count = Counter(columns)
        found: dict[str, str] = {}
        for field, column in self.names(COLUMNS).items():
            if count[column] > 1:
                raise Failure(
                    Code.REFUSED, f"There are several columns {column}.", remedy=f"Name another one: {option(field)}"
                )
            if count[column]:
                found[field] = column
            elif field in _NEEDED or field in self.said:
                raise Failure(
                    Code.REFUSED,
                    f"There is no column {column}.",
                    remedy=f"Name the one that has the {field.replace('_', ' ')}: {option(field)}",
                )
        return found


def option(field: str) -> str:
    """The option that names a field's column."""
    return {schema.USER_UUID: "--uuid-from", schema.COGNITO_SUB: "--subject-from"}.get(
        field, f"--{field.replace('_', '-')}-from"
    )


def from_file(name: str, mapped: Mapped) -> Generator[Row]:
    """The people of a JSON or CSV file, in UTF-8; `-` is standard input.

    JSON is an array of objects, or one object after the other. CSV has a header and commas. Raises `Failure` where it
    is neither, by then possibly after some rows.
    """
    with _opened(name) as file:
        start = file.peek(_PEEKED_BYTES).removeprefix(_BYTE_ORDER_MARK).lstrip()
        if not start:
            raise _unreadable("it is empty")
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        try:
            yield from _json_rows(text, mapped) if start[:1] in b"[{" else _csv_rows(text, mapped)
        except UnicodeDecodeError:
            raise _unreadable("it is not UTF-8") from None


def _json_rows(text: io.TextIOWrapper, mapped: Mapped) -> Generator[Row]:
    names = mapped.names(COLUMNS)
    try:
        for value in values(text):
            if isinstance(value, dict):
                yield {field: value[name] for field, name in names.items() if name in value}
            else:
                yield None
    except Unreadable as error:
        raise _unreadable(str(error)) from None


def _csv_rows(text: io.TextIOWrapper, mapped: Mapped) -> Generator[Row]:
    lines = csv.reader(text, strict=True)
    try:
        header = [name.strip() for name in next(lines)]
        places = {field: header.index(column) for field, column in mapped.among(header).items()}
        for cells in filter(None, lines):
            if len(cells) == len(header):
                yield {field: cells[place] for field, place in places.items()}
            else:
                yield None
    except csv.Error:
        raise _unreadable(f"line {lines.line_num} is not CSV; a quote may be left open") from None


@contextmanager
def _opened(name: str) -> Iterator[io.BufferedReader]:
    if name == "-":
        standard_input: Any = sys.stdin.buffer
        yield io.BufferedReader(standard_input)
        return
    try:
        file = Path(name).open("rb")  # noqa: SIM115 - it is closed below, and only opening it is guarded here
    except OSError as error:
        raise Failure(
            Code.USAGE, f"{name} cannot be read: {error.strerror}.", remedy="Give a file, or - for standard input."
        ) from None
    with file:
        yield file


def from_user_pool(cognito: Any, user_pool: str, mapped: Mapped) -> Generator[Row]:
    """The people of a Cognito user pool, but for those who never confirmed their sign-up.

    What a person has no attribute for is nobody's. `cognito` is a boto3 client of `cognito-idp`.
    """
    names = mapped.names(ATTRIBUTES)
    try:
        for page in cognito.get_paginator("list_users").paginate(UserPoolId=user_pool):
            yield from (_of_user(user, names) for user in page["Users"] if user["UserStatus"] != _UNCONFIRMED)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_POOL:
            raise
        raise Failure(
            Code.NOT_FOUND,
            "There is no such user pool there.",
            remedy="Is its id right, like eu-west-1_AbCdEf123, and --region where it is?",
        ) from None


def _of_user(user: Mapping[str, Any], names: Mapping[str, str]) -> Row:
    attributes = {attribute["Name"]: attribute["Value"] for attribute in user.get("Attributes", ())}
    attributes[USERNAME] = user["Username"]
    return {field: attributes.get(name) for field, name in names.items()}


def _unreadable(why: str) -> Failure:
    return Failure(
        Code.REFUSED,
        f"The file cannot be read as people: {why}.",
        remedy="Send JSON (an array of objects, or one object per line) or CSV (a header, commas), in UTF-8.",
    )
