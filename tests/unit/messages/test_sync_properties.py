"""Any list of people, any directory: a second run changes nothing, a torn one is made good, a rehearsal is right."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from switchboard.ids import derived_uuid
from switchboard.messages import sync
from switchboard.messages.sync_rows import Status
from switchboard.schema import messages as schema
from tests.fakes.messages_table import MessagesTable
from tests.fakes.mishaps import Killed, kill_after, kill_at, live
from tests.fakes.people import People, statuses
from tests.fakes.talks import EVE

if TYPE_CHECKING:
    from collections.abc import Callable

HANDLES = ("ann", "ben", "cat", "dan")
UUIDS = tuple(f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abc")
SUBJECTS = (*UUIDS[1:], "sub-1", "sub-2")
CREATED = {handle: derived_uuid("user", schema.HANDLE, handle) for handle in HANDLES}
"""Whom a row makes that has a handle alone."""

OWN = st.fixed_dictionaries(
    {schema.HANDLE: st.sampled_from(HANDLES), schema.DISPLAY_NAME: st.sampled_from(("One", "Two"))},
    optional={schema.COGNITO_SUB: st.sampled_from(SUBJECTS), schema.EMAIL: st.sampled_from(("a@b", "c@d"))},
)
STANDING = st.lists(st.tuples(st.sampled_from((*UUIDS, CREATED["ann"], CREATED["ben"])), OWN), max_size=5)
"""Requests of put_user before the run; the service refuses some, and by others a handle changes hands."""
EARLIER = st.lists(OWN, max_size=3)
"""An earlier list, so that some people have the uuids that a run derives."""
ROWS = st.lists(
    st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {
                schema.HANDLE: st.sampled_from((*HANDLES, "ANN", "", "no")),
                schema.DISPLAY_NAME: st.sampled_from(("One", "Two")),
            },
            optional={
                schema.COGNITO_SUB: st.sampled_from((*SUBJECTS, "", None)),
                schema.EMAIL: st.sampled_from(("a@b", "", None)),
                schema.USER_UUID: st.sampled_from((*UUIDS, UUIDS[0].upper(), None)),
            },
        ),
    ),
    max_size=7,
)
"""Few values, so that rows collide with each other and with what is stored in every way there is."""


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "BATCH", 3)


def standing(before: list[tuple[str, dict[str, str]]], earlier: list[dict[str, str]]) -> People:
    people = People()
    people.sync(earlier)
    for user, fields in before:
        people.talk.ask("put_user", user, **fields)
    return people


def copied(people: People) -> People:
    table = MessagesTable()
    table.items = deepcopy(people.table.items)
    return People(table)


def content(people: People) -> Any:
    return people.profiles(), people.entries()


def names_shown(people: People) -> Any:
    """What every conversation calls the other person."""
    names = (schema.OTHER_HANDLE, schema.OTHER_DISPLAY_NAME)
    return {key: [item[name] for name in names] for key, item in people.table.items.items() if names[0] in item}


@given(STANDING, EARLIER, ROWS, st.booleans())
def test_a_second_run_changes_nothing(
    before: list[Any], earlier: list[Any], rows: list[dict[str, Any]], link: bool
) -> None:
    people = standing(before, earlier)
    first = people.sync(rows, link=link)
    after = content(people)
    second = people.sync(rows, link=link)
    assert [outcome.row for outcome in sorted(first, key=lambda each: each.row)] == list(range(1, len(rows) + 1))
    done = (Status.CREATED, Status.CHANGED)
    assert statuses(second) == [Status.UNCHANGED if status in done else status for status in statuses(first)]
    assert content(people) == after


@given(STANDING, EARLIER, ROWS, st.booleans(), st.tuples(st.sampled_from((kill_at, kill_after)), st.floats(0, 1)))
def test_an_interrupted_run_ends_where_it_would_have(
    before: list[Any],
    earlier: list[Any],
    rows: list[dict[str, Any]],
    link: bool,
    end: tuple[Callable[..., None], float],
) -> None:
    whole = standing(before, earlier)
    everybody = list(whole.profiles())
    whole.talk.introduce(EVE)
    for other in everybody:
        whole.talk.do("create_message_group", EVE, other_user_uuid=other, message="hello")
    torn = copied(whole)
    whole.table.calls.clear()
    whole.sync(rows, link=link)
    kill, part = end
    kill(torn.table, int(part * sum(whole.table.calls.values())))
    try:
        torn.sync(rows, link=link)
    except Killed:
        live(torn.table)
        torn.sync(rows, link=link)
    assert content(torn) == content(whole)
    assert names_shown(torn) == names_shown(whole)


@given(STANDING, EARLIER, ROWS, st.booleans())
def test_a_rehearsal_says_what_a_run_does_and_writes_nothing(
    before: list[Any], earlier: list[Any], rows: list[dict[str, Any]], link: bool
) -> None:
    people = standing(before, earlier)
    untouched = deepcopy(people.table.items)
    rehearsed = people.sync(rows, link=link, dry_run=True)
    assert people.table.items == untouched
    assert rehearsed == people.sync(rows, link=link)


@given(STANDING, EARLIER, ROWS, st.booleans())
def test_nobody_has_anything_of_another_person(
    before: list[Any], earlier: list[Any], rows: list[dict[str, Any]], link: bool
) -> None:
    people = standing(before, earlier)
    known = people.profiles()
    subjects = {fields[schema.COGNITO_SUB]: user for user, fields in known.items() if schema.COGNITO_SUB in fields}
    outcomes = people.sync(rows, link=link)
    profiles = people.profiles()
    owned = {
        make(fields[name]): user
        for user, fields in profiles.items()
        for name, make in ((schema.HANDLE, schema.handle_key), (schema.COGNITO_SUB, schema.subject_key))
        if name in fields
    }
    assert people.entries() == owned
    given_uuids = any(row and row.get(schema.USER_UUID) for row in rows)
    assert given_uuids or all(profiles[user].get(schema.COGNITO_SUB) == subject for subject, user in subjects.items())
    for outcome in outcomes:
        if outcome.status is not Status.REFUSED:
            assert profiles[str(outcome.user_uuid)][schema.HANDLE] == outcome.handle
    spoken_for = {str(each.user_uuid): rows[each.row - 1] for each in outcomes if each.status is not Status.REFUSED}
    for user, fields in profiles.items():
        row, was = spoken_for.get(user, {}), known.get(user, {})
        for name in (schema.DISPLAY_NAME, schema.EMAIL):
            assert fields.get(name) == (row.get(name) or None if name in row else was.get(name))
        if row and not (row.get(schema.USER_UUID) or row.get(schema.COGNITO_SUB)):
            created = CREATED[fields[schema.HANDLE]]
            assert user == created or created not in known
