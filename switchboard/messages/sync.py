"""The directory made to say what a list of people says: who is who, what changes, and who is refused.

A row stands for the first of these users: the one whose uuid it gives, the one who has its subject, the one who has its
handle (only where the row has no subject, or where linking was asked for), or a new one. A new user's uuid is derived,
so that a later run finds the same one: a subject that is a UUID in lower case, as Cognito's are, is the uuid itself;
any other subject, or a handle without one, is hashed (`new_user_uuid`).

A handle may pass from one person to another within one list. Rows that collide with what is stored are judged again
after the others are written, until none of them can go on; so the end does not depend on where a run was interrupted.
So are rows whose profile somebody changed between reading and writing: what they changed is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from switchboard.messages import keys
from switchboard.messages.requests import OPERATION
from switchboard.messages.sync_rows import (
    CONVERSATIONS,
    PROFILE_FIELDS,
    PUT_USER,
    Conflict,
    Outcome,
    Person,
    Problem,
    Status,
    duplicate,
    new_user_uuid,
    read_person,
)
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from switchboard.messages.keys import Key
    from switchboard.messages.sync_rows import Claim, Row

    Item = Mapping[str, Any]

BATCH: Final = 100
"""Rows that are compared in one go."""
MAX_WAITING: Final = 10_000
"""Rows kept to be judged again, so that a list of any length fits into memory; those beyond are refused at once."""


@dataclass(frozen=True, slots=True)
class Change:
    """A profile to be put in the place of `before`, which is None for a new user."""

    user_uuid: str
    before: Item | None
    after: Item

    @property
    def fields(self) -> tuple[str, ...]:
        """Which fields are not as they were; `CONVERSATIONS` where all are, and a change before was interrupted."""
        before = self.before or {}
        fields = tuple(name for name in PROFILE_FIELDS if before.get(name) != self.after.get(name))
        return fields or ((CONVERSATIONS,) if schema.NAME_FOLLOWS in before else ())

    @property
    def request(self) -> dict[str, Any]:
        """The request to the messages function, which refuses it where the profile is no longer `before`."""
        version = self.before[schema.PROFILE_VERSION] if self.before else 0
        return {
            OPERATION: PUT_USER,
            schema.USER_UUID: self.user_uuid,
            schema.PROFILE_VERSION: version,
            **self.after,
        }


class Directory(Protocol):
    """Where profiles are, and the entries of handles and subjects."""

    def read(self, wanted: Collection[Key]) -> Mapping[Key, Item]:
        """Those of the items that exist, strongly consistent."""

    def put(self, changes: Sequence[Change]) -> Sequence[Problem | None]:
        """Put each profile and answer, in order, what the service refused it for; None where it is done."""


class Rehearsal:
    """A directory that is read, and written in thought only."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._released: set[Key] = set()

    def read(self, wanted: Collection[Key]) -> Mapping[Key, Item]:
        """What there is, without the handles and subjects that would be free by now."""
        found = self._directory.read(wanted)
        return {key: item for key, item in found.items() if key not in self._released}

    def put(self, changes: Sequence[Change]) -> Sequence[Problem | None]:
        """Remember what would be free. What would be taken nobody else can want: an earlier row has claimed it."""
        for change in changes:
            self._released |= _entries(change.before or {}) - _entries(change.after)
        return [None] * len(changes)


def synchronise(rows: Iterable[Row], directory: Directory, *, claim: Claim, link: bool = False) -> Iterator[Outcome]:
    """Bring the directory to what the rows say; one outcome for each row, numbered from 1.

    Outcomes come in the order of the rows, but for those that had to wait for others. With `link`, a row with a subject
    stands for the user who has its handle, if they have no subject yet. Raises what the directory raises; a later run
    goes on from there.
    """
    judge = _Judge(directory, claim=claim, link=link)
    waiting: list[Person] = []
    counted = enumerate(rows, 1)
    while batch := list(islice(counted, BATCH)):
        read = [read_person(number, row, claim) for number, row in batch]
        outcomes, collided = judge.settle([each for each in read if isinstance(each, Person)])
        kept = [person for person, _ in collided][: MAX_WAITING - len(waiting)]
        waiting += kept
        outcomes += [each for each in read if isinstance(each, Outcome)]
        outcomes += [person.refused(problem) for person, problem in collided[len(kept) :]]
        yield from sorted(outcomes, key=lambda outcome: outcome.row)
    yield from _again(waiting, judge)


def _again(waiting: Sequence[Person], judge: _Judge) -> Iterator[Outcome]:
    """Judge those who wait until none of them can go on."""
    while waiting:
        people = iter(waiting)
        still: list[tuple[Person, Problem]] = []
        while batch := list(islice(people, BATCH)):
            outcomes, collided = judge.settle(batch)
            yield from outcomes
            still += collided
        if len(still) == len(waiting):
            yield from (person.refused(problem) for person, problem in still)
            return
        waiting = [person for person, _ in still]


