from __future__ import annotations

from typing import Any

import pytest

from switchboard.ids import derived_uuid, is_uuid
from switchboard.messages import sync
from switchboard.messages.sync_rows import Person, Status, new_user_uuid
from switchboard.schema import messages as schema
from tests.fakes.mishaps import Killed, kill_at, live
from tests.fakes.people import People, problems, statuses
from tests.fakes.talks import ANN, BEN

SUBJECT = "0193a5c0-7e1b-4c3a-9f20-5b1d6e2a4c88"


def row(handle: Any = "ann", name: Any = "Ann", **more: Any) -> dict[str, Any]:
    """A row; `subject` and `uuid` stand for their fields."""
    fields = {"subject": schema.COGNITO_SUB, "uuid": schema.USER_UUID}
    return {schema.HANDLE: handle, schema.DISPLAY_NAME: name, **{fields.get(key, key): more[key] for key in more}}


@pytest.fixture
def people() -> People:
    return People()


# --- who is who ------------------------------------------------------------------------------------------------------


def test_new_people_get_ids_that_a_later_run_finds_again(people: People) -> None:
    outcomes = people.sync([row(subject=SUBJECT), row("ben", subject="eu-west-1:1"), row("cat")])
    assert statuses(outcomes) == [Status.CREATED] * 3
    users = [str(outcome.user_uuid) for outcome in outcomes]
    assert users[0] == SUBJECT
    assert users[1:] == [
        derived_uuid("user", "cognito_sub", "eu-west-1:1"),
        derived_uuid("user", "handle", "cat"),
    ]
    assert all(map(is_uuid, users))
    assert people.profiles()[SUBJECT] == {"handle": "ann", "display_name": "Ann", "cognito_sub": SUBJECT}


def test_a_subject_in_upper_case_is_hashed_for_ids_are_lower_case() -> None:
    person = Person(1, None, "ann", {schema.COGNITO_SUB: SUBJECT.upper()})
    assert is_uuid(new_user_uuid(person))
    assert new_user_uuid(person) != SUBJECT


def test_a_subject_finds_its_user_whatever_the_handle(people: People) -> None:
    people.talk.do("put_user", ANN, handle="ann", display_name="Ann", cognito_sub=SUBJECT)
    (outcome,) = people.sync([row("anna", subject=SUBJECT)])
    assert (outcome.status, outcome.user_uuid, outcome.fields) == (Status.CHANGED, ANN, ("handle",))
    assert people.entries() == {"HANDLE#anna": ANN, f"SUB#{SUBJECT}": ANN}


def test_without_a_subject_the_handle_finds_the_user_and_leaves_what_the_row_does_not_say(people: People) -> None:
    people.talk.do("put_user", ANN, handle="ann", display_name="Ann", cognito_sub=SUBJECT, email="ann@example.com")
    assert people.sync([row("ANN ", " Anna", subject="")])[0].fields == ("display_name",)
    assert people.profiles()[ANN] == {
        "handle": "ann",
        "display_name": "Anna",
        "email": "ann@example.com",
        "cognito_sub": SUBJECT,
    }


def test_a_uuid_is_taken_as_it_is_but_for_its_case(people: People) -> None:
    people.talk.do("put_user", ANN, handle="ann", display_name="Ann", cognito_sub="old")
    (outcome,) = people.sync([row("anna", subject=SUBJECT, uuid=ANN.upper())])
    assert (outcome.user_uuid, outcome.fields) == (ANN, ("handle", "cognito_sub"))


def test_a_subject_takes_over_a_known_handle_only_when_told_to(people: People) -> None:
    people.talk.do("put_user", ANN, handle="ann", display_name="Ann")
    assert problems(people.sync([row(subject=SUBJECT)])) == {1: [("handle", "taken")]}
    (outcome,) = people.sync([row(subject=SUBJECT)], link=True)
    assert (outcome.status, outcome.user_uuid, outcome.fields) == (Status.CHANGED, ANN, ("cognito_sub",))
    assert people.sync([row(subject=SUBJECT)])[0].status is Status.UNCHANGED


def test_who_has_a_subject_is_never_linked_to_another(people: People) -> None:
    people.talk.do("put_user", ANN, handle="ann", display_name="Ann", cognito_sub="other")
    assert problems(people.sync([row(subject=SUBJECT)], link=True)) == {1: [("handle", "taken")]}
    assert people.puts == []


# --- what changes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nothing", ["", "  ", None])
def test_an_empty_address_removes_it_and_an_unspoken_one_stays(people: People, nothing: str | None) -> None:
    people.sync([row(email="ann@example.com")])
    assert people.sync([row()])[0].status is Status.UNCHANGED
    assert people.sync([row(email=nothing)])[0].fields == ("email",)
    assert "email" not in next(iter(people.profiles().values()))


