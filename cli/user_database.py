"""People read from PostgreSQL, in a transaction that cannot write, a thousand rows at a time."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from cli.errors import Code, Failure

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    import psycopg

    from cli.user_sources import Mapped
    from switchboard.messages.sync_rows import Row

DRIVER: Final = "psycopg[binary]"
"""The extra `postgres` of the project; nothing else needs it."""
ROWS_AT_ONCE: Final = 1_000
CONNECT_SECONDS: Final = 10

_MEANINGS: Final = {
    "22": (Code.REFUSED, "cannot work this out", "Correct --query for the data that there is."),
    "28": (Code.REFUSED, "does not accept this user", "Are user and password right?"),
    "3D": (Code.NOT_FOUND, "has no such database", "Is its name right?"),
    "42501": (Code.REFUSED, "does not let this user read that", "Grant them SELECT on what is read."),
    "42P01": (Code.NOT_FOUND, "has no such table", "Give --table as it is spelt there, SCHEMA.TABLE if need be."),
    "42703": (Code.REFUSED, "has no column that the query names", "Correct --query."),
    "42": (Code.USAGE, "does not take this query", "Give --query one SELECT, such as one that psql runs."),
    "25006": (Code.REFUSED, "is only read here, and the query writes", "Give --query one SELECT."),
    "57014": (Code.UNAVAILABLE, "took too long over the query", "Raise its statement_timeout, or read less."),
}
"""What a SQLSTATE, or the beginning of one, means (PostgreSQL, "Error Codes"); the first that fits counts.

The server's own words are not repeated: they may quote what the connection string or the rows hold.
"""


def from_postgres(dsn: str, mapped: Mapped, *, table: str | None = None, query: str | None = None) -> Generator[Row]:
    """The people of a table or of a query, of which exactly one is given; a table in a stable order.

    `dsn` is a connection string or URI of libpq; what it leaves out comes from libpq's environment. Raises `Failure`
    where the driver is missing and where the server or the columns are not as they should be.
    """
    driver = _driver()
    with _explained(driver), _connected(driver, dsn) as connection:
        statement = query.encode() if query is not None else _select(driver, connection, mapped, table or "")
        with connection.cursor(name="people") as cursor:
            cursor.itersize = ROWS_AT_ONCE
            cursor.execute(statement)
            columns = [column.name for column in cursor.description or ()]
            places = {field: columns.index(name) for field, name in mapped.among(columns).items()}
            for row in cursor:
                yield {field: _text(row[place]) for field, place in places.items()}


def _select(driver: Any, connection: psycopg.Connection, mapped: Mapped, table: str) -> psycopg.sql.Composed:
    sql = driver.sql
    name = sql.Identifier(*table.split("."))
    probe = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(name))
    columns = [
        sql.Identifier(each) for each in mapped.among([column.name for column in probe.description or ()]).values()
    ]
    # In an order of its own, a table answers the same duplicate first each time.
    select: psycopg.sql.Composed = sql.SQL("SELECT {0} FROM {1} ORDER BY {0}").format(sql.SQL(", ").join(columns), name)
    return select


def _driver() -> Any:
    try:
        import psycopg  # noqa: PLC0415 - an extra: the rest of the command works without it
        import psycopg.sql  # noqa: PLC0415 - likewise
    except ImportError:
        raise Failure(
            Code.REFUSED,
            "Reading from PostgreSQL needs the driver psycopg, which is not installed.",
            remedy=f"Install it: {sys.executable} -m pip install '{DRIVER}'",
        ) from None
    return psycopg


@contextmanager
def _connected(driver: Any, dsn: str) -> Iterator[psycopg.Connection]:
    try:
        settings = {
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "switchboard users sync",
            **driver.conninfo.conninfo_to_dict(dsn),
            "client_encoding": "utf8",
        }
    except driver.ProgrammingError:
        raise Failure(
            Code.USAGE,
            "--postgres is not a connection string of PostgreSQL.",
            remedy="Write it like postgresql://user@host/database; the password belongs into PGPASSWORD or ~/.pgpass.",
        ) from None
    try:
        connection: psycopg.Connection = driver.connect(**settings)
    except driver.OperationalError:
        raise Failure(
            Code.UNAVAILABLE,
            "PostgreSQL does not let us in.",
            remedy="Is it running? Are host, database, user and password right? psql with the same string says more.",
        ) from None
    with connection:
        connection.read_only = True
        yield connection


@contextmanager
def _explained(driver: Any) -> Iterator[None]:
    try:
        yield
    except driver.Error as error:
        state = error.sqlstate or ""
        for beginning, (code, why, remedy) in _MEANINGS.items():
            if state.startswith(beginning):
                raise Failure(code, f"The database {why}. (SQLSTATE {state})", remedy=remedy) from None
        raise Failure(
            Code.UNAVAILABLE, f"The database ended the reading. (SQLSTATE {state or 'none'})", remedy="Run it again."
        ) from None
    except UnicodeDecodeError:
        raise Failure(
            Code.REFUSED, "The database holds text that is not UTF-8.", remedy="Convert it in --query."
        ) from None


def _text(value: Any) -> Any:
    """A column as text, whatever its type: an id may be a UUID or a number there."""
    return value if value is None else str(value)
