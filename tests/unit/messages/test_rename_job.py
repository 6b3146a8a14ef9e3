from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from switchboard.backfill.engine import Checkpoint, Meter, settled_pages
from switchboard.backfill.errors import InvalidInput
from switchboard.backfill.kinds import Names
from switchboard.backfill.units import Units
from switchboard.messages import rename_job
from switchboard.schema import messages as schema
from tests.fakes import messages_table as fakes
from tests.fakes.backfill_table import Clock
from tests.fakes.conversations import new_group, person
from tests.fakes.messages_table import TABLE
from tests.fakes.mishaps import Killed, kill_at, live
from tests.fakes.page_sizes import PagesOf
from tests.unit.backfill.runs_of import waiting

OTHERS = 130


class Cloud(fakes.MessagesTable):
    """The messages table with its description."""

    def describe_table(self, *, TableName: str) -> Any:  # noqa: N803 - the API's own name
        assert TableName == TABLE
        return {"Table": {"BillingModeSummary": {"BillingMode": "PAY_PER_REQUEST"}}}

    def describe_continuous_backups(self, *, TableName: str) -> Any:  # noqa: N803
        assert TableName == TABLE
        on = {"PointInTimeRecoveryStatus": "ENABLED"}
        return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": on}}


class Job:
    """The job for Ann, who has a newer name than any conversation shows."""

    def __init__(self, *, others: int = OTHERS, write_units: float = 1e9) -> None:
        self.table = Cloud()
        self.clock = Clock()
        self.writes, self.reads = (Units(rate, clock=self.clock, sleep=self.clock.sleep) for rate in (write_units, 1e9))
        names = Names(runs_table="runs", reports_bucket="reports", messages_table=TABLE)
        self.tools: Any = SimpleNamespace(dynamodb=self.table, names=names, waiting=waiting(self.clock))
        for someone in ("ann", *(f"p{number}" for number in range(others))):
            self.table.put(*person(someone))
        for number in range(others):
            self.table.put(*new_group(f"ann-p{number}", "ann", f"p{number}"))
        profile = self.table.items[schema.user_key("ann"), schema.PROFILE]
        profile[schema.DISPLAY_NAME], profile[schema.PROFILE_VERSION] = {"S": "Annie"}, {"N": "2"}

    def run(self) -> Checkpoint:
        work = self.work()
        meter = Meter(Checkpoint(), writes=self.writes, reads=self.reads, clock=self.clock)
        *_, at = settled_pages(work.pages, work.settles, Checkpoint(), meter=meter)
        return at

    def missing(self) -> int:
        return sum(len(page.work) for page in self.work().pages.missing(None))

    def work(self) -> Any:
        part: Any = SimpleNamespace(writes=self.writes, reads=self.reads, waiting=waiting(self.clock), size=PagesOf(50))
        planned = rename_job.plan({schema.USER_UUID: "ann"}, self.tools)
        return rename_job.work(planned.stored, part, self.tools)

    def shown(self) -> set[str]:
        rows = self.table.items.values()
        return {row[schema.OTHER_DISPLAY_NAME]["S"] for row in rows if row.get(schema.OTHER_USER_UUID) == {"S": "ann"}}


def test_every_conversation_shows_the_name_and_a_second_run_writes_nothing() -> None:
    job = Job()
    assert job.missing() == OTHERS
    at = job.run()
    assert (at.counters.updated, at.counters.add_up, at.passes) == (OTHERS, True, 1)
    assert (job.shown(), job.missing()) == ({"Annie"}, 0)
    assert at.write_units == 2 * OTHERS
    assert at.read_units == 2 * OTHERS, "one count and one run"
    units = job.table.write_units
    assert job.run().counters.already == OTHERS
    assert job.table.write_units == units


def test_killed_anywhere_the_next_run_completes() -> None:
    undisturbed = Job(others=3)
    undisturbed.run()
    for call in range(undisturbed.table.calls.total()):
        job = Job(others=3)
        kill_at(job.table, call)
        with pytest.raises(Killed):
            job.run()
        live(job.table)
        job.run()
        assert job.table.items == undisturbed.table.items, f"killed at call {call}"


def test_the_budget_holds() -> None:
    job = Job(others=60, write_units=10.0)
    job.run()
    assert job.clock.now >= (2 * 60 - 2 * 10) / 10


def test_somebody_without_a_profile_is_refused() -> None:
    with pytest.raises(InvalidInput, match="user_uuid"):
        rename_job.plan({schema.USER_UUID: "nobody"}, Job(others=0).tools)
