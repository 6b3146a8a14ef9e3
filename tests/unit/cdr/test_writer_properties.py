"""Any order, duplication, batching, fault and crash: each identity once, the first write kept, the minimum right."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from switchboard.cdr.results import Failed, Settled, Status, Verdict
from switchboard.schema import cdr
from tests.unit.cdr.cdr_table import Crash, FakeTable, Fault, Time, cut, record, refused, write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from switchboard.cdr.record import Record

EVENTS = st.builds(
    record,
    type=st.sampled_from(cdr.RECORD_TYPES),
    id=st.sampled_from(["a", "b", "c", "d"]),
    source=st.sampled_from(["qm", "qm/api"]),
    sponsorship_id=st.sampled_from(["sp-1", "sp-2"]),
    subscriber_id=st.sampled_from([None, "p-7", "p-77"]),
    time=st.sampled_from([f"2026-11-2{day}T0{hour}:00:00Z" for day in (0, 1) for hour in (1, 2, 3)]),
    data=st.sampled_from([{}, {"n": 1}]),
)
CALLS = st.lists(st.lists(EVENTS, min_size=1, max_size=12), min_size=1, max_size=4)


class Faults:
    """Something goes wrong with about half of all requests: members, whole requests, lost answers, crashes."""

    def __init__(self, seed: int, *, crashes: bool) -> None:
        self._random = random.Random(seed)
        self._crashes = crashes

    def __call__(self, operation: str) -> Fault | None:
        members = {n: "ThrottlingError" for n in range(25) if self._random.random() < 0.3}
        faults = [
            None,
            None,
            None,
            Fault(members=members, unprocessed=frozenset(members)),
            Fault(before=refused("InternalServerError", 500, operation)),
            Fault(before=refused("ExpiredTokenException", 400, operation)),
            Fault(after=cut()),
        ]
        if self._crashes:
            faults += [Fault(before=Crash()), Fault(after=Crash())]
        return self._random.choice(faults)


def deliver(table: FakeTable, calls: Sequence[Sequence[Record]], time: Time) -> list[tuple[Record, Verdict]]:
    """Each call's verdicts, those of a crashed call lost, as its caller loses them."""
    told: list[tuple[Record, Verdict]] = []
    for call in calls:
        try:
            told += zip(call, write(table, *call, time=time), strict=True)
        except Crash:
            continue
        finally:
            time.left = 60.0
    return told


def identity(sent: Record) -> tuple[str, ...]:
    return sent.pk, sent.sk, sent.source, sent.id


def own(table: FakeTable, sent: Record) -> dict[str, Any] | None:
    """The item that stands for a record's own source and id."""
    for sk in (sent.sk, sent.earlier_sk):
        item = table.items.get((sent.pk, sk)) if sk else None
        if item and (item["source"]["S"], item["id"]["S"]) == (sent.source, sent.id):
            return item
    return None


def check_verdict(table: FakeTable, sent: Record, verdict: Verdict) -> None:
    """What a caller was told is true of the table, and stays true, since nothing in it ever changes."""
    if isinstance(verdict, Failed):
        return
    assert isinstance(verdict, Settled)
    item = own(table, sent)
    group = [each for (pk, sk), each in table.items.items() if pk == sent.pk and sk.startswith(sent.sk)]
    assert verdict.recorded_at in {each["recorded_at"]["S"] for each in group}
    match verdict.status:
        case Status.STORED | Status.EARLIER | Status.DUPLICATE:
            assert item is not None
            assert item["payload_hash"]["S"] == sent.payload_hash
            assert item["recorded_at"]["S"] == verdict.recorded_at
        case Status.CONFLICT:
            standing = item or table.items[sent.pk, sent.sk]
            assert standing["payload_hash"]["S"] != sent.payload_hash
            assert item is not None or sent.type == cdr.CREATE
        case Status.NOT_FIRST:
            assert min(each["occurred_at"]["S"] for each in group) <= sent.occurred_at


def check_table(table: FakeTable, sent: Sequence[Record]) -> None:
    """Every item is one of the records sent, and no identity stands twice."""
    originals = {(each.pk, each.payload_hash): each for each in sent}
    identities = []
    for (pk, sk), item in table.items.items():
        original = originals[pk, item["payload_hash"]["S"]]
        expected = original.item(sk, recorded_at=item["recorded_at"]["S"], expires_at=None)
        assert item == expected
        identities.append(identity(original))
    assert len(set(identities)) == len(identities)


