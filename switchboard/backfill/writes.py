"""The updates of one page, in batches of PartiQL statements, and what became of each item."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeAlias

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from switchboard.backfill.amplification import WRITE_UNIT_BYTES
from switchboard.backfill.engine import Outcome
from switchboard.backfill.errors import raise_systemic, systemic
from switchboard.dynamo.batch_get import Unread, batch_get
from switchboard.dynamo.rounds import Refusal, settle
from switchboard.dynamo.values import item_size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.job import Key, Table
    from switchboard.backfill.units import Units
    from switchboard.backfill.waiting import Waiting
    from switchboard.dynamo.values import AttributeValue

Answer: TypeAlias = "Outcome | Refusal | None"
"""What a request says of an item; None: its condition failed, and not why."""

STATEMENTS_PER_REQUEST: Final = 25
"""What `BatchExecuteStatement` takes at most (docs: its API reference)."""

_UNITS_AT_WORST: Final = 100.0
"""What an item may cost as long as none was updated: the first request of a worker is so small, and goes alone, because
several that cost many times what was taken for them would spend minutes of a small budget."""
_CONDITION: Final = frozenset({"ConditionalCheckFailed", "ConditionalCheckFailedException"})
_RESENT: Final = 3
"""How often an item is tried again that was deleted and made anew, without the attribute, between update and read."""


class Change(Protocol):
    """What a job does to one item: a conditional PartiQL statement of one table."""

    @property
    def table(self) -> Table:
        """The table."""

    @property
    def attribute(self) -> str:
        """The attribute on which the condition depends."""

    def statement(self) -> str:
        """The statement, the same for all items."""

    def parameters(self, key: Key) -> list[AttributeValue]:
        """Its parameters for one item."""

    def done(self, item: Mapping[str, Any]) -> bool:
        """Whether an item, by its keys and the attribute, needs nothing done: its condition would fail."""


class Writer:
    """Conditional updates of one job; a request waits for its write units, and up to eight are in flight.

    It `Settles` keys, one page at a time.
    """

    def __init__(
        self, client: DynamoDBClient, job: Change, *, write_units: Units, read_units: Units, waiting: Waiting
    ) -> None:
        self._client = client
        self._job = job
        self._statement = job.statement()
        self._writes = write_units
        self._reads = read_units
        self._waiting = waiting
        self._units_per_item: float | None = None
        self._progress = 0.0

    def settle(self, work: Sequence[Key]) -> list[Outcome]:
        """Update each of these distinct items, and say what became of it.

        Throttled items alone are sent again, with full jitter, until none of them gets through for as long as `Waiting`
        is patient; the others do not wait for them. A failed condition means that the item has the attribute or is
        gone: the item in the error says which, else a strongly consistent read. Raises `Systemic` as soon as DynamoDB
        refuses for a reason that concerns the whole table.
        """
        self._progress = self._waiting.clock()
        probed = {} if self._units_per_item else self._probe(work[: self._per_request()])
        outcomes = self._settle([key for key in work if key not in probed], probed)
        return [outcomes[key] for key in work]

    def _probe(self, keys: Sequence[Key]) -> dict[Key, Answer]:
        """What a single request answers, which tells what an item costs; what it refuses is left to the rounds."""
        try:
            answers = self._send(keys) if keys else {}
        except (BotoCoreError, ClientError, ResponseParserError):
            return {}
        return {key: answer for key, answer in answers.items() if not isinstance(answer, Refusal)}

    def _settle(self, waiting: Sequence[Key], answers: dict[Key, Answer]) -> dict[Key, Outcome]:
        outcomes: dict[Key, Outcome] = {}
        for _ in range(1 + _RESENT):
            budget = self._waiting.patience_since(lambda: self._progress)
            answers |= settle(waiting, self._send, per_request=self._per_request(), budget=budget)
            outcomes |= {key: _decided(answer) for key, answer in answers.items() if answer is not None}
            standing = self._standing([key for key, answer in answers.items() if answer is None])
            outcomes |= {key: outcome for key, outcome in standing.items() if outcome is not None}
            waiting, answers = [key for key, outcome in standing.items() if outcome is None], {}
            if not waiting:
                break
        return outcomes | dict.fromkeys(waiting, Outcome.FAILED)

    def _per_request(self) -> int:
        """As many items as a second's units pay for: a larger loan would not hold a small budget over a minute."""
        dearest = self._units_per_item or _UNITS_AT_WORST
        return max(1, min(STATEMENTS_PER_REQUEST, int(self._writes.rate / dearest)))

    def _send(self, keys: Sequence[Key]) -> dict[Key, Answer]:
        per_item = self._units_per_item or 1.0
        taken = len(keys) * per_item
        self._writes.take(taken)
        statements = [
            {
                "Statement": self._statement,
                "Parameters": self._job.parameters(key),
                "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            }
            for key in keys
        ]
        try:
            with systemic():
                answer: Any = self._client.batch_execute_statement(
                    Statements=statements,  # type: ignore[arg-type]  # built above
                    ReturnConsumedCapacity="TOTAL",
                )
        except ClientError as error:
            if Refusal(error.response["Error"]["Code"]).transient:
                self._writes.throttled()
            raise
        answers = {key: _answer(response) for key, response in zip(keys, answer["Responses"], strict=True)}
        self._account(taken, per_item, answers, answer)
        return answers

    def _account(self, taken: float, per_item: float, answers: Mapping[Key, Answer], answer: Mapping[str, Any]) -> None:
        """Correct what was taken by what it cost; failed conditions are charged, too, and not reported."""
        updated = sum(each is Outcome.UPDATED for each in answers.values())
        refused = sum(isinstance(each, Refusal) for each in answers.values())
        written = sum(each["CapacityUnits"] for each in answer.get("ConsumedCapacity", ())) or updated
        failed = sum(_failed_units(response) for response in answer["Responses"])
        self._writes.spent(written + failed, taken=taken, refused=refused * per_item)
        if updated:
            self._units_per_item = written / updated
        if refused < len(answers):
            self._progress = self._waiting.clock()
        self._slow_down(answers)

    def _slow_down(self, answers: Mapping[Key, Answer]) -> None:
        throttled = [key for key, each in answers.items() if isinstance(each, Refusal) and each.transient]
        partitions = {partition for partition, *_ in throttled}
        # One partition key that is refused beside others that are served says nothing about the table.
        if partitions and (len(partitions) > 1 or all(key[0] in partitions for key in answers)):
            self._writes.throttled(len(throttled) / len(answers))

    def _standing(self, keys: Sequence[Key]) -> dict[Key, Outcome | None]:
        """What a strongly consistent read says of items whose condition failed; None: it needs the change."""
        table, attribute = self._job.table, self._job.attribute
        if not keys:
            return {}
        self._reads.take(len(keys))
        self._reads.spent(len(keys), taken=len(keys))
        found: dict[Key, Outcome | None] = dict.fromkeys(keys, Outcome.DELETED)
        try:
            with systemic():
                for item in batch_get(
                    self._client,
                    table.name,
                    [table.attributes(key) for key in keys],
                    attributes=(*table.key_names, attribute),
                    budget=self._waiting.patience(),
                ):
                    found[table.key(item)] = Outcome.ALREADY if self._job.done(item) else None
        except Unread:
            return dict.fromkeys(keys, Outcome.FAILED)
        return found


def _answer(response: Mapping[str, Any]) -> Answer:
    error = response.get("Error")
    if error is None:
        return Outcome.UPDATED
    raise_systemic(error["Code"])
    if error["Code"] in _CONDITION:
        return Outcome.ALREADY if error.get("Item") else None
    return Refusal(error["Code"])


def _failed_units(response: Mapping[str, Any]) -> int:
    """What a failed condition costs: a write of the item that stands there, and at least one unit."""
    error = response.get("Error")
    if error is None or error["Code"] not in _CONDITION:
        return 0
    return max(1, ceil(item_size(error.get("Item") or {}) / WRITE_UNIT_BYTES))


def _decided(answer: Outcome | Refusal) -> Outcome:
    return Outcome.FAILED if isinstance(answer, Refusal) else answer
