"""New messages of a group as they come."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from cli import output
from cli.errors import Code, Failure
from switchboard.messages.sort_keys import milliseconds, time_text
from switchboard.schema import messages as schema
from switchboard.times import parse_rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cli.asking import People

PAUSE_SECONDS: Final = 2.0
OVERLAP: Final = timedelta(seconds=schema.MAX_MESSAGE_AGE_SECONDS + schema.MAX_MESSAGE_AHEAD_SECONDS)
"""A message's id may be this much older than the newest one that was stored before it."""

Message = dict[str, Any]
_Answer = TypeVar("_Answer")


def follow(
    people: People,
    caller: str,
    group_uuid: str,
    *,
    shown: Sequence[Message],
    tell: Callable[[Message], None],
    sleep: Callable[[float], None],
) -> None:
    """Tell every message that is not among `shown`, each once, until the person interrupts.

    A poll reads again what lies within the overlap of the newest message. A service that is busy is asked again, also
    for what `tell` asks of it.
    """
    seen = {message["message_uuid"]: message["created_at"] for message in shown}

    def newest() -> list[Message]:
        return _newest(people, caller, group_uuid, _since(seen))

    with suppress(KeyboardInterrupt):
        if shown:
            # What the overlap holds before the page that was shown is not new.
            first = _place(shown[0])
            known = _patiently(newest, sleep)
            seen |= {each["message_uuid"]: each["created_at"] for each in known if _place(each) < first}
        while True:
            sleep(PAUSE_SECONDS)
            since = _since(seen)
            for message in _patiently(newest, sleep):
                if message["message_uuid"] not in seen:
                    _patiently(partial(tell, message), sleep)
                    seen[message["message_uuid"]] = message["created_at"]
            seen = {uuid: at for uuid, at in seen.items() if since is None or at >= since}


def _patiently(call: Callable[[], _Answer], sleep: Callable[[float], None]) -> _Answer:
    """What a call answers once the service is not busy. Raises `Failure` for any other reason."""
    while True:
        try:
            return call()
        except Failure as failure:
            if failure.code is not Code.UNAVAILABLE:
                raise
        output.say("The service is busy; asking again.")
        sleep(PAUSE_SECONDS)


def _place(message: Message) -> tuple[str, str]:
    return message["created_at"], message["message_uuid"]


def _since(seen: dict[str, str]) -> str | None:
    """From when on messages may still come; None before the first one."""
    return time_text(milliseconds(parse_rfc3339(max(seen.values())) - OVERLAP)) if seen else None


def _newest(people: People, caller: str, group_uuid: str, since: str | None) -> list[Message]:
    """Every message from `since` on, oldest first."""
    found: list[Message] = []
    before = None
    while True:
        fields: dict[str, Any] = {"group_uuid": group_uuid, "limit": schema.MAX_PAGE, "before": before, "from": since}
        page = people.ask("list_messages", caller, **fields).value
        found = page["messages"] + found
        before = page.get("before")
        if before is None:
            return found
