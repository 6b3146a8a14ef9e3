"""A new name, and every conversation that shows it.

The profile changes first, and its version grows with it. Then each conversation of two follows, the other person's row
by itself, only if it shows an older version. So two renames may follow in any order. One that was interrupted anywhere
is completed by calling it again: the profile has the name by then, and rows that have it too are only read. Until then
the profile carries a mark, so that whoever compares profiles sees that one is not done with.

A conversation that begins meanwhile shows the new name either way: its transaction checks the version it shows, so it
comes before the profile's change, and is found by the strongly consistent query that follows it, or it is made anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from switchboard.backfill.engine import Checkpoint, Outcome, Page, settled_pages
from switchboard.concurrency import in_flight
from switchboard.messages import keys
from switchboard.messages.directory import name_arrived, replace_profile
from switchboard.messages.errors import not_found, throttled
from switchboard.messages.profiles import shown_profile
from switchboard.messages.table import PRESENT, Canceled
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from switchboard.backfill.engine import Cursor
    from switchboard.messages.keys import Key
    from switchboard.messages.runtime import Runtime
    from switchboard.messages.table import MessagesTable

PAGE: Final = 100
_NAMES: Final = (schema.HANDLE, schema.DISPLAY_NAME)
_OLDER: Final = f"{PRESENT} AND {schema.PROFILE_VERSION} < :version"
_SHOW: Final = (
    f"SET {schema.OTHER_DISPLAY_NAME} = :display_name, {schema.OTHER_HANDLE} = :handle, "
    f"{schema.PROFILE_VERSION} = :version"
)


class Together(Protocol):
    """Makes a call for each piece of work, several at once or not; answers in the order of the work."""

    def __call__(self, call: Callable[[Key], bool], work: Sequence[Key]) -> list[bool]:
        """Raises what a call raised."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How many conversations show the name, or a newer one; not `complete` where the time was up before the end."""

    conversations: int
    complete: bool


def rename_user(runtime: Runtime, request: Mapping[str, Any], *, together: Together = in_flight) -> dict[str, Any]:
    """The operation `rename_user`. Raises `Refused` (`not_found`, `handle_taken`, `throttled`)."""
    caller = request[schema.USER_UUID]
    profile = _renamed(runtime.table, caller, {name: request[name] for name in _NAMES if name in request})
    followed = show_name(runtime.table, caller, profile, together=together)
    return {
        **shown_profile(caller, profile, to=caller),
        "conversations": followed.conversations,
        "complete": followed.complete,
    }


def show_name(
    table: MessagesTable, user_uuid: str, profile: Mapping[str, Any], *, together: Together = in_flight
) -> Followed:
    """Show a stored profile's names in every conversation of two that shows an older version of them.

    Reads before it writes, so that a repetition costs no write for what is done. Raises what the client raises, and
    `Unread`; what was done by then stays done.
    """
    shows = Shows(table, lambda: profile, together=together)
    followed = Followed(0, complete=False)
    for at in settled_pages(Conversations(table, user_uuid, shows), shows, Checkpoint(), meter=_Free()):
        counters = at.counters
        followed = Followed(counters.updated + counters.already, complete=at.passes > 0 and not counters.failed)
        if counters.failed or table.budget.spent():
            break
    if followed.complete:
        name_arrived(table, user_uuid, profile)
    return followed


class _Free:
    """A call of the function has its time as its only bound."""

    def read(self, at: Checkpoint) -> Checkpoint:
        return at


