"""How a provisioned table throttles: token buckets of the table and of each of its partitions, with burst credits.

Sources: DynamoDB developer guide, "Burst and adaptive capacity" (unused capacity of up to five minutes is kept),
"Partitions and data distribution" (an item's partition follows from a hash of its partition key), "Troubleshooting
throttling"; API reference, `BatchStatementError`. Adaptive capacity, which moves hot items, is left out: it only helps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zlib import crc32

if TYPE_CHECKING:
    from collections.abc import Callable

BURST_SECONDS = 300.0
WHOLE = "ProvisionedThroughputExceededException"
"""What a request gets of which nothing is carried out."""
MEMBER = "ThrottlingError"
"""What a member of a batch gets whose neighbours are carried out."""


class Bucket:
    """Serves while anything is left, as DynamoDB does: one large request may leave a debt that is earned first."""

    def __init__(self, rate: float, *, burst_seconds: float, clock: Callable[[], float]) -> None:
        self._rate = rate
        self._burst = burst_seconds
        self._clock = clock
        self._left = rate
        self._earned_at = clock()

    @property
    def serves(self) -> bool:
        """Whether a request is served now."""
        now = self._clock()
        self._left = min(self._rate * max(1.0, self._burst), self._left + (now - self._earned_at) * self._rate)
        self._earned_at = now
        return self._left > 0

    def spend(self, units: float) -> None:
        """Take what a served request costs."""
        self._left -= units

    def change(self, rate: float) -> None:
        """Serve at another rate from now on, with nothing kept."""
        self._rate, self._left, self._earned_at = rate, 0.0, self._clock()


class Throttle:
    """The buckets of one table; every write unit is one of the table and one of the partition."""

    def __init__(
        self,
        *,
        clock: Callable[[], float],
        write_units: float,
        read_units: float = 1e9,
        partition_units: float = 1_000.0,
        partitions: int = 10,
        burst_seconds: float = BURST_SECONDS,
    ) -> None:
        def bucket(rate: float) -> Bucket:
            return Bucket(rate, burst_seconds=burst_seconds, clock=clock)

        self.partitions = [bucket(partition_units) for _ in range(partitions)]
        self.writes = bucket(write_units)
        self.reads = bucket(read_units)
        self.refused = 0

    def partition(self, key: str) -> Bucket:
        """The partition of a partition key's value."""
        return self.partitions[crc32(key.encode()) % len(self.partitions)]

    def write(self, key: str, units: float) -> bool:
        """Whether a write of so many units is carried out."""
        partition = self.partition(key)
        if self.writes.serves and partition.serves:
            self.writes.spend(units)
            partition.spend(units)
            return True
        self.refused += 1
        return False


class ThrottledTable:
    """A DynamoDB client whose scans and PartiQL batches pass a `throttle`; everything else goes straight through.

    `partition_key` tells the value of a statement's partition key from its parameters, `cost` its write units.
    `refuse` makes the error of a request that is refused whole.
    """

    def __init__(
        self,
        client: Any,
        throttle: Throttle,
        *,
        refuse: Callable[[str], Exception],
        partition_key: Callable[[Any], str] = lambda parameters: str(parameters[1]["S"]),
        cost: Callable[[Any], float] = lambda _parameters: 1.0,
    ) -> None:
        self._client = client
        self._throttle = throttle
        self._refuse = refuse
        self._partition_key = partition_key
        self._cost = cost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def scan(self, **request: Any) -> Any:
        """Refused whole where the read units are used up."""
        if not self._throttle.reads.serves:
            self._throttle.refused += 1
            raise self._refuse(WHOLE)
        answer = self._client.scan(**request)
        self._throttle.reads.spend(answer["ConsumedCapacity"]["CapacityUnits"])
        return answer

    def batch_execute_statement(self, **request: Any) -> Any:
        """Members are refused one by one; a request of which nothing is served is refused whole."""
        statements = request["Statements"]
        served = [self._write(statement["Parameters"]) for statement in statements]
        if not any(served):
            raise self._refuse(WHOLE)
        passed = [statement for statement, admitted in zip(statements, served, strict=True) if admitted]
        answer = self._client.batch_execute_statement(**{**request, "Statements": passed})
        answers = iter(answer["Responses"])
        throttled = {"Error": {"Code": MEMBER, "Message": "The request was throttled"}}
        return {**answer, "Responses": [next(answers) if admitted else throttled for admitted in served]}

    def _write(self, parameters: Any) -> bool:
        return self._throttle.write(self._partition_key(parameters), self._cost(parameters))
