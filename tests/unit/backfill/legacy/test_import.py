from __future__ import annotations

from collections import Counter
from datetime import timedelta
from math import ceil
from typing import Any

import pytest

from switchboard.backfill.errors import Systemic
from switchboard.backfill.legacy.items import LegacyItem
from switchboard.backfill.legacy.keeping import kept_item
from switchboard.backfill.legacy.target import Target
from switchboard.backfill.units import Units
from switchboard.dynamo.values import item_size
from switchboard.schema import cdr, legacy
from tests.fakes.backfill_table import Clock
from tests.fakes.legacy_tables import CDR, LegacyTables
from tests.unit.backfill.legacy.imports import BEFORE, NOW, Import, consumed, kept_of, old, records_of
from tests.unit.backfill.runs_of import waiting

SECOND = 1_700_000_000


def test_each_outcome_is_counted_under_its_own_name() -> None:
    created = {"type": cdr.CREATE, "sponsorship_id": "sp-9"}
    first = {"type": cdr.FIRST_RETRIEVE, "sponsorship_id": "sp-9"}
    tables = LegacyTables(
        [
            consumed(SECOND),
            consumed(SECOND, type="unheard of", sponsor_id="s-2"),
            old(SECOND, "s-3"),
            old(SECOND, "s-4", **created),
            old(SECOND + 1, "s-4", **created),
            old(SECOND, "s-5", **first),
            old(SECOND + 1, "s-5", **first),
            consumed(int(BEFORE.timestamp())),
        ]
    )
    tables.order = lambda key: key
    importing = Import(tables)

    tally = importing.run()

    assert tally.statuses == Counter(stored=3, rejected=1, unmapped=1, conflict=1, not_first=1, left_alone=1)
    assert importing.checkpoint.counters.updated == 7
    assert importing.checkpoint.counters.already == 1
    again = importing.run()
    assert again.statuses == Counter(duplicate=3, rejected=1, unmapped=1, conflict=1, not_first=1, left_alone=1)


def test_an_item_that_changes_after_it_was_imported_is_kept_beside_what_stands() -> None:
    tables = LegacyTables([consumed(SECOND), old(SECOND + 1)])
    importing = Import(tables)
    importing.run()
    for item in tables.old.values():
        item["note"] = {"S": "changed"}
    importing.run()
    importing.run()

    record, whole = tables.old.values()
    assert len(records_of(tables, record)) == len(kept_of(tables, record)) == 1
    assert [kept_item(each).attributes.get("note") for each in kept_of(tables, whole)] == [None, {"S": "changed"}]
    assert not importing.verify()[0]


def test_what_is_older_than_the_stage_keeps_is_kept_as_it_is_and_expires_like_everything_else() -> None:
    young = consumed(int((NOW - timedelta(days=29)).timestamp()))
    aged = consumed(int((NOW - timedelta(days=31)).timestamp()))
    tables = LegacyTables([young, aged])
    importing = Import(tables, retention_days=30)

    assert importing.run().statuses == Counter({cdr.STORED: 1, legacy.TOO_OLD: 1, legacy.LEFT_ALONE: 0})

    (kept,) = kept_of(tables, aged)
    (record,) = records_of(tables, young)
    assert kept[cdr.EXPIRES_AT] == record[cdr.EXPIRES_AT]
    importing.now += timedelta(days=5)
    assert importing.run().statuses == Counter({cdr.DUPLICATE: 1, legacy.TOO_OLD: 1, legacy.LEFT_ALONE: 0})
    assert len(tables.cdr) == 2
    assert not importing.verify()[0]


def test_the_old_table_is_read_no_faster_than_its_budget_and_pages_end_in_time() -> None:
    tables = LegacyTables([consumed(SECOND + number) for number in range(100)])
    importing = Import(tables, read_units=0.5)

    importing.run()

    units = sum(min(request["Limit"], 100) for request in tables.scans) * 0.5
    assert importing.clock.now >= 0.9 * (units - 10) / 0.5
    assert max(request["Limit"] for request in tables.scans) <= 20
    assert not any(request["ConsistentRead"] for request in tables.scans)
    tables.scans.clear()
    importing.verify()
    assert all(request["ConsistentRead"] for request in tables.scans)


def test_a_page_that_is_dear_to_write_is_cut() -> None:
    tables = LegacyTables([consumed(SECOND + number, note="x" * 20_000) for number in range(10)])
    pages: list[Any] = []
    importing = Import(tables, write_units=10.0)
    work, _ = importing._work(importing.run(), 0, 1)
    for page in work.pages.pages(None, consistent=False):
        pages.append(page)
    assert [len(page.work) for page in pages] == [3, 3, 3, 1]
    rest = list(work.pages.pages(pages[0].cursor, consistent=False))
    assert [item.timestamp for page in rest for item in page.work] == [
        item.timestamp for page in pages[1:] for item in page.work
    ]


@pytest.mark.parametrize("code", ["AccessDenied", "ResourceNotFound"])
def test_what_concerns_the_whole_table_ends_it(code: str) -> None:
    tables = LegacyTables([consumed(SECOND)])
    tables.refuse = lambda _key: code
    with pytest.raises(Systemic):
        Import(tables).run()


def test_an_item_that_dynamodb_refuses_for_good_fails_and_nothing_else_does() -> None:
    bad, good = consumed(SECOND), consumed(SECOND + 1)
    tables = LegacyTables([bad, good])
    tables.refuse = lambda key: "ValidationError" if LegacyItem.of(bad).id in key[1] else None
    importing = Import(tables)

    assert importing.run().statuses == Counter({cdr.STORED: 1, cdr.FAILED: 1, legacy.LEFT_ALONE: 0})

    assert importing.checkpoint.counters.failed == 1
    assert [item.id for item in importing.verify()[0]] == [LegacyItem.of(bad).id]


def test_an_insert_that_finds_its_key_taken_is_charged_by_the_size_of_its_item() -> None:
    tables = LegacyTables([consumed(1_700_000_000 + number, note="x" * 5_000 * number) for number in range(5)])
    Import(tables).run()
    clock = Clock()
    writes, reads = (Units(1e9, clock=clock, sleep=clock.sleep) for _ in range(2))
    client: Any = tables
    target = Target(client, CDR, write_units=writes, read_units=reads, waiting=waiting(clock))
    again = target.insert(dict(tables.cdr))
    assert set(again.values()) == {False}
    assert writes.used == sum(ceil(item_size(item) / 1_024) for item in tables.cdr.values()) > 40
