"""Reading from a real PostgreSQL server, of this module alone."""

from __future__ import annotations

import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from cli import user_database
from cli.errors import Code, Failure
from cli.user_database import from_postgres
from cli.user_sources import Mapped
from local_cloud.paths import ROOT
from tests.fakes.postgres import postgres

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.postgres import Postgres

DEFAULT = Mapped({})
UUID = "0193a5c0-7e1b-7c3a-9f20-5b1d6e2a4c88"


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        running.table(
            "people",
            "id bigint, cognito_sub uuid, handle text, display_name varchar(99), email text",
            [(2, None, "ben", "Bén ★", None), (1, UUID, "ann", "Ann", "ann@example.com"), (3, None, "cat", None, "")],
        )
        running.run(
            'CREATE SCHEMA "Odd Schema"',
            'CREATE VIEW "Odd Schema"."People" AS SELECT handle AS "Login %s", display_name FROM people',
            "CREATE TABLE many AS SELECT 'h' || n AS handle, 'Name' AS display_name FROM generate_series(1, 5000) AS n",
            "CREATE ROLE stranger LOGIN",
        )
        yield running


def read(server: Postgres, **said: Any) -> list[Any]:
    return list(from_postgres(server.dsn, said.pop("mapped", DEFAULT), **said))


def failure(dsn: str, **said: Any) -> Failure:
    with pytest.raises(Failure) as refused:
        list(from_postgres(dsn, said.pop("mapped", DEFAULT), **{"table": "people", **said}))
    told = f"{refused.value.message} {refused.value.remedy}"
    assert refused.value.remedy
    assert "secret" not in told
    return refused.value


def test_a_table_is_read_in_an_order_of_its_own_and_as_text(server: Postgres) -> None:
    rows = read(server, table="people")
    assert rows == [
        {"cognito_sub": UUID, "handle": "ann", "display_name": "Ann", "email": "ann@example.com"},
        {"cognito_sub": None, "handle": "ben", "display_name": "Bén ★", "email": None},
        {"cognito_sub": None, "handle": "cat", "display_name": None, "email": ""},
    ]
    assert read(server, table="public.people") == rows


def test_names_may_be_any_text(server: Postgres) -> None:
    rows = read(server, table="Odd Schema.People", mapped=Mapped({"handle": "Login %s"}))
    assert [row["handle"] for row in rows] == ["ann", "ben", "cat"]


def test_a_query_is_taken_as_it_is(server: Postgres) -> None:
    query = (
        "SELECT id AS handle, display_name || '!' AS who FROM people WHERE display_name LIKE '%n%' ORDER BY id DESC;"
    )
    rows = read(server, query=query, mapped=Mapped({"display_name": "who"}))
    assert rows == [{"handle": "2", "display_name": "Bén ★!"}, {"handle": "1", "display_name": "Ann!"}]


def test_many_rows_come_in_portions(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(user_database, "ROWS_AT_ONCE", 7)
    rows = from_postgres(server.dsn, DEFAULT, query="SELECT * FROM many ORDER BY substr(handle, 2)::int")
    assert next(rows) == {"handle": "h1", "display_name": "Name"}
    assert sum(1 for _ in rows) == 4_999


def test_reading_can_end_early(server: Postgres) -> None:
    rows = from_postgres(server.dsn, DEFAULT, table="many")
    next(rows)
    rows.close()
    assert len(read(server, table="people")) == 3


@pytest.mark.parametrize(
    ("said", "code", "shown"),
    [
        ({"table": "secrets"}, Code.NOT_FOUND, "42P01"),
        ({"query": "SELECT secret FROM people"}, Code.REFUSED, "42703"),
        ({"query": "SELECT 'secret"}, Code.USAGE, "4260"),
        ({"query": "DELETE FROM people"}, Code.USAGE, "42601"),
        ({"query": "SELECT 1; DROP TABLE people"}, Code.USAGE, "42601"),
        ({"query": "SELECT nextval('secret')"}, Code.NOT_FOUND, "42P01"),
        ({"query": "SELECT lo_create(0) AS handle, '' AS display_name"}, Code.REFUSED, "25006"),
        ({"query": "SELECT handle FROM people"}, Code.REFUSED, "There is no column display_name"),
        ({"query": "SELECT handle, handle, display_name FROM people"}, Code.REFUSED, "several columns handle"),
        ({"query": "SELECT 1/0 AS handle, '' AS display_name"}, Code.REFUSED, "22012"),
        ({"mapped": Mapped({"email": "mail"})}, Code.REFUSED, "There is no column mail"),
    ],
)
def test_what_the_database_refuses_is_told_without_its_words(
    server: Postgres, said: dict[str, Any], code: Code, shown: str
) -> None:
    refused = failure(server.dsn, **({"table": None} if "query" in said else {}), **said)
    assert (refused.code, shown in refused.message) == (code, True), refused.message
    assert len(read(server, table="people")) == 3


def test_who_may_not_read_is_told_so(server: Postgres) -> None:
    refused = failure(server.dsn.replace("postgres@", "stranger@"))
    assert refused.code is Code.REFUSED
    assert "42501" in refused.message


@pytest.mark.parametrize(
    ("dsn", "code"),
    [
        ("postgresql://u:secret@/nowhere?host=/nonexistent", Code.UNAVAILABLE),
        ("postgresql://u:secret@127.0.0.1:9/x", Code.UNAVAILABLE),
        ("host=/nonexistent pasword=secret", Code.USAGE),
        ("secret", Code.USAGE),
    ],
)
def test_a_server_that_is_not_there(dsn: str, code: Code) -> None:
    assert failure(dsn).code is code


def test_a_database_that_is_not_there(server: Postgres) -> None:
    assert failure(server.dsn.replace("/postgres?", "/secret?")).code is Code.UNAVAILABLE


def test_without_the_driver_the_line_that_installs_it_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    refused = failure("postgresql:///x")
    assert refused.code is Code.REFUSED
    assert refused.remedy == f"Install it: {sys.executable} -m pip install 'psycopg[binary]'"


def test_the_extra_is_the_driver() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"] == {"postgres": [user_database.DRIVER]}