def test_what_is_so_already_is_not_written(people: People) -> None:
    people.sync([row(), row("ben")])
    people.puts.clear()
    assert statuses(people.sync([row(), row("ben", "Benjamin")])) == [Status.UNCHANGED, Status.CHANGED]
    assert [put["handle"] for put in people.puts] == ["ben"]


def test_handles_pass_along_a_chain_in_one_run_across_batches(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "BATCH", 4)
    count = 11
    people.sync([row(f"h-{number}", subject=f"s{number}") for number in range(count)])
    after = [row(f"h-{number + 1}", subject=f"s{number}") for number in range(count)]
    assert people.sync(after, dry_run=True) == (outcomes := people.sync(after))
    assert {outcome.status for outcome in outcomes} == {Status.CHANGED}
    assert len(outcomes) == count


def test_a_rehearsal_remembers_every_handle_that_would_be_free(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "BATCH", 1)
    people.sync([row("h-0", subject="s0"), row("h-1", subject="s1")])
    rows = [row("h-2", subject="s0"), row("h-3", subject="s1"), row("h-0", subject="s2"), row("h-1", subject="s3")]
    changed, created = Status.CHANGED, Status.CREATED
    assert statuses(people.sync(rows, dry_run=True)) == [changed, changed, created, created]


def test_two_who_want_each_others_handle_are_refused_both(people: People) -> None:
    people.sync([row("ann", subject="s1"), row("ben", subject="s2")])
    swapped = people.sync([row("ben", subject="s1"), row("ann", subject="s2"), row("cat")])
    assert problems(swapped) == {1: [("handle", "taken")], 2: [("handle", "taken")]}
    assert statuses(swapped)[2] is Status.CREATED


def test_rows_beyond_what_may_wait_are_refused_at_once(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sync, "MAX_WAITING", 1)
    people.sync([row("h-0", subject="s0"), row("h-1", subject="s1"), row("h-2", subject="s2")])
    shifted = [row("h-1", subject="s0"), row("h-2", subject="s1"), row("h-3", subject="s2")]
    assert problems(people.sync(shifted)) == {1: [("handle", "taken")], 2: [("handle", "taken")]}
    assert statuses(people.sync(shifted)) == [Status.CHANGED, Status.CHANGED, Status.UNCHANGED]


def test_a_row_that_is_so_already_goes_on_with_the_conversations_of_an_interrupted_change(people: People) -> None:
    people.talk.pair(ANN, BEN)
    kill_at(people.table, 5)
    with pytest.raises(Killed):
        people.sync([row("ann", "Anna")])
    live(people.table)

    def shown() -> str:
        (group,) = people.talk.do("list_message_groups", BEN)["message_groups"]
        return str(group["other_display_name"])

    assert (people.profiles()[ANN]["display_name"], shown()) == ("Anna", "Ann")
    rehearsed = people.sync([row("ann", "Anna")], dry_run=True)
    (outcome,) = people.sync([row("ann", "Anna")])
    assert [outcome] == rehearsed
    assert (outcome.status, outcome.fields, shown()) == (Status.CHANGED, ("conversations",), "Anna")
    people.puts.clear()
    assert (statuses(people.sync([row("ann", "Anna")])), people.puts) == ([Status.UNCHANGED], [])


