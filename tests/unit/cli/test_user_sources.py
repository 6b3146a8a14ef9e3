from __future__ import annotations

import io
import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cli.errors import Code, Failure
from cli.user_sources import Mapped, from_file, from_user_pool, option
from switchboard.messages.sync_rows import FIELDS

if TYPE_CHECKING:
    from pathlib import Path

DEFAULT = Mapped({})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "people"


def read(file: Path, content: str | bytes, **said: str) -> list[Any]:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(from_file(str(file), Mapped(said)))


# --- CSV -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        "handle,display_name\nann,Ann\nben,Ben\n",
        "handle,display_name\r\nann,Ann\r\n\r\nben,Ben",
        b"\xef\xbb\xbfhandle,display_name\nann,Ann\nben,Ben\n",
        '"handle", display_name \n"ann","Ann"\n"ben",Ben\n',
        "id,display_name,handle\n1,Ann,ann\n2,Ben,ben\n",
    ],
    ids=["plain", "Windows", "byte order mark", "quoted header", "other columns"],
)
def test_csv_in_its_usual_forms(file: Path, content: str | bytes) -> None:
    people = [{"handle": "ann", "display_name": "Ann"}, {"handle": "ben", "display_name": "Ben"}]
    assert read(file, content) == people


def test_quotes_hold_commas_quotes_and_line_breaks(file: Path) -> None:
    content = 'handle,display_name,email\nann,"Doe, ""Ann""\nJr",\n'
    assert read(file, content) == [{"handle": "ann", "display_name": 'Doe, "Ann"\nJr', "email": ""}]


def test_a_row_with_too_few_or_too_many_cells_is_no_row(file: Path) -> None:
    rows = read(file, "handle,display_name\nann\nben,Doe, Ben\ncat,Cat\n")
    assert rows == [None, None, {"handle": "cat", "display_name": "Cat"}]


def test_options_name_other_columns(file: Path) -> None:
    content = "login,full name,mail,handle\nann,Ann,a@b,ignored\n"
    assert read(file, content, handle="login", display_name="full name", email="mail") == [
        {"handle": "ann", "display_name": "Ann", "email": "a@b"}
    ]


def test_a_header_alone_is_nobody(file: Path) -> None:
    assert read(file, "handle,display_name\n") == []


@pytest.mark.parametrize(
    ("content", "said", "shown"),
    [
        ("handle;display_name\nann;Ann\n", {}, "There is no column handle. --handle-from"),
        ("handle\nann\n", {}, "There is no column display_name. --display-name-from"),
        ("handle,display_name\n", {"email": "mail"}, "There is no column mail. --email-from"),
        ("handle,display_name\n", {"cognito_sub": "sub"}, "There is no column sub. --subject-from"),
        ("handle,display_name\n", {"user_uuid": "id"}, "There is no column id. --uuid-from"),
        ("handle,handle,display_name\n", {}, "There are several columns handle. --handle-from"),
        ("secret,secret too\nsecret,x\n", {}, "There is no column handle. --handle-from"),
        ('handle,display_name\nann,"secret\n', {}, "line 2 is not CSV"),
        ('handle,display_name\nann,"se"cret\n', {}, "line 2 is not CSV"),
        (b"handle,display_name\nann,\xffsecret\n", {}, "it is not UTF-8"),
        ("handle,display_name\nann,Ann\n".encode("utf-16"), {}, "it is not UTF-8"),
        ("", {}, "it is empty"),
        ("\ufeff \n ", {}, "it is empty"),
    ],
)
def test_a_file_that_holds_no_people_is_refused_without_repeating_it(
    file: Path, content: str | bytes, said: dict[str, str], shown: str
) -> None:
    with pytest.raises(Failure) as refused:
        read(file, content, **said)
    assert refused.value.code is Code.REFUSED
    told = f"{refused.value.message} {refused.value.remedy}"
    assert all(part in told for part in shown.split(" --"))
    assert "secret" not in told


# --- JSON ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("between", ["\n", "array"])
def test_json_says_nothing_of_what_it_leaves_out(file: Path, between: str) -> None:
    people = [{"handle": "ann", "display_name": "Ann", "more": {}}, {"handle": 7, "email": None}, [], "secret"]
    content = json.dumps(people) if between == "array" else between.join(map(json.dumps, people))
    expected = [{"handle": "ann", "display_name": "Ann"}, {"handle": 7, "email": None}, None, None]
    if between != "array":
        people.pop()
    assert read(file, "\ufeff" + content) == expected


def test_json_columns_are_fields(file: Path) -> None:
    assert read(file, '[{"sub": "s-1", "email": "a@b"}]', cognito_sub="sub") == [{"cognito_sub": "s-1", "email": "a@b"}]


class Pipe(io.BytesIO):
    """Standard input that can be read once."""

    def seekable(self) -> bool:
        return False


PEOPLE = '\ufeff[{"handle": "ann", "mail": null}, null, {"handle": "ben", "mail": "b@c"}]'


