"""People who talk through the messages function's domain, with a clock that a test sets."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import fastjsonschema

from switchboard.contracts import MESSAGES_ANSWER, contract
from switchboard.dynamo.budget import Budget
from switchboard.ids import Uuid7Source
from switchboard.messages.runtime import Runtime
from switchboard.messages.service import answer
from switchboard.messages.table import MessagesTable
from tests.fakes.messages_table import TABLE

ANN, BEN, CAT, DAN, EVE = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "abcde")
NAMES = {ANN: "ann", BEN: "ben", CAT: "cat", DAN: "dan", EVE: "eve"}
START = datetime.fromisoformat("2026-11-21T12:00:00.000+00:00")

_ANSWERS = contract(MESSAGES_ANSWER)


class Talk:
    """Calls operations on a table; every answer is checked against the published contract."""

    def __init__(self, client: Any, *, rng: random.Random | None = None, table: str = TABLE) -> None:
        self.now = START
        self.reported: list[Exception] = []
        self.pauses: list[float] = []
        self.seconds_left = 60.0
        rng = rng or random.Random(0)
        budget = Budget(remaining_seconds=lambda: self.seconds_left, sleep=self.pauses.append, jitter=rng.random)
        self.runtime = Runtime(
            table=MessagesTable(client, table, budget=budget),
            clock=lambda: self.now,
            new_uuid7=Uuid7Source(rng.getrandbits),
        )

    def ask(self, operation: str, user: str, **fields: Any) -> dict[str, Any]:
        """The answer, good or bad."""
        request = {"operation": operation, "user_uuid": user, **fields}
        answered = self.ask_raw(request)
        # What reading cost is a matter of the engine: tests/unit/messages/test_service.py holds it.
        answered.pop("consumed_read_units", None)
        return answered

    def ask_raw(self, request: object) -> dict[str, Any]:
        answered = answer(self.runtime, request, reference="ref-1", report=self.reported.append)
        operation = request.get("operation") if isinstance(request, dict) else None
        check_answer("refusal" if "error" in answered else str(operation), answered)
        return answered

    def do(self, operation: str, user: str, **fields: Any) -> dict[str, Any]:
        """The answer, which must be good."""
        answered = self.ask(operation, user, **fields)
        assert "error" not in answered, answered
        return answered

    def refused(self, operation: str, user: str, **fields: Any) -> str:
        """The code of the refusal, which must be one."""
        answered = self.ask(operation, user, **fields)
        assert "error" in answered, answered
        return str(answered["error"]["code"])

    def introduce(self, *users: str) -> None:
        """Give people their profiles."""
        for user in users:
            self.do("put_user", user, handle=NAMES[user], display_name=NAMES[user].title())

    def pair(self, one: str = ANN, other: str = BEN, text: str = "hello") -> str:
        """Two people with profiles, in conversation; the group."""
        self.introduce(one, other)
        return str(self.do("create_message_group", one, other_user_uuid=other, message=text)["group_uuid"])

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    def new_uuid(self, ahead_ms: int = 0) -> str:
        """A message id of the present, or of `ahead_ms` milliseconds from it."""
        return self.runtime.new_uuid7(self.runtime.now() + ahead_ms)


def check_answer(shape: str, answered: dict[str, Any]) -> None:
    """Fail unless the answer has the published shape."""
    if shape not in _CHECKS:
        _CHECKS[shape] = fastjsonschema.compile({**_ANSWERS, "$ref": f"#/definitions/{shape}"})
    _CHECKS[shape](answered)


_CHECKS: dict[str, Any] = {}