class _Judge:
    """Compares people with the directory, and writes."""

    def __init__(self, directory: Directory, *, claim: Claim, link: bool) -> None:
        self._directory = directory
        self._claim = claim
        self._link = link

    def settle(self, people: Sequence[Person]) -> tuple[list[Outcome], list[tuple[Person, Problem]]]:
        """The outcomes, in order; and who collides with what is stored, which others may change yet or just did."""
        entries = self._directory.read({entry for person in people for entry in _entries(person.wanted)})
        owners = {key: item[schema.USER_UUID] for key, item in entries.items()}
        candidates = [self._candidates(person, owners) for person in people]
        profiles = self._directory.read({keys.profile_key(user) for users in candidates for user in users})
        collided: list[tuple[Person, Problem]] = []
        settled: list[tuple[Person, Change]] = []
        for person, users in zip(people, candidates, strict=True):
            verdict = self._verdict(person, _user(person, users, profiles), owners, profiles)
            if isinstance(verdict, Problem):
                collided.append((person, verdict))
            else:
                settled.append((person, verdict))
        changes = [change for _, change in settled if change.fields]
        refusals = dict(zip((change.user_uuid for change in changes), self._directory.put(changes), strict=True))
        outcomes: list[Outcome] = []
        for person, change in settled:
            refusal = refusals.get(change.user_uuid)
            if refusal is not None and refusal.code is Conflict.OVERTAKEN:
                collided.append((person, refusal))
            else:
                outcomes.append(_outcome(person, change, refusal))
        return outcomes, collided

    def _candidates(self, person: Person, owners: Mapping[Key, str]) -> tuple[str, ...]:
        """Whom the row may stand for, the likeliest first."""
        if person.user_uuid is not None:
            return (person.user_uuid,)
        if person.subject is not None:
            known = owners.get(keys.subject_key(person.subject))
            if known is not None:
                return (known,)
        namesake = owners.get(keys.handle_key(person.handle))
        if namesake is not None and (person.subject is None or self._link):
            return (namesake, new_user_uuid(person))
        return (new_user_uuid(person),)

    def _verdict(
        self, person: Person, user: str, owners: Mapping[Key, str], profiles: Mapping[Key, Item]
    ) -> Change | Problem:
        before = profiles.get(keys.profile_key(user))
        if person.user_uuid is None and before is not None and (problem := _not_theirs(person, user, profiles)):
            return problem
        holder = self._claim(schema.USER_UUID, user, person.row)
        if holder != person.row:
            return duplicate(schema.USER_UUID, holder)
        if person.subject and owners.get(keys.subject_key(person.subject), user) != user:
            return _taken(schema.COGNITO_SUB, "correct the uuid or the subject in the source")
        if owners.get(keys.handle_key(person.handle), user) != user:
            return _taken(schema.HANDLE, "choose another one in the source, or --link them if both are one person")
        return Change(user, before, _after(before or {}, person.wanted))


def _user(person: Person, candidates: Sequence[str], profiles: Mapping[Key, Item]) -> str:
    """Whom the row stands for. Who has a subject already is not linked to another one."""
    namesake = profiles.get(keys.profile_key(candidates[0]), {})
    return candidates[-1] if person.subject is not None and schema.COGNITO_SUB in namesake else candidates[0]


def _not_theirs(person: Person, user: str, profiles: Mapping[Key, Item]) -> Problem | None:
    """Why a profile is not the person's, although its uuid is what the row without a uuid leads to."""
    profile = profiles[keys.profile_key(user)]
    if person.subject is not None and profile.get(schema.COGNITO_SUB, person.subject) != person.subject:
        return _taken(schema.USER_UUID, "give the user's uuid in the source")
    # Whoever was created under this handle is who the row is about, though somebody else may have the handle by now.
    created = new_user_uuid(person)
    moved_on = user != created and keys.profile_key(created) in profiles
    if person.subject is None and (moved_on or profile[schema.HANDLE] != person.handle):
        return Problem(
            schema.HANDLE,
            Conflict.RENAMED,
            "was the handle of somebody who has another one now: take that one into the source, or give their uuid",
        )
    return None


def _taken(field: str, remedy: str) -> Problem:
    return Problem(field, Conflict.TAKEN, f"is somebody else's: {remedy}")


def _after(before: Item, wanted: Mapping[str, str | None]) -> Item:
    merged = {name: wanted.get(name, before.get(name)) for name in PROFILE_FIELDS}
    merged[schema.COGNITO_SUB] = wanted.get(schema.COGNITO_SUB) or before.get(schema.COGNITO_SUB)
    return {name: value for name, value in merged.items() if value is not None}


def _outcome(person: Person, change: Change, refusal: Problem | None) -> Outcome:
    if refusal is not None:
        return person.refused(refusal)
    status = Status.CHANGED if change.before else Status.CREATED
    if not change.fields:
        status = Status.UNCHANGED
    return Outcome(person.row, status, person.handle, change.user_uuid, change.fields)


def _entries(profile: Item) -> set[Key]:
    """The directory's entries that belong to a profile."""
    handle, subject = profile.get(schema.HANDLE), profile.get(schema.COGNITO_SUB)
    return {*([keys.handle_key(handle)] if handle else []), *([keys.subject_key(subject)] if subject else [])}