@pytest.fixture(params=["file", "pipe"])
def named(request: pytest.FixtureRequest, file: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What names `PEOPLE` as a file, or as what is piped in."""
    file.write_text(PEOPLE)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=Pipe(PEOPLE.encode())))
    return str(file) if request.param == "file" else "-"


def test_a_column_that_no_json_has_is_refused_before_the_first_row(named: str) -> None:
    with pytest.raises(Failure) as refused:
        next(from_file(named, Mapped({"handle": "handle", "email": "mial"})))
    assert (refused.value.code, refused.value.message) == (Code.REFUSED, "Nobody there has mial.")
    assert "--email-from" in refused.value.remedy


def test_every_row_comes_though_some_were_looked_through(named: str) -> None:
    assert list(from_file(named, Mapped({"email": "mail"}))) == [
        {"handle": "ann", "email": None},
        None,
        {"handle": "ben", "email": "b@c"},
    ]


def test_json_of_nobody_lacks_nothing(file: Path) -> None:
    assert read(file, "[]", email="mail") == []


def test_broken_json_ends_after_the_rows_before_it(file: Path) -> None:
    file.write_text('[{"handle": "ann"}, {"handle": secret}]')
    rows = from_file(str(file), DEFAULT)
    assert next(rows) == {"handle": "ann"}
    with pytest.raises(Failure) as refused:
        next(rows)
    assert "after row 1" in refused.value.message
    assert "secret" not in refused.value.message


# --- where from ------------------------------------------------------------------------------------------------------


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"handle,display_name\nann,Ann\n")))
    monkeypatch.setattr(sys, "stdin", text)
    assert list(from_file("-", DEFAULT)) == [{"handle": "ann", "display_name": "Ann"}]


def test_a_file_that_is_not_there(file: Path) -> None:
    with pytest.raises(Failure) as refused:
        list(from_file(str(file), DEFAULT))
    assert refused.value.code is Code.USAGE


def test_every_field_has_an_option() -> None:
    assert [option(field) for field in FIELDS] == [
        "--uuid-from",
        "--handle-from",
        "--display-name-from",
        "--email-from",
        "--subject-from",
    ]


# --- Cognito ---------------------------------------------------------------------------------------------------------


def user(name: str, status: str = "CONFIRMED", /, **attributes: str) -> dict[str, Any]:
    return {
        "Username": name,
        "UserStatus": status,
        "Attributes": [{"Name": key, "Value": value} for key, value in attributes.items()],
    }


def pool(*pages: list[dict[str, Any]]) -> Any:
    asked: list[dict[str, Any]] = []

    def paginate(**request: Any) -> Any:
        asked.append(request)
        return ({"Users": page} for page in pages)

    return SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=paginate), asked=asked)


def test_every_page_of_a_pool_without_the_unconfirmed() -> None:
    cognito = pool(
        [user("u1", sub="s1", preferred_username="ann", name="Ann", email="a@b", gender="x")],
        [user("u2", "UNCONFIRMED", sub="s2"), user("u3", "FORCE_CHANGE_PASSWORD", sub="s3")],
    )
    assert list(from_user_pool(cognito, "eu-west-1_x", DEFAULT)) == [
        {"cognito_sub": "s1", "handle": "ann", "display_name": "Ann", "email": "a@b"},
        {"cognito_sub": "s3", "handle": None, "display_name": None, "email": None},
    ]
    assert cognito.asked == [{"UserPoolId": "eu-west-1_x"}]


def test_the_sign_in_name_and_custom_attributes_can_be_named() -> None:
    cognito = pool([user("ann", **{"sub": "s1", "custom:id": "u-1"})])
    (found,) = from_user_pool(cognito, "p", Mapped({"handle": "Username", "user_uuid": "custom:id"}))
    assert found is not None
    assert (found["handle"], found["user_uuid"]) == ("ann", "u-1")


def test_an_attribute_named_that_a_person_has_not_is_not_spoken_of() -> None:
    cognito = pool([user("u1", sub="s1")], [user("u2", sub="s2", **{"custom:mail": "b@c"})])
    rows = list(from_user_pool(cognito, "p", Mapped({"email": "custom:mail"})))
    assert [row.get("email", "unspoken") for row in rows if row is not None] == ["unspoken", "b@c"]


@pytest.mark.parametrize(("field", "shown"), [("email", "--email-from"), ("cognito_sub", "--subject-from")])
def test_an_attribute_that_nobody_in_a_pool_has_is_refused_before_the_first_row(field: str, shown: str) -> None:
    cognito = pool([user("u1", sub="s1", email="a@b")], [user("u2", "UNCONFIRMED", mistyped="x")])
    with pytest.raises(Failure) as refused:
        next(from_user_pool(cognito, "p", Mapped({field: "mistyped"})))
    assert (refused.value.code, refused.value.message) == (Code.REFUSED, "Nobody there has mistyped.")
    assert shown in refused.value.remedy


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "InvalidParameterException"])
def test_a_pool_that_is_not_there(code: str) -> None:
    def paginate(**_request: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "secret"}}, "ListUsers")

    cognito = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=paginate))
    with pytest.raises(Failure) as refused:
        list(from_user_pool(cognito, "eu-west-1_x", DEFAULT))
    assert refused.value.code is Code.NOT_FOUND
    assert "--region" in refused.value.remedy
    assert "secret" not in refused.value.message
