"""Many members sent in bounded requests, several at once, the refused ones again until they are settled or time is up.

DynamoDB's batch operations answer with HTTP 200 even when members fail, so no SDK retries a member: this does.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final, TypeVar

import botocore.exceptions
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.parsers import ResponseParserError

from switchboard.concurrency import in_flight

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from switchboard.dynamo.budget import Budget

Member = TypeVar("Member", bound="Hashable")
Answer = TypeVar("Answer")

OUT_OF_TIME: Final = "OutOfTime"
"""The code of a member that was not settled in time, rather than refused by DynamoDB."""

_TRANSIENT: Final = frozenset(
    {
        OUT_OF_TIME,
        "InternalServerError",
        "LimitExceededException",
        "ProvisionedThroughputExceeded",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "Throttling",
        "ThrottlingError",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)
"""Codes after which the same request may succeed a moment later; members and whole requests spell them differently
(docs: "Error handling with DynamoDB", and the model's `BatchStatementErrorCodeEnum`)."""

_HOPELESS: Final = frozenset(
    {"ItemCollectionSizeLimitExceeded", "SerializationException", "ValidationError", "ValidationException"}
)
"""Codes that say the request itself is at fault, so that it can never succeed."""

_SERVER_FAULT: Final = 500

_LOST: Final = (botocore.exceptions.ConnectionError, HTTPClientError, ResponseParserError)
"""No readable answer came back: whether the request was applied is unknown."""

_ERRORS: Final = (BotoCoreError, ClientError, ResponseParserError)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a member was not settled: DynamoDB's code, `OutOfTime`, or the name of what kept botocore from sending it."""

    code: str

    @property
    def transient(self) -> bool:
        """Whether it is worth sending again at once."""
        return self.code in _TRANSIENT

    @property
    def retryable(self) -> bool:
        """Whether sending it again can ever help: an expired token or a missing permission can be mended outside."""
        return self.code not in _HOPELESS


def settle(
    members: Sequence[Member],
    send: Callable[[Sequence[Member]], Mapping[Member, Answer | Refusal]],
    *,
    per_request: int,
    budget: Budget,
) -> dict[Member, Answer | Refusal]:
    """Send every member with `send`, at most `per_request` at once, and give each its answer or its last refusal.

    `send` answers every member it is given. Transient refusals and lost connections are sent again while the budget
    lasts; a member that was never sent, or whose answer was lost, is refused with `OutOfTime`.
    """

    def attempt(chunk: Sequence[Member]) -> Mapping[Member, Answer | Refusal]:
        if budget.spent():
            return dict.fromkeys(chunk, Refusal(OUT_OF_TIME))
        try:
            return send(chunk)
        except _ERRORS as error:
            return dict.fromkeys(chunk, _refusal(error))

    settled: dict[Member, Answer | Refusal] = {}
    waiting = list(members)
    for pauses in count():
        chunks = [waiting[start : start + per_request] for start in range(0, len(waiting), per_request)]
        for answers in in_flight(attempt, chunks):
            settled.update(answers)
        waiting = [member for member in waiting if _transient(settled[member])]
        if not waiting:
            break
        budget.pause(pauses)
        if budget.spent():
            break
    return settled


def _transient(answer: Answer | Refusal) -> bool:
    return isinstance(answer, Refusal) and answer.transient


def _refusal(error: Exception) -> Refusal:
    """What an error of a whole request means for each of its members."""
    if isinstance(error, ClientError):
        if error.response["ResponseMetadata"]["HTTPStatusCode"] >= _SERVER_FAULT:
            return Refusal("InternalServerError")
        return Refusal(error.response["Error"]["Code"])
    if isinstance(error, _LOST):
        return Refusal(OUT_OF_TIME)
    return Refusal(type(error).__name__)
