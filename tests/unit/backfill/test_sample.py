from __future__ import annotations

from typing import Any

import pytest

from switchboard.backfill.errors import Refused, Systemic
from switchboard.backfill.job import Table
from switchboard.backfill.sample import SAMPLE_PREFIX, sample, write_samples
from tests.fakes.backfill_table import Clock
from tests.fakes.messages_table import client_error
from tests.unit.backfill.runs_of import waiting

IDS = Table("things", ("id",))


class Busy:
    """A table that leaves the last item of a request unwritten while it has any patience to lose."""

    def __init__(self, *, busy: float) -> None:
        self.items: dict[str, Any] = {}
        self.requests = 0
        self._busy = busy

    def batch_write_item(self, *, RequestItems: Any) -> Any:  # noqa: N803 - the API's own name
        self.requests += 1
        puts = RequestItems["things"]
        assert 1 <= len(puts) <= 25
        taken = puts[:-1] if self.requests <= self._busy else puts
        self.items |= {put["PutRequest"]["Item"]["id"]["S"]: put["PutRequest"]["Item"] for put in taken}
        left = puts[len(taken) :]
        return {"UnprocessedItems": {"things": left} if left else {}}


def write(table: Any, items: int = 60) -> tuple[dict[str, int], list[int]]:
    told: list[int] = []
    answer = write_samples(table, IDS, "test", items=items, share=0.5, waiting=waiting(Clock()), written=told.append)
    return answer, told


def test_every_sample_is_written_however_busy_the_table() -> None:
    table = Busy(busy=6)
    answer, told = write(table)
    samples = [sample(IDS, "test", number, 0.5) for number in range(60)]
    assert sorted(table.items.values(), key=lambda item: str(item["id"])) == samples
    assert all(name.startswith(SAMPLE_PREFIX) for name in table.items)
    missing = sum("test" not in item for item in samples)
    assert answer == {"items": 60, "other_value": 60 - missing, "missing": missing}
    assert 0 < missing < 60
    assert told == [60]
    assert table.requests > 6


def test_a_table_that_stays_busy_ends_it() -> None:
    with pytest.raises(Systemic):
        write(Busy(busy=float("inf")))


@pytest.mark.parametrize(("code", "ends"), [("ValidationException", Refused), ("AccessDeniedException", Systemic)])
def test_a_table_that_cannot_hold_samples_ends_it(code: str, ends: type[Exception]) -> None:
    class Refusing:
        def batch_write_item(self, **_: Any) -> Any:
            raise client_error(code, ResponseMetadata={"HTTPStatusCode": 400})

    with pytest.raises(ends):
        write(Refusing())
