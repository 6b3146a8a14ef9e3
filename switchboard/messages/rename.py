"""A new name, and every conversation that shows it.

The profile changes first, and its version grows with it. Then each conversation of two follows, the other person's row
by itself, only if it shows an older version. So two renames may follow in any order. One that was interrupted anywhere
is completed by calling it again: the profile has the name by then, and rows that have it too are only read.

A conversation that begins meanwhile shows the new name either way: its transaction checks the version it shows, so it
comes before the profile's change, and is found by the strongly consistent query that follows it, or it is made anew.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from switchboard.concurrency import in_flight
from switchboard.messages import keys
from switchboard.messages.directory import replace_profile
from switchboard.messages.errors import not_found, throttled
from switchboard.messages.profiles import shown_profile
from switchboard.messages.table import PRESENT, Canceled
from switchboard.schema import messages as schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from switchboard.messages.keys import Key
    from switchboard.messages.runtime import Runtime
    from switchboard.messages.table import MessagesTable

_PAGE: Final = 100
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
    following = 0
    for memberships in _conversations(table, user_uuid):
        if table.budget.spent():
            return Followed(following, complete=False)
        shown = table.get_many(memberships, (schema.PROFILE_VERSION,))
        older = [key for key, row in shown.items() if row[schema.PROFILE_VERSION] < profile[schema.PROFILE_VERSION]]
        left = together(lambda key: _show(table, key, profile), older).count(False)
        following += len(shown) - left
        if left:
            return Followed(following, complete=False)
    return Followed(following, complete=True)


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


def _conversations(table: MessagesTable, user_uuid: str) -> Iterator[list[Key]]:
    """Pages of the rows that show a person's name: in each conversation of two, the other one's membership."""
    request = {
        "KeyConditionExpression": f"{schema.PK} = :user AND begins_with({schema.SK}, :groups)",
        "FilterExpression": f"{schema.KIND} = :dm",
        "ProjectionExpression": f"{schema.GROUP_UUID}, {schema.OTHER_USER_UUID}",
        "ExpressionAttributeValues": {
            ":user": {"S": schema.user_key(user_uuid)},
            ":groups": {"S": schema.MEMBERSHIP_PREFIX},
            ":dm": {"S": schema.DM},
        },
        "ConsistentRead": True,
        "Limit": _PAGE,
    }
    for page in table.query(request):
        yield [
            keys.membership_key(membership[schema.OTHER_USER_UUID]["S"], membership[schema.GROUP_UUID]["S"])
            for membership in page["Items"]
        ]


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
