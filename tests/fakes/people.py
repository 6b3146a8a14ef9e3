"""A directory for `synchronise`: the messages service in memory, and the claims of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from switchboard.messages.errors import ErrorCode
from switchboard.messages.sync import Rehearsal, synchronise
from switchboard.messages.sync_rows import FIELDS, READ, Conflict, Outcome, Problem, Status
from switchboard.schema import messages as schema
from tests.fakes.messages_table import MessagesTable
from tests.fakes.talks import Talk

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from switchboard.messages.keys import Key
    from switchboard.messages.sync import Change
    from switchboard.messages.sync_rows import Row


class People:
    """The directory of one table; what is put goes through the service's own checks."""

    def __init__(self, table: MessagesTable | None = None) -> None:
        self.table = table or MessagesTable()
        self.talk = Talk(self.table)
        self.puts: list[dict[str, Any]] = []

    def read(self, wanted: Collection[Key]) -> Mapping[Key, Mapping[str, Any]]:
        return self.talk.runtime.table.get_many(list(wanted), READ)

    def put(self, changes: Sequence[Change]) -> Sequence[Problem | None]:
        return [self._put(change) for change in changes]

    def _put(self, change: Change) -> Problem | None:
        self.puts.append(change.request)
        answer = self.talk.ask_raw(change.request)
        if "error" not in answer:
            return None
        assert answer["error"]["code"] in (ErrorCode.HANDLE_TAKEN, ErrorCode.CONFLICT), answer
        if answer["error"]["fields"][0]["path"] == f"/{schema.PROFILE_VERSION}":
            return Problem("", Conflict.OVERTAKEN, "changed meanwhile")
        return Problem(schema.HANDLE, Conflict.TAKEN, "refused by the service")

    def sync(self, rows: Iterable[Row], *, link: bool = False, dry_run: bool = False) -> list[Outcome]:
        """A whole run."""
        return list(synchronise(rows, Rehearsal(self) if dry_run else self, claim=Claims(), link=link))

    def profiles(self) -> dict[str, dict[str, str]]:
        """Every stored profile by its user, without the version."""
        return {
            pk.removeprefix(schema.USER_PREFIX): {name: item[name]["S"] for name in FIELDS if name in item}
            for (pk, sk), item in self.table.items.items()
            if sk == schema.PROFILE
        }

    def entries(self) -> dict[str, str]:
        """Every entry of the directory, with its user."""
        return {
            pk: item[schema.USER_UUID]["S"]
            for (pk, sk), item in self.table.items.items()
            if pk.startswith(("HANDLE#", "SUB#"))
        }


class Claims:
    """Claims in a dictionary."""

    def __init__(self) -> None:
        self._holders: dict[tuple[str, str], int] = {}

    def __call__(self, field: str, value: str, row: int) -> int:
        return self._holders.setdefault((field, value), row)


def statuses(outcomes: Sequence[Outcome]) -> list[Status]:
    """The status of each row, in the order of the rows."""
    return [outcome.status for outcome in sorted(outcomes, key=lambda outcome: outcome.row)]


def problems(outcomes: Sequence[Outcome]) -> dict[int, list[tuple[str, str]]]:
    """Field and code of each problem, by row."""
    return {
        outcome.row: [(problem.field, str(problem.code)) for problem in outcome.problems]
        for outcome in outcomes
        if outcome.problems
    }
