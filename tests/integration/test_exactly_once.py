"""Every event delivered twice, in any order, by 16 writers that crash between requests: each is stored exactly once."""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer
from botocore.config import Config

from local_cloud.impersonation import function_credentials
from switchboard.cdr.intake import Intake, RecordsFailed
from switchboard.cdr.store import CdrStore
from switchboard.cdr.validation import RecordContract
from switchboard.cdr.writer import CdrWriter
from switchboard.concurrency import IN_FLIGHT
from switchboard.dynamo.budget import Budget
from switchboard.schema import cdr, deployment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local_cloud.stage import DeployedStage
    from switchboard.quarantine import Unprocessable

Json = dict[str, Any]
Key = tuple[str, str]

SMALL, FULL = 800, 10_000
SOURCE = "exactly-once/"
"""How the sources of this test begin, and of no other."""
WRITERS = 16
CRASHES = 0.05
"""Share of requests at which a writer dies: half of them before the request, half after it was applied."""
NOW = datetime(2026, 11, 21, tzinfo=UTC)
DAY = datetime(2026, 11, 20, tzinfo=UTC)


class Crash(BaseException):
    """The execution environment dies: no code of ours may catch it."""


class CrashingClient:
    """A DynamoDB client whose process dies now and then, before a request or with its answer unread."""

    def __init__(self, client: Any, seed: int) -> None:
        self._client = client
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            with self._lock:
                before, after = self._random.random() < CRASHES / 2, self._random.random() < CRASHES / 2
            if before:
                raise Crash
            answer = getattr(self._client, name)(**arguments)
            if after:
                raise Crash
            return answer

        return call


class NothingToKeep:
    """A quarantine for a run in which every record is valid."""

    def keep(self, entries: Sequence[Unprocessable], *, now: datetime, budget: Budget) -> list[bool]:
        assert not entries, f"{len(entries)} valid records were refused at {now}, {budget}"
        return []


