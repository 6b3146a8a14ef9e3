"""The deployed directory: read from the messages table, written through the messages function."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from cli import direct
from switchboard.concurrency import in_flight
from switchboard.messages.errors import ErrorCode, FieldCode
from switchboard.messages.sync_rows import READ, Conflict, Problem
from switchboard.schema import deployment
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from cli.session import Target
    from cli.tools import Tools
    from switchboard.messages.keys import Key
    from switchboard.messages.sync import Change
    from switchboard.messages.sync_rows import Claim

ATTEMPTS: Final = 8
"""How often a profile is put while the function answers that it could not do so now."""

_PASSING: Final = frozenset({ErrorCode.THROTTLED, ErrorCode.INTERNAL})
_TAKEN: Final = {ErrorCode.HANDLE_TAKEN: schema.HANDLE, ErrorCode.CONFLICT: schema.COGNITO_SUB}
_DIGEST_BYTES: Final = 16


class DeployedDirectory:
    """The directory of a stage.

    It is read from the table, a hundred items a request: the function shows an e-mail address to its owner alone, and
    one person a call. It is written through the function, which keeps handles and subjects unique.
    """

    def __init__(self, target: Target, tools: Tools) -> None:
        self._target = target
        self._table, self.consumed = direct.messages_table(target, tools)

    def read(self, wanted: Collection[Key]) -> Mapping[Key, Mapping[str, Any]]:
        """Those of the items that exist. Raises `Failure`, and what the client raises."""
        with direct.on_messages():
            return self._table.get_many(list(wanted), READ)

    def put(self, changes: Sequence[Change]) -> Sequence[Problem | None]:
        """Put each profile, several at once. Raises `Failure`."""
        if not changes:
            return []
        # Found and made before there are threads, which would do so several times over.
        function, _ = self._target.parameter(deployment.MESSAGES_FUNCTION_PATH), self._target.client("lambda")
        return in_flight(lambda change: self._put(function, change), changes)

    def _put(self, function: str, change: Change) -> Problem | None:
        payload = json.dumps(change.request).encode()
        for attempt in range(ATTEMPTS):
            if attempt:
                self._table.budget.pause(attempt - 1)
            answer = self._target.call(function, payload).value
            if "error" not in answer:
                return None
            if answer["error"]["code"] not in _PASSING:
                return _problem(answer["error"])
        return Problem(
            "",
            Conflict.BUSY,
            "was not settled, since the messages function could not now: run the same command again",
        )


def _problem(error: Mapping[str, Any]) -> Problem:
    """A refusal of the function: another person was quicker, or it takes less than this program knows of."""
    if f"/{schema.PROFILE_VERSION}" in (each["path"] for each in error["fields"]):
        return Problem("", Conflict.OVERTAKEN, "was changed by somebody else meanwhile: run the same command again")
    field = _TAKEN.get(error["code"])
    if field is not None:
        return Problem(field, Conflict.TAKEN, "has just become somebody else's: run the same command again")
    at_fault = error["fields"][0] if error["fields"] else {"path": "", "code": FieldCode.FORMAT, "message": ""}
    shape = at_fault["message"] or "is not what the deployed messages function takes"
    return Problem(
        at_fault["path"].removeprefix("/"), FieldCode(at_fault["code"]), f"{shape}: correct it in the source"
    )


@contextmanager
def claims() -> Iterator[Claim]:
    """Which row was the first with a value, for any number of rows: of each value a digest is kept, not the value."""
    # Without a name, the database is this connection's own; it leaves memory for a temporary file when it grows.
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.execute("CREATE TABLE claim (digest BLOB PRIMARY KEY, holder INTEGER NOT NULL) WITHOUT ROWID")
        database.execute("BEGIN")

        def claim(field: str, value: str, row: int) -> int:
            digest = sha256(f"{field}\0{value}".encode()).digest()[:_DIGEST_BYTES]
            database.execute("INSERT OR IGNORE INTO claim VALUES (?, ?)", (digest, row))
            (holder,) = database.execute("SELECT holder FROM claim WHERE digest = ?", (digest,)).fetchone()
            return int(holder)

        yield claim
