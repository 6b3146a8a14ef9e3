"""The CDR table as an import sees it: the writer's two actions, inside the run's budget."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from switchboard.backfill.amplification import WRITE_UNIT_BYTES
from switchboard.backfill.errors import Systemic, raise_systemic, systemic
from switchboard.cdr.record import Record
from switchboard.cdr.store import KEY_TAKEN, CdrStore, inserted_item
from switchboard.dynamo.batch_get import KEYS_PER_REQUEST
from switchboard.dynamo.rounds import Refusal, settle
from switchboard.dynamo.values import from_item, item_size
from switchboard.schema import cdr

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.units import Units
    from switchboard.backfill.waiting import Waiting
    from switchboard.cdr.record import Item
    from switchboard.cdr.store import Key
    from switchboard.dynamo.budget import Budget

TABLE_AND_INDEXES: Final = 3.0
"""Write units of a small record, before the first answer tells: the table and its two indexes."""


class Metered:
    """A DynamoDB client of two actions that waits for units before each request, and stops where nothing can help."""

    def __init__(
        self, client: DynamoDBClient, *, write_units: Units, read_units: Units, clock: Callable[[], float]
    ) -> None:
        self._client = client
        self._writes = write_units
        self._reads = read_units
        self._units_per_item = TABLE_AND_INDEXES
        self._clock = clock
        self.progress = clock()

    def batch_execute_statement(self, *, Statements: Sequence[Any]) -> Any:  # noqa: N803 - the API's own name
        """`BatchExecuteStatement` of inserts. Raises `Systemic` for a member or a request, and what the client raises.

        A member refused because its key is taken is charged a write of its item to the table, as DynamoDB charges a
        failed condition by the size of the item and does not report it.
        """
        taken = len(Statements) * self._units_per_item
        self._writes.take(taken)
        try:
            with systemic():
                answer: Any = self._client.batch_execute_statement(
                    Statements=Statements, ReturnConsumedCapacity="TOTAL"
                )
        except ClientError as error:
            self._slower(self._writes, error)
            raise
        codes = [response.get("Error", {}).get("Code") for response in answer["Responses"]]
        for code in filter(None, codes):
            raise_systemic(code)
        refused = sum(code is not None and Refusal(code).transient for code in codes)
        created = codes.count(None)
        written = sum(each["CapacityUnits"] for each in answer.get("ConsumedCapacity", ()))
        written = written or created * self._units_per_item
        failed = sum(
            ceil(item_size(inserted_item(statement)) / WRITE_UNIT_BYTES)
            for statement, code in zip(Statements, codes, strict=True)
            if code in KEY_TAKEN
        )
        self._writes.spent(written + failed, taken=taken, refused=refused * self._units_per_item)
        if created:
            self._units_per_item = written / created
        if refused:
            self._writes.throttled()
        if refused < len(codes):
            self.progress = self._clock()
        return answer

    def batch_get_item(self, *, RequestItems: Mapping[str, Any]) -> Any:  # noqa: N803 - the API's own name
        """`BatchGetItem`. Raises `Systemic`, and what the client raises."""
        taken = sum(len(asked["Keys"]) for asked in RequestItems.values())
        self._reads.take(taken)
        try:
            with systemic():
                answer: Any = self._client.batch_get_item(RequestItems=RequestItems, ReturnConsumedCapacity="TOTAL")
        except ClientError as error:
            self._slower(self._reads, error)
            raise
        if answer.get("UnprocessedKeys"):
            self._reads.throttled()
        if any(answer["Responses"].values()):
            self.progress = self._clock()
        read = sum(each["CapacityUnits"] for each in answer.get("ConsumedCapacity", ()))
        self._reads.spent(read or taken, taken=taken)
        return answer

    def _slower(self, units: Units, error: ClientError) -> None:
        if Refusal(error.response["Error"]["Code"]).transient:
            units.throttled()


class Target:
    """Inserts into the CDR table, and strongly consistent reads of whole items by key."""

    def __init__(
        self, client: DynamoDBClient, table: str, *, write_units: Units, read_units: Units, waiting: Waiting
    ) -> None:
        self._client = Metered(client, write_units=write_units, read_units=read_units, clock=waiting.clock)
        self._table = table
        self._waiting = waiting
        self.store = CdrStore(self._client, table)  # type: ignore[arg-type]  # has the two calls that a store makes

    def budget(self) -> Budget:
        """The time of a page's requests: it ends where nothing gets through for as long as anything is tried."""
        self._client.progress = self._waiting.clock()
        return self._waiting.patience_since(lambda: self._client.progress)

    def insert(self, items: Mapping[Key, Item]) -> dict[Key, bool | Refusal]:
        """Create each item: True where it was created, False where its key is taken. Raises `Systemic`."""
        return self.store.insert(items, self.budget())

    def read(self, keys: Sequence[Key]) -> dict[Key, Item | None]:
        """The whole items under these distinct keys, None where nothing stands.

        Raises `Systemic` where one cannot be read for longer than anything is tried.
        """

        def send(wanted: Sequence[Key]) -> Mapping[Key, Item | Refusal | None]:
            asked = {
                "Keys": [{cdr.PK: {"S": pk}, cdr.SK: {"S": sk}} for pk, sk in wanted],
                "ConsistentRead": True,
            }
            answer = self._client.batch_get_item(RequestItems={self._table: asked})
            found: dict[Key, Item | Refusal | None] = dict.fromkeys(wanted)
            found |= {_key(item): item for item in answer["Responses"].get(self._table, ())}
            unread = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", ())
            return found | {_key(key): Refusal("ProvisionedThroughputExceeded") for key in unread}

        answers = settle(keys, send, per_request=KEYS_PER_REQUEST, budget=self.budget())
        found: dict[Key, Item | None] = {}
        for key, answer in answers.items():
            if isinstance(answer, Refusal):
                raise Systemic(answer.code)
            found[key] = answer
        return found


def record_of(item: Item) -> Record:
    """The record that a stored item holds, its keys and its hash computed anew from its fields.

    Raises `KeyError` for an item that is no record.
    """
    fields = from_item({name: value for name, value in item.items() if name in _FIELDS})
    return Record.of(fields, item[cdr.OCCURRED_AT]["S"])


_FIELDS: Final = frozenset(
    {cdr.TYPE, cdr.SOURCE, cdr.ID, cdr.SPONSOR_ID, cdr.SPONSORSHIP_ID, cdr.SUBSCRIBER_ID, cdr.DATA}
)


def _key(item: Mapping[str, Mapping[str, str]]) -> Key:
    return item[cdr.PK]["S"], item[cdr.SK]["S"]