def interfere(people: People, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Let somebody give Ben another address between each reading and writing, so many times."""
    put, left = people.put, iter(range(times))

    def after_somebody(changes: Any) -> Any:
        if (number := next(left, None)) is not None:
            new = {"email": f"{number}@example.com", "cognito_sub": f"sub-{number}"}
            people.talk.do("put_user", BEN, handle="ben", display_name="Ben", **new)
        return put(changes)

    monkeypatch.setattr(people, "put", after_somebody)


def test_what_somebody_changed_meanwhile_is_kept(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    people.talk.do("put_user", BEN, handle="ben", display_name="Ben")
    interfere(people, monkeypatch, 1)
    (outcome,) = people.sync([row("ben", "Benjamin")])
    assert (outcome.status, outcome.fields) == (Status.CHANGED, ("display_name",))
    assert people.profiles()[BEN] == {
        "handle": "ben",
        "display_name": "Benjamin",
        "email": "0@example.com",
        "cognito_sub": "sub-0",
    }
    assert people.entries() == {"HANDLE#ben": BEN, "SUB#sub-0": BEN}


def test_somebody_made_meanwhile_is_not_overwritten(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    interfere(people, monkeypatch, 1)
    (outcome,) = people.sync([row("ben", "Benjamin", uuid=BEN)])
    assert (outcome.status, people.profiles()[BEN].get("email")) == (Status.CHANGED, "0@example.com")


def test_a_profile_that_changes_each_time_is_refused(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    people.talk.do("put_user", BEN, handle="ben", display_name="Ben")
    interfere(people, monkeypatch, 9)
    assert problems(people.sync([row("ben", "Benjamin")])) == {1: [("", "overtaken")]}
    assert people.profiles()[BEN]["email"] == "1@example.com"


# --- who is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("refused", "expected"),
    [
        (None, [("", "type")]),
        ({}, [("handle", "required"), ("display_name", "required")]),
        (row(name=" "), [("display_name", "required")]),
        (row("a"), [("handle", "format")]),
        (row("a b c"), [("handle", "format")]),
        (row("\N{KELVIN SIGN}im"), [("handle", "format")]),
        (row("x" * 31), [("handle", "format")]),
        (row(12), [("handle", "type")]),
        (row(name="x" * 65), [("display_name", "too_long")]),
        (row(name="a\x00b"), [("display_name", "text")]),
        (row(name="\ud800"), [("display_name", "text")]),
        (row(email="nobody"), [("email", "format")]),
        (row(subject="a b"), [("cognito_sub", "format")]),
        (row(uuid="42"), [("user_uuid", "format")]),
        (row(uuid=42), [("user_uuid", "type")]),
        (row("?", "", email=[]), [("display_name", "required"), ("handle", "format"), ("email", "type")]),
    ],
)
def test_a_row_that_breaks_the_contract_is_refused_and_the_rest_goes_on(
    people: People, refused: Any, expected: list[tuple[str, str]]
) -> None:
    outcomes = people.sync([row("ben"), refused, row("cat")])
    assert statuses(outcomes) == [Status.CREATED, Status.REFUSED, Status.CREATED]
    assert problems(outcomes) == {2: expected}


def test_a_refusal_names_the_handle_where_it_is_valid_and_nothing_else_of_the_row(people: People) -> None:
    bad = [row("Ann", email="secret"), row("secret one"), row("ben", "secret" * 20)]
    outcomes = people.sync(bad)
    assert [outcome.handle for outcome in outcomes] == ["ann", None, "ben"]
    messages = [problem.message for outcome in outcomes for problem in outcome.problems]
    assert len(messages) == 3
    assert not any("secret" in message for message in messages)
    assert all("in the source" in message for message in messages)


@pytest.mark.parametrize(
    ("second", "field"),
    [
        (row("ANN"), "handle"),
        (row("ben", subject="s1"), "cognito_sub"),
        (row("ben", uuid=derived_uuid("user", "cognito_sub", "s1")), "user_uuid"),
    ],
)
def test_a_duplicate_names_the_row_that_came_first(people: People, second: dict[str, Any], field: str) -> None:
    outcomes = people.sync([row(subject="s1"), second, row("cat")])
    assert statuses(outcomes) == [Status.CREATED, Status.REFUSED, Status.CREATED]
    assert problems(outcomes) == {2: [(field, "duplicate")]}
    refused = next(outcome for outcome in outcomes if outcome.problems)
    assert "row 1" in refused.problems[0].message


def test_who_was_renamed_since_is_not_named_back(people: People) -> None:
    (created,) = people.sync([row("ann")])
    people.talk.do("rename_user", str(created.user_uuid), handle="anna")
    assert problems(people.sync([row("ann")])) == {1: [("handle", "renamed")]}
    assert problems(people.sync([row("ann"), row("anna")])) == {1: [("handle", "renamed")]}


def test_a_handle_that_changed_hands_leads_to_nobody(people: People) -> None:
    (created,) = people.sync([row("ann", email="first@example.com")])
    people.talk.do("rename_user", str(created.user_uuid), handle="anna")
    people.talk.do("put_user", BEN, handle="ann", display_name="Second", email="second@example.com")
    before = people.profiles()
    assert problems(people.sync([row("ann", email="first@example.com")])) == {1: [("handle", "renamed")]}
    assert people.profiles() == before


def test_a_subject_of_somebody_else_is_refused(people: People) -> None:
    people.talk.do("put_user", ANN, handle="ann", display_name="Ann", cognito_sub=SUBJECT)
    assert problems(people.sync([row("ben", uuid=BEN, subject=SUBJECT)])) == {1: [("cognito_sub", "taken")]}


def test_a_uuid_that_a_subject_leads_to_but_another_has_is_refused(people: People) -> None:
    people.talk.do("put_user", SUBJECT, handle="ann", display_name="Ann", cognito_sub="other")
    assert problems(people.sync([row("ben", subject=SUBJECT)])) == {1: [("user_uuid", "taken")]}


def test_what_the_service_refuses_is_told(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    reads = people.read
    monkeypatch.setattr(people, "read", lambda wanted: {k: v for k, v in reads(wanted).items() if "HANDLE" not in k.pk})
    people.talk.do("put_user", ANN, handle="ann", display_name="Ann")
    outcomes = people.sync([row(subject="s1"), row("ben")])
    assert statuses(outcomes) == [Status.REFUSED, Status.CREATED]
    assert outcomes[0].handle == "ann"
