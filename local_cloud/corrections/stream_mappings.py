"""Mappings between a table's stream and a function keep AWS's promises about failures.

Wrong: a partial batch response counts as a success, so what failed is lost; retries are not bounded, a failed batch is
not cut, the batching window is ignored, and the batches of all mappings are delivered one after the other.

AWS: `stream_batches` has the rules of a batch, `stream_discards` what becomes of a batch given up. Filters are applied
first: what they leave out costs no invocation, and the position moves on. A batch is delivered when it is full or its
window ends. A shard's records are delivered in order, one batch at a time, or as many as the parallelization factor
says, each partition key always in the same lane. A mapping that is disabled keeps its position.
Source: Lambda developer guide, "How Lambda processes records from stream and queue-based event sources", "Control which
events Lambda sends to your function".

A mapping has a thread while there is something to deliver, and none while it is idle. The wait before a retry doubles
from `SWITCHBOARD_STREAM_BACKOFF_SECONDS` (a twentieth of a second, where AWS waits seconds) to 32 times that.
"""

from __future__ import annotations

import contextvars
import os
import threading
import time
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from ministack.core.concurrency import esm_wake, spawn_background
from ministack.services import dynamodb, lambda_svc

from local_cloud.corrections import _seam, stream_discards
from local_cloud.corrections.stream_batches import Batch, Rules, is_true, outcome, sequence_number, split_by_age

if TYPE_CHECKING:
    from local_cloud.corrections.stream_batches import Record

    Mapping = dict[str, Any]

_BACKOFF_SECONDS: Final = float(os.environ.get("SWITCHBOARD_STREAM_BACKOFF_SECONDS", "0.05"))
_MOST_DOUBLINGS: Final = 5
_DEFAULT_BATCH_SIZE: Final = 100
_READ_AT_ONCE: Final = 1_000
"""Records of one `GetRecords` request; a filter may keep few of them."""

_AT_WORK: Final[dict[str, threading.Event]] = {}
"""By mapping: set when its stream may have something new for the thread that serves it."""
_AT_WORK_LOCK: Final = threading.Lock()


def apply() -> None:
    """Let the poller start a thread for each mapping that has something to deliver, instead of delivering it."""
    _seam.original(lambda_svc, "_poll_dynamodb_streams")
    _seam.original(lambda_svc, "_iter_all_esms")
    _seam.original(lambda_svc, "_init_stream_position", "esm_id", "source_arn", "starting")
    _seam.original(lambda_svc, "_apply_filter_criteria", "records", "esm")
    _seam.original(lambda_svc, "_execute_function", "func", "event")
    _seam.original(lambda_svc, "_get_func_record_for_qualifier", "name", "qualifier")
    _seam.original(dynamodb, "stream_start_position", "table_name", "account_id", "region")
    _seam.original(dynamodb, "stream_records_since", "table_name", "position", "limit", "account_id", "region")
    ensure_poller = _seam.original(lambda_svc, "_ensure_poller")

    def ensure_poller_is_awake() -> None:
        ensure_poller()
        esm_wake.set()  # for the mapping that was just made

    lambda_svc._poll_dynamodb_streams = _poll
    lambda_svc._ensure_poller = ensure_poller_is_awake


def _poll() -> bool:
    for account, region, mapping in lambda_svc._iter_all_esms():
        if mapping["EventSourceArn"].startswith("arn:aws:dynamodb:"):
            contextvars.copy_context().run(_wake, account, region, mapping)
    return False  # nothing was delivered here, so the poller waits for its next wake


def _wake(account: str, region: str, mapping: Mapping) -> None:
    lambda_svc._request_account_id.set(account)
    lambda_svc._request_region.set(region)
    with _AT_WORK_LOCK:
        if mapping["UUID"] in _AT_WORK:
            _AT_WORK[mapping["UUID"]].set()
            return
        if not _is_active(mapping) or not _Reading.of(mapping).records:
            return
        news = _AT_WORK[mapping["UUID"]] = threading.Event()
    spawn_background(_serve, mapping, news)


def _serve(mapping: Mapping, news: threading.Event) -> None:
    try:
        while (reading := _gather(mapping, news)) is not None:
            _deliver(mapping, reading)
    finally:
        with _AT_WORK_LOCK:
            del _AT_WORK[mapping["UUID"]]
    esm_wake.set()  # a record may have come after the last look; after an error, the poller's own pace is enough


def _is_active(mapping: Mapping) -> bool:
    """Whether the mapping still stands, is enabled, and has its function and its stream."""
    table = dynamodb._tables.get(_table_name(mapping))
    return (
        lambda_svc._esms.get(mapping["UUID"]) is mapping
        and is_true(mapping.get("Enabled", True))
        and _function(mapping) is not None
        and table is not None
        and table.get("LatestStreamArn") == mapping["EventSourceArn"]
    )


def _table_name(mapping: Mapping) -> str:
    return str(mapping["EventSourceArn"]).split("/")[1]