def check_firsts(table: FakeTable, told: Sequence[tuple[Record, Verdict]]) -> None:
    """The minimum over the stored first and all earlier ones is at or before every event that was accepted."""
    for sent, verdict in told:
        if sent.earlier_sk is None or verdict.status in (Status.CONFLICT, Status.FAILED):
            continue
        low, high = cdr.first_range(sent.type, sent.content.get("subscriber_id", {}).get("S"))
        times = [
            item["occurred_at"]["S"] for (pk, sk), item in table.items.items() if pk == sent.pk and low <= sk <= high
        ]
        assert min(times) <= sent.occurred_at


@given(calls=CALLS, seed=st.integers(0, 2**32), crashes=st.booleans())
def test_whatever_happens_every_identity_is_stored_once_and_every_answer_is_true(
    calls: list[list[Record]], seed: int, crashes: bool
) -> None:
    table, time = FakeTable(), Time()
    table.fault = Faults(seed, crashes=crashes)
    told = deliver(table, calls, time)
    before = dict(table.items)
    table.fault = lambda _: None
    again = deliver(table, calls, time)
    sent = [each for call in calls for each in call]
    assert {key: table.items[key] for key in before} == before
    assert not [verdict for _, verdict in again if verdict.status is Status.FAILED]
    check_table(table, sent)
    check_firsts(table, again)
    for each, verdict in [*told, *again]:
        check_verdict(table, each, verdict)
    news = [identity(each) for each, verdict in [*told, *again] if verdict.status in (Status.STORED, Status.EARLIER)]
    assert len(set(news)) == len(news)


@given(calls=CALLS)
def test_a_redelivery_changes_nothing_and_tells_nothing_new(calls: list[list[Record]]) -> None:
    table, time = FakeTable(), Time()
    first = deliver(table, calls, time)
    before = dict(table.items)
    second = deliver(table, calls, time)
    assert table.items == before
    for (_, once), (_, twice) in zip(first, second, strict=True):
        if once.status in (Status.STORED, Status.EARLIER):
            assert twice.status is Status.DUPLICATE
        else:
            assert twice.status in (once.status, Status.DUPLICATE)


@given(events=st.lists(EVENTS, min_size=2, max_size=30), seed=st.integers(0, 2**32))
def test_the_table_does_not_depend_on_how_events_are_put_into_calls(events: list[Record], seed: int) -> None:
    unique = list({identity(each)[:1] + identity(each)[2:] + (each.sk,): each for each in events}.values())
    shuffled = random.Random(seed).sample(unique, len(unique))
    together, apart = FakeTable(), FakeTable()
    write(together, *unique)
    deliver(apart, [[each] for each in shuffled], Time())
    for each in unique:
        if each.earlier_sk is None:
            continue
        low, high = cdr.first_range(each.type, each.content.get("subscriber_id", {}).get("S"))
        firsts = [
            min(
                item["occurred_at"]["S"]
                for (pk, sk), item in table.items.items()
                if pk == each.pk and low <= sk <= high
            )
            for table in (together, apart)
        ]
        assert firsts[0] == firsts[1]


def test_sixteen_writers_at_once_with_faults_store_every_identity_once(rng: random.Random) -> None:
    events = [
        record(
            id=f"r-{number}",
            type=rng.choice(cdr.RECORD_TYPES[1:]),
            sponsorship_id=f"sp-{number % 5}",
            time=f"2026-11-21T00:00:00.{rng.randrange(4)}Z",
        )
        for number in range(400)
    ]
    table = FakeTable()
    deliveries = rng.sample(events * 2, len(events) * 2)
    shares = [deliveries[start::16] for start in range(16)]
    clock = Time()
    table.fault = Faults(rng.randrange(2**32), crashes=True)
    outcomes: list[tuple[Record, Verdict]] = []

    def work(share: list[Record]) -> None:
        time = Time(calls=clock.now().microsecond * 1_000)
        left = share
        while left:
            call, left = left[:30], left[30:]
            try:
                verdicts = write(table, *call, time=time)
            except Crash:
                left = call + left
                continue
            finally:
                time.left = 60.0
            outcomes.extend(zip(call, verdicts, strict=True))
            left += [each for each, verdict in zip(call, verdicts, strict=True) if verdict.status is Status.FAILED]

    threads = [threading.Thread(target=work, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    check_table(table, events)
    settled = [(each, verdict) for each, verdict in outcomes if not isinstance(verdict, Failed)]
    assert {identity(each) for each, _ in settled} == {identity(each) for each in events}
    check_firsts(table, settled)
    for each, verdict in settled:
        check_verdict(table, each, verdict)
