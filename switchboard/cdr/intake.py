"""One call of the writer from beginning to end: read, check, write, keep what is refused, answer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from switchboard.cdr.fields import Code, FieldError
from switchboard.cdr.record import Record
from switchboard.cdr.refused import refused
from switchboard.cdr.request import InvalidEnvelope, Request
from switchboard.cdr.results import Failed, Rejected, response, summary
from switchboard.cdr.validation import readable_id
from switchboard.quarantine import QuarantineUnavailable, Unprocessable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from switchboard.cdr.results import Verdict
    from switchboard.cdr.validation import RecordContract
    from switchboard.cdr.writer import CdrWriter
    from switchboard.dynamo.budget import Budget
    from switchboard.quarantine import Quarantine

INVOKE: Final = "invoke"
QUEUE: Final = "queue"

_KEEPING_SECONDS: Final = 15.0
"""What writing leaves of an invocation to the quarantine: a thousand objects take less."""

_MAX_NAMED_FAILURES: Final = 100
_UNREADABLE: Final = FieldError("", Code.FORMAT, "expected JSON text: a record, or an envelope with records")


class RecordsFailed(Exception):  # noqa: N818 - callers read this name as the function error's type
    """Records failed and the caller wants that to fail the invocation: sending the same request again is safe.

    The text is JSON: `summary`, and `failed` with the index and code of up to 100 records. It carries no ids, because
    Lambda logs it.
    """

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        failed = [
            {"index": index, "code": verdict.code}
            for index, verdict in enumerate(verdicts)
            if isinstance(verdict, Failed)
        ]
        text = {"summary": summary(verdicts), "failed": failed[:_MAX_NAMED_FAILURES]}
        super().__init__(json.dumps(text, separators=(",", ":")))


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request; `quarantined` and `lost` count the payloads that were kept of it, or could not be."""

    request: Request
    verdicts: list[Verdict]
    quarantined: int
    lost: int

    def response(self) -> dict[str, Any]:
        """One result per record, in input order.

        Raises `QuarantineUnavailable` where a refused record was not kept, and `RecordsFailed` where a record failed
        and the caller does not read results.
        """
        if self.lost:
            raise QuarantineUnavailable(self.lost)
        if not self.request.reports and any(isinstance(verdict, Failed) for verdict in self.verdicts):
            raise RecordsFailed(self.verdicts)
        ids = [readable_id(record) for record in self.request.records]
        return response(ids, self.verdicts, self.request.pointers)


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the queue."""

    id: str
    body: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of a batch of messages: the ids of those to deliver again, and the verdicts on readable records."""

    again: list[str]
    verdicts: list[Verdict]
    quarantined: int


@dataclass(frozen=True, slots=True)
class Intake:
    """The ways in, on one path: a request of a caller, or messages of the queue."""

    contract: RecordContract
    writer: CdrWriter
    quarantine: Quarantine

    def invoke(self, body: Any, *, now: datetime, budget: Budget) -> Answer:
        """Write the request in `body`, and keep what is refused where the caller does not read results.

        Raises `InvalidEnvelope` before anything is stored.
        """
        request = Request.of(body)
        read = self._read(request.records, now)
        verdicts = self._write(read, now=now, budget=budget, keeps=not request.reports and _has_rejected(read))
        entries = [] if request.reports else refused(request, verdicts, INVOKE)
        kept = self.quarantine.keep(entries, now=now, budget=budget)
        return Answer(request, verdicts, kept.count(True), kept.count(False))

    def deliver(self, messages: Sequence[Message], *, now: datetime, budget: Budget) -> Delivery:
        """Write the records of all messages in one go.

        A message counts as done once all its records are settled and all that was refused of it is in the quarantine.
        """
        requests: list[tuple[str, Request]] = []
        entries: list[tuple[str, Unprocessable]] = []
        for message in messages:
            request = _readable(message.body)
            if isinstance(request, Unprocessable):
                entries.append((message.id, request))
            else:
                requests.append((message.id, request))
        read = self._read([record for _, request in requests for record in request.records], now)
        verdicts = self._write(read, now=now, budget=budget, keeps=bool(entries) or _has_rejected(read))
        again = set()
        left = iter(verdicts)
        for owner, request in requests:
            own = list(islice(left, len(request.records)))
            entries += [(owner, entry) for entry in refused(request, own, QUEUE)]
            if any(isinstance(verdict, Failed) for verdict in own):
                again.add(owner)
        kept = self.quarantine.keep([entry for _, entry in entries], now=now, budget=budget)
        again |= {owner for (owner, _), done in zip(entries, kept, strict=True) if not done}
        return Delivery([message.id for message in messages if message.id in again], verdicts, kept.count(True))

    def _read(self, records: Sequence[Any], now: datetime) -> list[Record | Rejected]:
        """Every record is checked before the first is written."""
        return [self.contract.read(record, now=now) for record in records]

    def _write(self, read: Sequence[Record | Rejected], *, now: datetime, budget: Budget, keeps: bool) -> list[Verdict]:
        """Write what was found valid. Where something has to be kept as well, a slow table must not take its time."""
        valid = [each for each in read if isinstance(each, Record)]
        written = iter(self.writer.write(valid, now=now, budget=budget.leaving(_KEEPING_SECONDS) if keeps else budget))
        return [each if isinstance(each, Rejected) else next(written) for each in read]


def _has_rejected(read: Sequence[Record | Rejected]) -> bool:
    return any(isinstance(each, Rejected) for each in read)


def _readable(body: str) -> Request | Unprocessable:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return Unprocessable(
            reason="unreadable", code=Code.FORMAT, errors=[_UNREADABLE.as_json()], source=QUEUE, payload=body
        )
    try:
        return Request.of(parsed)
    except InvalidEnvelope as invalid:
        errors = [error.as_json() for error in invalid.errors]
        return Unprocessable(
            reason="invalid_envelope", code=errors[0]["code"], errors=errors, source=QUEUE, payload=parsed
        )