def _function(mapping: Mapping) -> dict[str, Any] | None:
    found = lambda_svc._get_func_record_for_qualifier(mapping["FunctionName"], mapping.get("Qualifier"))
    function: dict[str, Any] | None = found[0]
    return function


def _batch_size(mapping: Mapping) -> int:
    return int(mapping.get("BatchSize") or _DEFAULT_BATCH_SIZE)


def _lanes(mapping: Mapping) -> int:
    return int(mapping.get("ParallelizationFactor") or 1)


@dataclass(slots=True)
class _Reading:
    """What was read of a shard, what the filters keep of it, and how far it is done."""

    mapping: Mapping
    records: list[Record]
    kept: list[Record]
    pending: dict[str, int]
    """Positions of the records that are not done, by sequence number, in order."""
    end: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def of(cls, mapping: Mapping) -> _Reading:
        """As much of the shard, from the mapping's position on, as fills one batch of each lane."""
        lambda_svc._init_stream_position(mapping["UUID"], mapping["EventSourceArn"], mapping["StartingPosition"])
        name = _table_name(mapping)
        start = max(lambda_svc._dynamodb_stream_positions[mapping["UUID"]], dynamodb.stream_start_position(name))
        most = _batch_size(mapping) * _lanes(mapping)
        records = list(dynamodb.stream_records_since(name, start, max(most, _READ_AT_ONCE)))
        positions = {sequence_number(record): start + place for place, record in enumerate(records)}
        matching = lambda_svc._apply_filter_criteria(records, mapping)
        kept = matching[:most]
        end = positions[sequence_number(matching[most])] if len(matching) > most else start + len(records)
        pending = {sequence_number(record): positions[sequence_number(record)] for record in kept}
        return cls(mapping, records, kept, pending, end)

    def is_full(self) -> bool:
        return len(self.kept) >= _batch_size(self.mapping)

    def finish(self, records: list[Record]) -> None:
        """Move the mapping's position to the first record that is not done."""
        with self.lock, lambda_svc._dynamodb_stream_positions_lock:
            for record in records:
                del self.pending[sequence_number(record)]
            if self.mapping["UUID"] in lambda_svc._dynamodb_stream_positions:  # not of a deleted mapping
                position = next(iter(self.pending.values()), self.end)
                lambda_svc._dynamodb_stream_positions[self.mapping["UUID"]] = position


def _gather(mapping: Mapping, news: threading.Event) -> _Reading | None:
    """The next records to deliver, once a batch is full or its window ended; None where there are none."""
    window = float(mapping.get("MaximumBatchingWindowInSeconds") or 0)
    deadline = None
    while _is_active(mapping):
        news.clear()
        reading = _Reading.of(mapping)
        if not reading.records:
            return None
        deadline = deadline or time.monotonic() + window
        remaining = deadline - time.monotonic()
        if not reading.kept or reading.is_full() or remaining <= 0:
            return reading
        news.wait(remaining)
    return None


def _deliver(mapping: Mapping, reading: _Reading) -> None:
    """Deliver what was read, lane by lane beside each other, until all of it is done or the mapping is stopped."""
    reading.finish([])  # what the filters left out before the first record that is delivered
    lanes: dict[int, list[Record]] = {}
    partition_key = dynamodb._tables[_table_name(mapping)]["pk_name"]
    for record in reading.kept:
        value = str(record["dynamodb"]["Keys"][partition_key])
        lanes.setdefault(zlib.crc32(value.encode()) % _lanes(mapping), []).append(record)
    threads = [spawn_background(_deliver_lane, mapping, reading, records) for records in lanes.values()]
    for thread in threads:
        thread.join()


def _deliver_lane(mapping: Mapping, reading: _Reading, records: list[Record]) -> None:
    size = _batch_size(mapping)
    waiting = [Batch(records[start : start + size]) for start in range(0, len(records), size)][::-1]
    result: dict[str, Any] = {}
    while waiting and _is_active(mapping) and (function := _function(mapping)) is not None:
        rules = Rules.of(mapping)
        old, batch = split_by_age(waiting.pop(), rules, time.time())
        if old:
            given_up = Batch(old, batch.retries, batch.invocations)
            stream_discards.tell(mapping, function, given_up, stream_discards.TOO_OLD, result)
            reading.finish(old)
        if not batch.records:
            continue
        result = lambda_svc._execute_function(function, {"Records": batch.records})
        after = outcome(batch, result, rules)
        mapping["LastProcessingResult"] = "PROBLEM: Function call failed" if result.get("error") else "OK"
        if after.exhausted is not None:
            stream_discards.tell(mapping, function, after.exhausted, stream_discards.RETRIES_EXHAUSTED, result)
            reading.finish(after.exhausted.records)
        reading.finish(after.done)
        waiting.extend(reversed(after.left))
        if after.left:
            time.sleep(_BACKOFF_SECONDS * 2 ** min(batch.invocations, _MOST_DOUBLINGS))
