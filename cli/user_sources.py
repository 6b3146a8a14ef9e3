"""Where `users sync` reads people: a JSON or CSV file, a Cognito user pool, PostgreSQL; one row at a time."""

from __future__ import annotations

import csv
import io
import shutil
import sys
import tempfile
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
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
    from typing import TextIO

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
                raise _missing(f"There is no column {column}.", field)
        return found

    def look_for(self, rows: Iterable[Row]) -> None:
        """Read rows until each field that an option names was in one.

        Raises `Failure` where none of the rows has it: that is a name mistyped, by which nobody's profile may change.
        """
        unseen, anybody = dict(self.said), False
        for row in rows:
            anybody = True
            for field in row or ():
                unseen.pop(field, None)
            if not unseen:
                return
        for field, column in unseen.items():
            if anybody:
                raise _missing(f"Nobody there has {column}.", field)


def _missing(why: str, field: str) -> Failure:
    return Failure(Code.REFUSED, why, remedy=f"Name the one that has the {field.replace('_', ' ')}: {option(field)}")


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
            yield from _json_people(text, mapped) if start[:1] in b"[{" else _csv_rows(text, mapped)
        except UnicodeDecodeError:
            raise _unreadable("it is not UTF-8") from None


def _json_people(text: TextIO, mapped: Mapped) -> Generator[Row]:
    """The rows, once it is seen that the fields named are there: JSON has no header that would tell."""
    if not mapped.said:
        yield from _json_rows(text, mapped)
        return
    with _repeatable(text) as repeatable:
        beginning = repeatable.tell()
        mapped.look_for(_json_rows(repeatable, mapped))
        repeatable.seek(beginning)
        yield from _json_rows(repeatable, mapped)


@contextmanager
def _repeatable(text: TextIO) -> Iterator[TextIO]:
    """The same text, to be read more than once: what comes through a pipe is kept on disk for that."""
    if text.seekable():
        yield text
        return
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as kept:
        shutil.copyfileobj(text, kept)
        kept.seek(0)
        yield kept


def _json_rows(text: TextIO, mapped: Mapped) -> Generator[Row]:
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

    What a person has no attribute for is nobody's; where an option names the attribute, it is not spoken of. Raises
    `Failure` before the first of them where an option names an attribute that nobody has. `cognito` is a boto3 client
    of `cognito-idp`.
    """
    try:
        if mapped.said:
            mapped.look_for(_users(cognito, user_pool, mapped))
        yield from _users(cognito, user_pool, mapped)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_POOL:
            raise
        raise Failure(
            Code.NOT_FOUND,
            "There is no such user pool there.",
            remedy="Is its id right, like eu-west-1_AbCdEf123, and --region where it is?",
        ) from None


def _users(cognito: Any, user_pool: str, mapped: Mapped) -> Iterator[Row]:
    for page in cognito.get_paginator("list_users").paginate(UserPoolId=user_pool):
        yield from (_of_user(user, mapped) for user in page["Users"] if user["UserStatus"] != _UNCONFIRMED)


def _of_user(user: Mapping[str, Any], mapped: Mapped) -> Row:
    attributes = {attribute["Name"]: attribute["Value"] for attribute in user.get("Attributes", ())}
    attributes[USERNAME] = user["Username"]
    names = mapped.names(ATTRIBUTES).items()
    return {field: attributes.get(name) for field, name in names if name in attributes or field not in mapped.said}


def _unreadable(why: str) -> Failure:
    return Failure(
        Code.REFUSED,
        f"The file cannot be read as people: {why}.",
        remedy="Send JSON (an array of objects, or one object per line) or CSV (a header, commas), in UTF-8.",
    )
