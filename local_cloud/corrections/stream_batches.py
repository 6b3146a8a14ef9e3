"""What becomes of a batch of stream records: the documented rules, without the emulator.

- The lowest sequence number that the function reports is the checkpoint: what lies before it is done, everything from
  it on is delivered again, successes too.
- No answer, an empty one, or an empty or null list of failures is a success of the whole batch.
- An identifier that is empty, null, missing or not of this batch fails the whole batch, as an error does.
- A failed batch is cut in half where bisecting is on, a reported one at its checkpoint; cutting costs no retry.
- Retries and the age of records are bounded, -1 standing for no bound. A throttled invocation costs no retry.

The guide does not say whether retries are forgiven after a cut or a checkpoint; here they are not.
Source: Lambda developer guide, "Configuring partial batch response with DynamoDB and Lambda" and "Retain discarded
records for a DynamoDB event source in Lambda"; API reference, `CreateEventSourceMapping`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

Record = dict[str, Any]

UNLIMITED: Final = -1


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of a mapping that decide what becomes of a batch."""

    maximum_retries: int
    maximum_age_seconds: int
    bisects: bool
    reads_reports: bool

    @classmethod
    def of(cls, mapping: Mapping[str, Any]) -> Self:
        """The rules of a mapping as the emulator keeps it, with AWS's defaults."""
        return cls(
            maximum_retries=_limit(mapping.get("MaximumRetryAttempts")),
            maximum_age_seconds=_limit(mapping.get("MaximumRecordAgeInSeconds")),
            bisects=is_true(mapping.get("BisectBatchOnFunctionError", False)),
            reads_reports="ReportBatchItemFailures" in (mapping.get("FunctionResponseTypes") or []),
        )


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in the order of the stream, the retries they used up, and how often the function was given them."""

    records: list[Record]
    retries: int = 0
    invocations: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one invocation: what is done, what is to be delivered next and in which order, and what is given up."""

    done: list[Record]
    left: list[Batch] = field(default_factory=list)
    exhausted: Batch | None = None


def is_true(value: object) -> bool:
    """Whether a setting is on; CloudFormation hands some of them over as text."""
    return str(value).lower() == "true"


def sequence_number(record: Record) -> str:
    """A record's place in its shard."""
    return str(record["dynamodb"]["SequenceNumber"])


def split_by_age(batch: Batch, rules: Rules, now: float) -> tuple[list[Record], Batch]:
    """The records that are too old to be delivered at `now`, which lead a batch, and the batch without them."""
    if rules.maximum_age_seconds == UNLIMITED:
        return [], batch
    oldest = now - rules.maximum_age_seconds
    young = [record for record in batch.records if record["dynamodb"]["ApproximateCreationDateTime"] >= oldest]
    old = batch.records[: len(batch.records) - len(young)]
    return old, Batch(young, batch.retries, batch.invocations)


def outcome(batch: Batch, result: Mapping[str, Any], rules: Rules) -> Outcome:
    """What becomes of `batch` after an invocation that ended with `result`, as the emulator's executor reports it."""
    if result.get("throttle"):
        return Outcome([], [batch])
    checkpoint = _checkpoint(batch.records, result, rules)
    done, rest = batch.records[:checkpoint], batch.records[checkpoint:]
    invocations = batch.invocations + 1
    if not rest:
        return Outcome(done)
    if rules.bisects and done:
        return Outcome(done, [Batch(rest, batch.retries, invocations)])
    if rules.bisects and len(rest) > 1:
        middle = len(rest) // 2
        return Outcome(done, [Batch(half, batch.retries, invocations) for half in (rest[:middle], rest[middle:])])
    if batch.retries == rules.maximum_retries:
        return Outcome(done, exhausted=Batch(rest, batch.retries, invocations))
    return Outcome(done, [Batch(rest, batch.retries + 1, invocations)])


def _checkpoint(records: list[Record], result: Mapping[str, Any], rules: Rules) -> int:
    """How many records, from the first, lie before the checkpoint."""
    if result.get("error"):
        return 0
    body = result.get("body")
    failures = body.get("batchItemFailures") if rules.reads_reports and isinstance(body, dict) else None
    if not failures:
        return len(records)
    if not isinstance(failures, list):
        return 0
    places = {sequence_number(record): place for place, record in enumerate(records)}
    reported = [failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures]
    return min(places.get(str(identifier), 0) for identifier in reported)


def _limit(value: Any) -> int:
    return UNLIMITED if value is None else int(value)
