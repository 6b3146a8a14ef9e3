"""A model of Lambda's event source mapping on a DynamoDB stream, from its documentation, with a clock of its own.

One shard, one batch at a time. The rules, from "Configuring partial batch response with DynamoDB and Lambda" and
"Retain discarded records for a DynamoDB event source in Lambda" of the Lambda developer guide:

- The lowest reported sequence number is the checkpoint; everything from it on is delivered again, successes too.
- No answer, an empty one, or an empty or null list of failures is a success of the whole batch.
- An identifier that is empty, null, missing or not of this batch is a failure of the whole batch, as an error is.
- A failed batch is cut in half where bisecting is on, whether failures are reported or not; cutting costs no attempt.
  A batch with a checkpoint is cut there.
- Without bisecting, delivering again from the checkpoint is a retry like any other.
- Attempts are bounded, and so is the age of each record; what is given up goes to the destination, S3 with the payload.

What the guide leaves open is taken at its less favourable: attempts are forgiven neither when a batch is cut nor when
its beginning is done.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

UNLIMITED: Final = -1
LONGEST_BACKOFF_SECONDS: Final = 60.0

Record = dict[str, Any]


class Blocked(Exception):  # noqa: N818 - it names the state of the shard
    """The mapping invoked without end: one record holds up its shard."""


@dataclass(slots=True)
class Clock:
    """Seconds that pass only when told to."""

    now: float = 0.0


@dataclass(frozen=True, slots=True)
class Discarded:
    """What the S3 destination is given: why, and the batch with its payload."""

    condition: str
    records: list[Record]


@dataclass(slots=True)
class EventSourceMapping:
    """The mapping's settings under CloudFormation's names, and what came of it."""

    handler: Callable[[dict[str, Any]], object]
    clock: Clock
    batch_size: int = 100
    maximum_retry_attempts: int = UNLIMITED
    maximum_record_age: int = UNLIMITED
    bisect_on_error: bool = False
    report_failures: bool = False
    invocation_seconds: float = 0.01
    most_invocations: int = 100_000
    discarded: list[Discarded] = field(default_factory=list)
    invocations: int = 0

    def deliver(self, records: Sequence[Record]) -> None:
        """Deliver a shard's records until each is done or given up. Raises `Blocked`."""
        for start in range(0, len(records), self.batch_size):
            waiting = [(list(records[start : start + self.batch_size]), 0)]
            while waiting:
                batch, attempts = waiting.pop()
                waiting.extend(reversed(self._attempt(batch, attempts)))

    def _attempt(self, batch: list[Record], attempts: int) -> list[tuple[list[Record], int]]:
        """Deliver a batch once; the batches that are left of it, in order, with their attempts so far."""
        old = self._too_old(batch)
        if old:
            self.discarded.append(Discarded("RecordAgeExceeded", old))
        batch = batch[len(old) :]
        if not batch:
            return []
        done = self._invoke(batch)
        if done == len(batch):
            return []
        self.clock.now += min(2.0 ** min(attempts, 10), LONGEST_BACKOFF_SECONDS)
        left = batch[done:]
        if self.bisect_on_error and done > 0:
            return [(left, attempts)]
        if self.bisect_on_error and len(left) > 1:
            middle = len(left) // 2
            return [(left[:middle], attempts), (left[middle:], attempts)]
        if attempts == self.maximum_retry_attempts:
            self.discarded.append(Discarded("RetryAttemptsExhausted", left))
            return []
        return [(left, attempts + 1)]

    def _too_old(self, batch: list[Record]) -> list[Record]:
        if self.maximum_record_age == UNLIMITED:
            return []
        ages = (self.clock.now - record["dynamodb"]["ApproximateCreationDateTime"] for record in batch)
        return [record for record, age in zip(batch, ages, strict=True) if age > self.maximum_record_age]

    def _invoke(self, batch: list[Record]) -> int:
        """How many records of the batch, from its beginning, lie before the checkpoint."""
        if self.invocations == self.most_invocations:
            raise Blocked(f"{self.invocations} invocations")
        self.invocations += 1
        self.clock.now += self.invocation_seconds
        try:
            answer = self.handler({"Records": batch})
        except Exception:  # noqa: BLE001 - any error of the function fails the batch
            return 0
        return self._checkpoint(batch, answer)

    def _checkpoint(self, batch: list[Record], answer: object) -> int:
        failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
        if not self.report_failures or not failures:
            return len(batch)
        positions = {record["dynamodb"]["SequenceNumber"]: index for index, record in enumerate(batch)}
        reported = [failure.get("itemIdentifier") if isinstance(failure, dict) else None for failure in failures]
        if any(identifier not in positions for identifier in reported):
            return 0
        return min(positions[identifier] for identifier in reported)
