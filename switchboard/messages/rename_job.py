"""The kind of job `rename_user`: a person's name in every conversation that shows it, however many there are.

The operation `rename_user` changes the profile and follows as far as its time reaches; this follows to the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill import fields as checked
from switchboard.backfill.errors import InvalidInput
from switchboard.backfill.kinds import Kind, Planned, Work
from switchboard.backfill.plan import most_units, require_recovery
from switchboard.concurrency import in_flight
from switchboard.messages import keys
from switchboard.messages.rename import PAGE, Conversations, Shows
from switchboard.messages.table import MessagesTable
from switchboard.schema import messages as schema
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from switchboard.backfill.kinds import Part, Tools
    from switchboard.messages.keys import Key

UNITS_PER_SECOND: Final = 500.0
_ROW_UNITS: Final = 2.0
"""Write units of one membership, which is under a kilobyte: the table and its index."""


def plan(fields: Mapping[str, Any], tools: Tools) -> Planned:
    """The plan of an input.

    Raises `Refused`: `InvalidInput` for somebody without a profile, `RecoveryOff`. Raises what the client raises.
    """
    checked.known(fields, (schema.USER_UUID, runs.MAX_WRITE_UNITS, runs.MAX_READ_UNITS))
    user_uuid = checked.text(fields, schema.USER_UUID)
    name = tools.names.messages_table
    most_write, most_read = most_units(tools.dynamodb.describe_table(TableName=name)["Table"])
    require_recovery(tools.dynamodb, name)
    _profile(MessagesTable(tools.dynamodb, name, budget=tools.waiting.patience()), user_uuid)
    return Planned(
        table=name,
        stored={schema.USER_UUID: user_uuid},
        items=0,
        table_bytes=0,
        write_units=min(checked.optional_rate(fields, runs.MAX_WRITE_UNITS) or UNITS_PER_SECOND, most_write or 1e9),
        read_units=min(checked.optional_rate(fields, runs.MAX_READ_UNITS) or UNITS_PER_SECOND, most_read or 1e9),
        most_write_units=most_write,
        most_read_units=most_read,
        most_segments=1,
    )


def work(stored: Mapping[str, Any], part: Part, tools: Tools) -> Work[Key]:
    """A query of the person's conversations, and conditional updates."""
    user_uuid = stored[schema.USER_UUID]
    # A worker stops between pages, so a page has all the time that it needs.
    table = _Metered(tools, part)

    def paced(call: Callable[[Key], bool], work: Sequence[Key]) -> list[bool]:
        def show(row: Key) -> bool:
            part.writes.take(_ROW_UNITS)
            part.writes.spent(_ROW_UNITS, taken=_ROW_UNITS)
            return call(row)

        return in_flight(show, work)

    shows = Shows(table, lambda: _profile(table, user_uuid), together=paced)
    pages = Conversations(table, user_uuid, shows, page=lambda: min(PAGE, part.size.of_work()))
    return Work(pages=pages, settles=shows, key=lambda row: dict(row.attributes()))


class _Metered(MessagesTable):
    """The messages table inside the run's read budget."""

    def __init__(self, tools: Tools, part: Part) -> None:
        budget = part.waiting.patience_since(part.waiting.clock)
        super().__init__(tools.dynamodb, tools.names.messages_table, budget=budget)
        self._reads = part.reads

    def get_many(self, keys: Sequence[Key], attributes: Sequence[str]) -> dict[Key, dict[str, Any]]:
        """As every messages table does; a membership, which is under 4 KB, costs one read unit."""
        self._reads.take(len(keys))
        self._reads.spent(len(keys), taken=len(keys))
        return super().get_many(keys, attributes)

    def _count(self, answer: Mapping[str, Any]) -> None:
        before = self.consumed_read_units
        super()._count(answer)
        self._reads.take(0)
        self._reads.spent(self.consumed_read_units - before, taken=0)


def _profile(table: MessagesTable, user_uuid: str) -> Mapping[str, Any]:
    profile = table.get(keys.profile_key(user_uuid))
    if profile is None:
        raise InvalidInput(f"{schema.USER_UUID}: expected somebody with a profile: put the profile first")
    return profile


KIND: Final = Kind(plan=plan, work=work)
