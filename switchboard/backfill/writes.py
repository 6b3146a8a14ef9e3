"""The updates of one page, in batches of PartiQL statements, and what became of each item."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import ClientError

from switchboard.backfill.engine import Outcome
from switchboard.backfill.errors import raise_systemic, systemic
from switchboard.concurrency import in_flight
from switchboard.dynamo.batch_get import Unread, batch_get
from switchboard.dynamo.rounds import Refusal, settle

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.job import Key, Table
    from switchboard.backfill.units import Units
    from switchboard.backfill.waiting import Waiting
    from switchboard.dynamo.values import AttributeValue

STATEMENTS_PER_REQUEST: Final = 25
"""What `BatchExecuteStatement` takes at most (docs: its API reference)."""

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

    It `Settles` keys.
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
        self._units_per_item = 1.0

    def settle(self, work: Sequence[Key]) -> list[Outcome]:
        """Update each of these distinct items, and say what became of it.

        Throttled items alone are sent again, with full jitter, for as long as a batch may take. A failed condition
        means that the item has the attribute or is gone: the item in the error says which, else a strongly consistent
        read. Raises `Systemic` as soon as DynamoDB refuses for a reason that concerns the whole table.
        """
        batches = [
            work[start : start + STATEMENTS_PER_REQUEST] for start in range(0, len(work), STATEMENTS_PER_REQUEST)
        ]
        outcomes: dict[Key, Outcome] = {}
        for settled in in_flight(self._settle, batches):
            outcomes |= settled
        return [outcomes[key] for key in work]

    def _settle(self, batch: Sequence[Key]) -> dict[Key, Outcome]:
        outcomes: dict[Key, Outcome] = {}
        waiting = batch
        for _ in range(1 + _RESENT):
            answers = settle(waiting, self._send, per_request=STATEMENTS_PER_REQUEST, budget=self._waiting.patience())
            outcomes |= {key: _decided(answer) for key, answer in answers.items() if answer is not None}
            standing = self._standing([key for key, answer in answers.items() if answer is None])
            outcomes |= {key: outcome for key, outcome in standing.items() if outcome is not None}
            waiting = [key for key, outcome in standing.items() if outcome is None]
            if not waiting:
                break
        return outcomes | dict.fromkeys(waiting, Outcome.FAILED)

    def _send(self, keys: Sequence[Key]) -> Mapping[Key, Outcome | Refusal | None]:
        taken = len(keys) * self._units_per_item
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
        self._account(taken, list(answers.values()), answer.get("ConsumedCapacity", ()))
        return answers

    def _account(
        self, taken: float, answers: Sequence[Outcome | Refusal | None], consumed: Sequence[Mapping[str, Any]]
    ) -> None:
        """Correct what was taken by what it cost; failed conditions are charged, too, and not reported."""
        updated = answers.count(Outcome.UPDATED)
        refused = sum(isinstance(answer, Refusal) for answer in answers)
        written = sum(each["CapacityUnits"] for each in consumed) or updated
        self._writes.spent(
            written + len(answers) - updated - refused, taken=taken, refused=refused * self._units_per_item
        )
        if updated:
            self._units_per_item = written / updated
        if any(isinstance(answer, Refusal) and answer.transient for answer in answers):
            self._writes.throttled()

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


def _answer(response: Mapping[str, Any]) -> Outcome | Refusal | None:
    error = response.get("Error")
    if error is None:
        return Outcome.UPDATED
    raise_systemic(error["Code"])
    if error["Code"] in _CONDITION:
        return Outcome.ALREADY if error.get("Item") else None
    return Refusal(error["Code"])


def _decided(answer: Outcome | Refusal) -> Outcome:
    return Outcome.FAILED if isinstance(answer, Refusal) else answer