class Conversations:
    """`Pages` of the rows that show a person's name: in each conversation of two, the other one's membership."""

    def __init__(
        self, table: MessagesTable, user_uuid: str, shows: Shows, *, page: Callable[[], int] = lambda: PAGE
    ) -> None:
        """`page` says before each page how many memberships of the person to read at most."""
        self._table = table
        self._user_uuid = user_uuid
        self._shows = shows
        self._page = page

    def pages(self, cursor: Cursor | None, *, consistent: bool = True) -> Iterator[Page[Key]]:  # noqa: ARG002 - always
        """The rows, by strongly consistent reads in any case. Raises what the client raises."""
        while True:
            start = {"ExclusiveStartKey": cursor} if cursor else {}
            answer = next(self._table.query({**self._request(), "Limit": self._page(), **start}))
            rows = tuple(
                keys.membership_key(membership[schema.OTHER_USER_UUID]["S"], membership[schema.GROUP_UUID]["S"])
                for membership in answer["Items"]
            )
            cursor = answer.get("LastEvaluatedKey")
            yield Page(rows, len(rows), cursor)
            if not cursor:
                return

    def missing(self, cursor: Cursor | None) -> Iterator[Page[Key]]:
        """The rows that show an older version. Raises what the client raises, and `Unread`."""
        for page in self.pages(cursor):
            yield Page(tuple(self._shows.older(page.work)), page.scanned, page.cursor)

    def _request(self) -> dict[str, Any]:
        return {
            "KeyConditionExpression": f"{schema.PK} = :user AND begins_with({schema.SK}, :groups)",
            "FilterExpression": f"{schema.KIND} = :dm",
            "ProjectionExpression": f"{schema.GROUP_UUID}, {schema.OTHER_USER_UUID}",
            "ExpressionAttributeValues": {
                ":user": {"S": schema.user_key(self._user_uuid)},
                ":groups": {"S": schema.MEMBERSHIP_PREFIX},
                ":dm": {"S": schema.DM},
            },
            "ConsistentRead": True,
        }


class Shows:
    """`Settles` rows: each that shows an older version of the names shows them, and only if it still does."""

    def __init__(
        self, table: MessagesTable, profile: Callable[[], Mapping[str, Any]], *, together: Together = in_flight
    ) -> None:
        """`profile` is the stored profile whose names are shown; it is asked once for each page."""
        self._table = table
        self._profile = profile
        self._together = together

    def settle(self, work: Sequence[Key]) -> list[Outcome]:
        """Without time left, rows are `FAILED` rather than begun. Raises what the client raises, and `Unread`."""
        if self._table.budget.spent():
            return [Outcome.FAILED] * len(work)
        profile, shown = self._profile(), self._versions(work)
        older = _older(shown, profile)
        done = dict(zip(older, self._together(lambda key: _show(self._table, key, profile), older), strict=True))
        return [_outcome(done.get(key), exists=key in shown) for key in work]

    def older(self, rows: Sequence[Key]) -> list[Key]:
        """Those of the rows that show an older version. Raises as `settle` does."""
        return _older(self._versions(rows), self._profile())

    def _versions(self, rows: Sequence[Key]) -> dict[Key, int]:
        """Which version each of the rows that exist shows."""
        found = self._table.get_many(rows, (schema.PROFILE_VERSION,))
        return {key: row[schema.PROFILE_VERSION] for key, row in found.items()}


def _older(shown: Mapping[Key, int], profile: Mapping[str, Any]) -> list[Key]:
    return [key for key, version in shown.items() if version < profile[schema.PROFILE_VERSION]]


def _outcome(done: bool | None, *, exists: bool) -> Outcome:
    if not exists:
        return Outcome.DELETED
    if done is None:
        return Outcome.ALREADY
    return Outcome.UPDATED if done else Outcome.FAILED


def _renamed(table: MessagesTable, user_uuid: str, names: Mapping[str, str]) -> Mapping[str, Any]:
    """The person's profile once it has these names, whether this call gave it them or an earlier one."""
    wanted = {name: value.lower() if name == schema.HANDLE else value for name, value in names.items()}
    for _ in table.attempts():
        profile = table.get(keys.profile_key(user_uuid))
        if profile is None:
            raise not_found(f"/{schema.USER_UUID}", "is not a user: put their profile first")
        if wanted.items() <= profile.items():
            return profile
        try:
            return replace_profile(table, user_uuid, profile, {**profile, **wanted})
        except Canceled:
            continue
    raise throttled()


def _show(table: MessagesTable, membership: Key, profile: Mapping[str, Any]) -> bool:
    """Show the names in one membership; False where there was no time left. A row that went newer meanwhile is done."""
    if table.budget.spent():
        return False
    table.update(
        membership,
        UpdateExpression=_SHOW,
        ConditionExpression=_OLDER,
        ExpressionAttributeValues={
            ":display_name": {"S": profile[schema.DISPLAY_NAME]},
            ":handle": {"S": profile[schema.HANDLE]},
            ":version": {"N": str(profile[schema.PROFILE_VERSION])},
        },
    )
    return True
