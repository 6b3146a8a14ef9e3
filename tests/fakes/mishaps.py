"""What goes wrong around a program: it is killed between two calls, or a call fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from tests.fakes.messages_table import client_error

if TYPE_CHECKING:
    import random

    from tests.fakes.messages_table import MessagesTable


class Killed(BaseException):
    """The process ended here. No program may catch it."""


def kill_at(table: MessagesTable, call: int) -> None:
    """End the program before its call number `call`, counted from 0."""
    calls = iter(range(call + 1))

    def before(_name: str, _request: dict[str, Any]) -> None:
        if next(calls, call) == call:
            raise Killed

    table.before = before


def kill_after(table: MessagesTable, call: int) -> None:
    """End the program after its call number `call` took effect, before it learns of that."""
    calls = iter(range(call + 1))

    def after(_name: str, _request: dict[str, Any]) -> None:
        if next(calls, call) == call:
            raise Killed

    table.after = after


def live(table: MessagesTable) -> None:
    """Let nothing go wrong any more."""
    table.before = table.after = lambda _name, _request: None


def disturb(table: MessagesTable, rng: random.Random, *, faults: float, kills: float = 0.0) -> None:
    """Fail calls with the probability `faults`, before or after their effect, and kill with the probability `kills`."""
    errors = [
        client_error("ProvisionedThroughputExceededException"),
        client_error("InternalServerError"),
        client_error("ExpiredTokenException"),
        EndpointConnectionError(endpoint_url="here"),
        ReadTimeoutError(endpoint_url="here"),
    ]

    def mishap(_name: str, _request: dict[str, Any]) -> None:
        if rng.random() < kills / 2:
            raise Killed
        if rng.random() < faults / 2:
            raise rng.choice(errors)

    table.before = table.after = mishap
