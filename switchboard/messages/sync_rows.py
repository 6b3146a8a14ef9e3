"""A row of a list of people, checked by itself: what it wants of a profile, or why it is refused."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from switchboard.ids import derived_uuid, is_uuid
from switchboard.messages.errors import FieldCode, Refused
from switchboard.messages.requests import OPERATION, checked
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Row = Mapping[str, object] | None
    """Values by field; None where a record could not be read as fields.

    A field that is left out is not spoken of. One that is None or empty is nobody's: an e-mail address is removed, a
    subject kept, since a list without it does not end a person's sign-in.
    """
    Claim = Callable[[str, str, int], int]
    """Claims a value of a field for a row; answers whose it is: this row, or an earlier one."""

PUT_USER: Final = "put_user"
PROFILE_FIELDS: Final = (schema.HANDLE, schema.DISPLAY_NAME, schema.EMAIL, schema.COGNITO_SUB)
FIELDS: Final = (schema.USER_UUID, *PROFILE_FIELDS)
"""Every field that a row may have."""
READ: Final = (*FIELDS, schema.PROFILE_VERSION, schema.NAME_FOLLOWS)
"""What is read of the directory's items."""
CONVERSATIONS: Final = "conversations"
"""Stands among the fields that change where the profile is as it should be, and conversations show an older name."""

_NOBODY: Final = "00000000-0000-0000-0000-000000000000"


class Status(StrEnum):
    """What became of a row, or would become of it."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Conflict(StrEnum):
    """Why a row that is right by itself is refused."""

    DUPLICATE = "duplicate"
    """An earlier row has it."""
    TAKEN = "taken"
    """Somebody else has it."""
    RENAMED = "renamed"
    """Who was created under this handle has another one now."""
    OVERTAKEN = "overtaken"
    """Somebody else changed the profile while the row was compared with it."""
    BUSY = "busy"
    """Not now, perhaps later."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field, or with the whole row where `field` is empty, and what to do; never its value."""

    field: str
    code: FieldCode | Conflict
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a row. `handle` is None where the row has no valid one; `fields` are those that change."""

    row: int
    status: Status
    handle: str | None = None
    user_uuid: str | None = None
    fields: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """A row that keeps the contract. `wanted` is what it says of the profile; None: that there is no such field."""

    row: int
    user_uuid: str | None
    handle: str
    wanted: Mapping[str, str | None]

    @property
    def subject(self) -> str | None:
        """The Cognito subject, if the row has one."""
        return self.wanted.get(schema.COGNITO_SUB)

    def refused(self, *problems: Problem) -> Outcome:
        """The row's refusal."""
        return Outcome(self.row, Status.REFUSED, self.handle, problems=problems)


def read_person(number: int, row: Row, claim: Claim) -> Person | Outcome:
    """The row `number` as a person. Refused: it breaks the contract, or an earlier row has its subject or handle."""
    if row is None:
        shape = "must have one cell for each column, or be an object: correct it in the source"
        return Outcome(number, Status.REFUSED, problems=(Problem("", FieldCode.TYPE, shape),))
    said: dict[str, Any] = {name: _plain(row[name]) for name in FIELDS if name in row}
    given = {name: value for name, value in said.items() if value is not None}
    if isinstance(given.get(schema.USER_UUID), str):
        given[schema.USER_UUID] = given[schema.USER_UUID].lower()
    try:
        checked({OPERATION: PUT_USER, schema.USER_UUID: _NOBODY, **given})
    except Refused as refused:
        problems = tuple(_problem(error.path.split("/")[1], error.code, error.message) for error in refused.fields)
        unfit = any(problem.field == schema.HANDLE for problem in problems)
        return Outcome(number, Status.REFUSED, None if unfit else given[schema.HANDLE].lower(), problems=problems)
    user_uuid = given.pop(schema.USER_UUID, None)
    handle = given[schema.HANDLE].lower()
    wanted = {name: given.get(name) for name in said if name in PROFILE_FIELDS} | {schema.HANDLE: handle}
    person = Person(number, user_uuid, handle, wanted)
    for name in (schema.COGNITO_SUB, schema.HANDLE):
        value = wanted.get(name)
        if value is not None and (holder := claim(name, value, number)) != number:
            return person.refused(duplicate(name, holder))
    return person


def new_user_uuid(person: Person) -> str:
    """The uuid of somebody whom nobody knows yet: the same whenever it is asked for."""
    if person.subject is None:
        return derived_uuid("user", schema.HANDLE, person.handle)
    return person.subject if is_uuid(person.subject) else derived_uuid("user", schema.COGNITO_SUB, person.subject)


def duplicate(field: str, holder: int) -> Problem:
    """An earlier row has it."""
    what = "stands for the same user as" if field == schema.USER_UUID else "is the same in"
    return Problem(field, Conflict.DUPLICATE, f"{what} row {holder}: keep one of the two, or tell them apart")


def _plain(value: object) -> object:
    """Text without the white space around it; nothing where nothing is left."""
    return (value.strip() or None) if isinstance(value, str) else value


def _problem(field: str, code: FieldCode, shape: str) -> Problem:
    if code is FieldCode.REQUIRED:
        return Problem(field, code, "is missing: fill it in at the source, or name the column that has it")
    return Problem(field, code, f"{shape}: correct it in the source")
