"""Any old items, any order, any crash: each ends once, as a record or whole, and the checksum says so."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from switchboard.backfill.legacy.items import LegacyItem
from switchboard.backfill.legacy.keeping import kept_item
from switchboard.backfill.legacy.tally import Tally
from switchboard.schema import cdr, legacy
from tests.fakes.legacy_tables import Item, LegacyTables, old_key
from tests.fakes.mishaps import Killed, kill_after, kill_at, live
from tests.unit.backfill.legacy.imports import Import, consumed, kept_of, old, records_of

TEXTS = st.sampled_from(["", "a", "sp-1", "consume", "é", "p#7", "x" * 200])
NUMBERS = st.sampled_from(["0", "1", "-1.5", "12345678901234567890123456789012345678", "1E+20", "0.10"])
LEAVES = st.one_of(
    TEXTS.map(lambda text: {"S": text}),
    NUMBERS.map(lambda text: {"N": text}),
    st.booleans().map(lambda value: {"BOOL": value}),
    st.just({"NULL": True}),
    st.binary(max_size=8).map(lambda value: {"B": value}),
    st.sets(st.sampled_from(["a", "b", "c"]), min_size=1).map(lambda texts: {"SS": list(texts)}),
    st.sets(st.sampled_from(["1", "2.5", "10"]), min_size=1).map(lambda texts: {"NS": list(texts)}),
    st.sets(st.binary(max_size=4), min_size=1, max_size=3).map(lambda values: {"BS": list(values)}),
)
VALUES = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.lists(parts, max_size=3).map(lambda each: {"L": each}),
        st.dictionaries(st.sampled_from(["k", "type", "a/b"]), parts, max_size=2).map(lambda each: {"M": each}),
    ),
    max_leaves=5,
)


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "leaf"}
    for _ in range(levels - 1):
        value = {"L": [value]}
    return value


SECONDS = st.integers(1_600_000_000, 1_600_000_005)
TIMESTAMPS = st.one_of(
    st.builds(lambda second, unit: str(second * unit), SECONDS, st.sampled_from([1, 10**3, 10**6, 10**9])),
    st.sampled_from(["0", "-1", "1600000000.25", "1600000000000.0005", "99999999", "1E+30", "4000000000"]),
)
ITEMS = st.fixed_dictionaries(
    {
        "timestamp": TIMESTAMPS.map(lambda text: {"N": text}),
        "sponsor_id": st.sampled_from(["s-1", "s-2", "not an id"]).map(lambda text: {"S": text}),
    },
    optional={
        "type": st.sampled_from([*cdr.RECORD_TYPES, "unheard of"]).map(lambda text: {"S": text}) | VALUES,
        "sponsorship_id": st.sampled_from(["sp-1", "sp-2"]).map(lambda text: {"S": text}) | VALUES,
        "subscriber_id": st.sampled_from(["p-1", "-"]).map(lambda text: {"S": text}) | VALUES,
        "pk": VALUES,
        "expires_at": VALUES,
        "extra": VALUES | st.sampled_from([31, 32]).map(nested),
    },
)
TABLES = st.lists(ITEMS, max_size=14, unique_by=lambda item: (LegacyItem.of(item).timestamp, item["sponsor_id"]["S"]))


def once(tables: LegacyTables) -> None:
    """Every old item stands once: as a record, or whole."""
    due = 0
    for item in tables.old.values():
        if old_key(item)[0] == "4000000000":
            assert not records_of(tables, item)
            assert not kept_of(tables, item)
            continue
        due += 1
        kept = kept_of(tables, item)
        assert len(records_of(tables, item)) + len(kept) == 1
        for stored in kept:
            assert kept_item(stored).canonical == LegacyItem.of(item).canonical
            assert stored[legacy.REASON]["S"] in legacy.REASONS
            assert not stored.keys() & {cdr.SPONSOR_SHARD, cdr.DAY_SHARD, cdr.OCCURRED_AT}
    assert len(tables.cdr) == due


def checksum(importing: Import, *, of: int = 1) -> tuple[int, str]:
    missing, tally = importing.verify(of=of)
    assert not missing
    assert tally.agrees
    return tally.source.items, tally.target.checksum_text


@given(TABLES, st.integers(1, 5))
def test_every_item_ends_once_and_a_second_run_changes_nothing(items: list[Item], size: int) -> None:
    tables = LegacyTables(items)
    importing = Import(tables, size=size)

    first = importing.run()
    once(tables)
    after, told = dict(tables.cdr), checksum(importing)

    second = importing.run()
    assert tables.cdr == after
    assert checksum(importing) == told
    assert first.statuses.total() == second.statuses.total() == len(items)
    assert not second.statuses[cdr.STORED] + second.statuses[cdr.EARLIER]
    assert importing.checkpoint.counters.add_up
    assert importing.checkpoint.counters.scanned == 2 * len(items)
    assert importing.checkpoint.counters.updated == len(after)


@given(TABLES, st.randoms(use_true_random=False), st.integers(1, 4))
def test_neither_order_nor_segments_matter(items: list[Item], random: Any, of: int) -> None:
    tables, shuffled = LegacyTables(items), LegacyTables(items)
    places = list(shuffled.old)
    random.shuffle(places)
    ranks = {key: place for place, key in enumerate(places)}
    shuffled.order = ranks.__getitem__
    straight, other = Import(tables), Import(shuffled, size=3)
    straight.run()
    other.run(of=of)
    once(shuffled)
    assert checksum(straight) == checksum(other, of=of)


@settings(max_examples=25)
@given(TABLES.filter(bool), st.sampled_from([kill_at, kill_after]), st.data())
def test_killed_between_any_two_calls_the_next_run_ends_the_same(items: list[Item], kill: Any, data: Any) -> None:
    whole = Import(LegacyTables(items), size=4)
    whole.run()
    told = checksum(whole)
    undisturbed = LegacyTables(items)
    Import(undisturbed, size=4).run()
    call = data.draw(st.integers(0, undisturbed.calls.total() - 1))

    tables = LegacyTables(items)
    importing = Import(tables, size=4)
    kill(tables, call)
    with pytest.raises(Killed):
        importing.run()
    live(tables)  # type: ignore[arg-type]  # has the two hooks
    importing.run()

    once(tables)
    assert checksum(importing) == told


@given(TABLES, st.sampled_from(["ThrottlingError", "InternalServerError", "ProvisionedThroughputExceeded"]))
def test_refused_members_are_tried_until_they_are_in(items: list[Item], code: str) -> None:
    tables = LegacyTables(items)
    turns = itertools.cycle([code, None])
    tables.refuse = lambda _key: next(turns)
    importing = Import(tables)
    importing.run()
    once(tables)
    assert not importing.checkpoint.counters.failed


@given(TABLES.filter(bool), st.data())
def test_the_verification_finds_whatever_is_lost_or_changed(items: list[Item], data: Any) -> None:
    tables = LegacyTables(items)
    importing = Import(tables)
    importing.run()
    if not tables.cdr:
        return
    key = data.draw(st.sampled_from(sorted(tables.cdr)))
    stored = tables.cdr[key]
    if data.draw(st.booleans()):
        del tables.cdr[key]
    elif legacy.ITEM in stored:
        stored[legacy.ITEM] = {"M": old(old_key_of(stored), note="changed")}
    else:
        stored[cdr.DATA] = {"M": {"changed": {"BOOL": True}}}

    missing, tally = importing.verify()

    assert len(missing) == 1
    assert not tally.agrees
    assert tally.source.items == tally.target.items + 1
    assert tally.source.checksum != tally.target.checksum


def old_key_of(stored: Item) -> str:
    return kept_item(stored).timestamp


def test_tallies_of_pages_add_up_in_any_order() -> None:
    pages: list[Tally] = []
    for number in range(3):
        importing = Import(LegacyTables([consumed(1_600_000_000 + number)]))
        importing.run()
        pages.append(importing.verify()[1])
    sums = []
    for order in itertools.permutations(pages):
        total = Tally()
        for page in order:
            total.join(Tally.from_json(page.as_json()))
        sums.append(total)
    assert all(total == sums[0] for total in sums)
    assert sums[0].agrees
    assert sums[0].source.days == {("s-1", "2020-09-13"): 3}
