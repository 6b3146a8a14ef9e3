"""The operations of the messages function, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from switchboard.dynamo.batch_get import Unread
from switchboard.messages.errors import Refused, internal, throttled
from switchboard.messages.inbox import list_message_groups
from switchboard.messages.markers import mark_read, unread_count
from switchboard.messages.opening import create_message_group
from switchboard.messages.people import put_user
from switchboard.messages.profiles import get_user
from switchboard.messages.reading import list_messages
from switchboard.messages.rename import rename_user
from switchboard.messages.requests import OPERATION, checked
from switchboard.messages.sending import create_message
from switchboard.messages.table import busy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from switchboard.messages.runtime import Runtime

_OPERATIONS: Final[Mapping[str, Callable[[Runtime, Mapping[str, Any]], dict[str, Any]]]] = {
    "list_messages": list_messages,
    "list_message_groups": list_message_groups,
    "create_message_group": create_message_group,
    "create_message": create_message,
    "mark_read": mark_read,
    "unread_count": unread_count,
    "put_user": put_user,
    "get_user": get_user,
    "rename_user": rename_user,
}

_LISTS: Final = frozenset({"list_messages", "list_message_groups"})
"""The operations whose answers say what reading them cost."""


def answer(runtime: Runtime, request: object, *, reference: str, report: Callable[[Exception], None]) -> dict[str, Any]:
    """What the function answers to a request, whatever happens: see the contracts `messages-request` and `-answer`.

    A fault of ours is given to `report` and answered as `internal` with `reference`, by which the report is found.
    """
    try:
        valid = checked(request)
        return _OPERATIONS[valid[OPERATION]](runtime, valid) | _cost(runtime, valid)
    except Refused as refused:
        return refused.answer()
    except Unread:
        return throttled().answer()
    except Exception as error:  # noqa: BLE001 - callers are promised an answer, and the report keeps the fault
        if isinstance(error, ClientError) and busy(error):
            return throttled().answer()
        report(error)
        return internal(reference).answer()


def _cost(runtime: Runtime, request: Mapping[str, Any]) -> dict[str, float]:
    if request[OPERATION] not in _LISTS:
        return {}
    return {"consumed_read_units": runtime.table.consumed_read_units}