def events(rng: random.Random, count: int) -> list[Json]:
    """`count` events with as many identities, then rivals for the FIRST ones; few instants, few sponsors."""
    made = []
    for number in range(count):
        kind = rng.choice([cdr.CONSUME, cdr.CONSUME, cdr.CONSUME, *cdr.FIRST_PREFIXES, cdr.CREATE])
        made.append(event(rng, number, kind, sponsorship=f"sp-{number}" if kind == cdr.CREATE else f"sp-{number % 97}"))
    firsts = [one for one in made if one["type"] in cdr.FIRST_PREFIXES]
    for number, first in enumerate(rng.choices(firsts, k=count // 5), start=count):
        rival = event(rng, number, first["type"], sponsorship=first["sponsorship_id"])
        made.append(rival | {"subscriber_id": first["subscriber_id"]})
    return made


def event(rng: random.Random, number: int, kind: str, sponsorship: str) -> Json:
    instant = DAY + timedelta(milliseconds=rng.randrange(50))
    return {
        "source": f"{SOURCE}{number % 3}",
        "id": f"rpt-{number}",
        "type": kind,
        "time": instant.isoformat(),
        "sponsor_id": f"s-{number % 2}",
        "sponsorship_id": sponsorship,
        "subscriber_id": f"p-{number}",
        "data": {"bytes_down": rng.randrange(10**9), "note": "ä" * rng.randrange(4), "rates": [1, {"exact": 0.5}]},
    }


def key_of(one: Json) -> Key:
    """The identity of an event, written out by hand."""
    kind = one["type"]
    if kind == cdr.CREATE:
        return f"SPONSORSHIP#{one['sponsorship_id']}", "CREATE"
    if kind == cdr.CONSUME:
        return f"SPONSORSHIP#{one['sponsorship_id']}", f"CONSUME#{one['source']}#{one['id']}"
    prefix = {cdr.FIRST_RETRIEVE: "RETRIEVE", cdr.FIRST_ACTIVATE: "ACTIVATE", cdr.EXPIRE: "EXPIRE"}[kind]
    return f"SPONSORSHIP#{one['sponsorship_id']}", f"{prefix}#{one['subscriber_id']}"


def deliver(local: DeployedStage, deliveries: list[list[Json]], seed: int) -> int:
    """Write every envelope until it is done, a crash or a failure at a time; the number of crashes."""
    function = local.parameter(deployment.CDR_WRITER_PATH)
    pool = Config(max_pool_connections=WRITERS * IN_FLIGHT)
    dynamodb = local.cloud.client("dynamodb", function_credentials(local.cloud, function), pool)
    table, retention = local.parameter(deployment.CDR_TABLE_PATH), timedelta(days=3_650)

    def one(number: int) -> int:
        crashed = 0
        store = CdrStore(CrashingClient(dynamodb, seed + number), table)  # type: ignore[arg-type]
        intake = Intake(RecordContract(retention=retention), CdrWriter(store, retention=retention), NothingToKeep())
        request = {"schema": cdr.ENVELOPE_SCHEMA, "records": deliveries[number]}
        while True:
            budget = Budget(remaining_seconds=lambda: 60.0, sleep=lambda _: None, jitter=lambda: 0.0)
            try:
                answer = intake.invoke(request, now=NOW + timedelta(seconds=crashed), budget=budget).response()
            except (Crash, RecordsFailed):
                crashed += 1
                continue
            good = {"stored", "duplicate", "not_first", "earlier"}
            assert {result["status"] for result in answer["results"]} <= good
            return crashed

    with ThreadPoolExecutor(WRITERS) as writers:
        return sum(writers.map(one, range(len(deliveries))))


def envelopes(rng: random.Random, made: list[Json]) -> list[list[Json]]:
    """Every event twice, shuffled, in envelopes of any size."""
    twice = [*made, *made]
    rng.shuffle(twice)
    cut = []
    while twice:
        size = rng.randint(1, 120)
        cut.append(twice[:size])
        twice = twice[size:]
    return cut


def stored_items(local: DeployedStage) -> dict[Key, Json]:
    """Everything in the table that these events may have written."""
    deserialize = TypeDeserializer().deserialize
    pages = (
        local.client("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=local.parameter(deployment.CDR_TABLE_PATH), ConsistentRead=True)
    )
    items = [{name: deserialize(value) for name, value in item.items()} for page in pages for item in page["Items"]]
    return {(item["pk"], item["sk"]): item for item in items if item.get("source", "").startswith(SOURCE)}


def as_sent(item: Json) -> Json:
    """The event that an item holds, in the form in which it was sent."""
    fields = ("source", "id", "type", "sponsor_id", "sponsorship_id", "subscriber_id", "data")
    return {**{name: item[name] for name in fields}, "time": datetime.fromisoformat(item["occurred_at"]).isoformat()}


def test_exactly_once(local: DeployedStage, rng: random.Random, stress: bool) -> None:
    count = FULL if stress else SMALL
    made = events(rng, count)
    crashes = deliver(local, envelopes(rng, made), seed=rng.getrandbits(32))
    assert crashes > len(made) // 500, "the run must have been disturbed to show anything"

    by_key, by_identity = defaultdict(list), {(one["source"], one["id"]): one for one in made}
    for one in made:
        by_key[key_of(one)].append(one)
    items = stored_items(local)
    base = {key for key in items if "#EARLIER#" not in key[1]}
    assert len(by_key) == count
    assert base == set(by_key)
    for item in items.values():
        assert as_sent(item) == by_identity[item["source"], item["id"]]
    firsts = {key: rivals for key, rivals in by_key.items() if len(rivals) > 1}
    assert firsts
    for (pk, sk), rivals in firsts.items():
        candidates = [item for (p, s), item in items.items() if p == pk and (s == sk or s.startswith(f"{sk}#EARLIER#"))]
        assert min(as_sent(one)["time"] for one in candidates) == min(one["time"] for one in rivals)
