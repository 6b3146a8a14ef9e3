"""An export is started once, waited for, and read line by line; the table itself is asked for what came later."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from switchboard.backfill.engine import Checkpoint, Page
from switchboard.backfill.errors import Systemic
from switchboard.backfill.export import Exported, Exporting, exported
from switchboard.backfill.job import SetAttribute
from switchboard.backfill.source import Source
from switchboard.backfill.writes import Writer
from tests.fakes.backfill_table import BackfillTable, Clock, Item
from tests.fakes.messages_table import client_error
from tests.fakes.page_sizes import PagesOf
from tests.fakes.reports_bucket import BUCKET, ReportsBucket
from tests.unit.backfill.runs_of import OTHER, VALUE, holds, thing, things, waiting
from tests.unit.backfill.undone import SET, THINGS, unlimited, work

if TYPE_CHECKING:
    from collections.abc import Iterator

ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/things"
FOLDER = "exports/run-1/AWSDynamoDB/0123"
SUMMARY = f"{FOLDER}/manifest-summary.json"


class Exports:
    """A DynamoDB client that exports: one export for each token, with a status that the test sets."""

    def __init__(self) -> None:
        self.requests: dict[str, dict[str, Any]] = {}
        self.described: dict[str, Any] = {"ExportStatus": "IN_PROGRESS"}

    def export_table_to_point_in_time(self, **request: Any) -> dict[str, Any]:
        assert self.requests.setdefault(request["ClientToken"], request) == request
        return {"ExportDescription": {"ExportArn": f"{ARN}/export/0123", "ExportStatus": "IN_PROGRESS"}}

    def describe_export(self, *, ExportArn: str) -> dict[str, Any]:  # noqa: N803 - the API's own names
        assert ExportArn == f"{ARN}/export/0123"
        return {"ExportDescription": self.described}


def put_export(bucket: ReportsBucket, *files: list[Item]) -> None:
    """An export whose files hold these items."""
    listed = []
    for number, items in enumerate(files):
        key = f"{FOLDER}/data/file{number}.json.gz"
        bucket.put_lines(key, [json.dumps({"Item": item}) for item in items])
        listed.append(json.dumps({"itemCount": len(items), "dataFileS3Key": key}))
    bucket.objects[f"{FOLDER}/manifest-files.json"] = "".join(f"{line}\n" for line in listed).encode()
    bucket.objects[SUMMARY] = json.dumps({"manifestFilesS3Key": f"{FOLDER}/manifest-files.json"}).encode()


class Live:
    """The table itself: what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def pages(self, cursor: Any, *, consistent: bool) -> Iterator[Page[Any]]:
        self.asked.append(("pages", cursor, consistent))
        return iter([Page((), 7, None)])

    def missing(self, cursor: Any) -> Iterator[Page[Any]]:
        self.asked.append(("missing", cursor))
        return iter([Page((), 8, None)])


def source(
    bucket: Any, *, live: Any = None, job: SetAttribute = SET, segment: int = 0, of: int = 1, size: int = 4
) -> Any:
    return Exported(
        bucket, BUCKET, job, summary=SUMMARY, live=live or Live(), segment=segment, of=of, size=PagesOf(size)
    )


def test_it_is_started_once_and_waited_for() -> None:
    client: Any = Exports()
    for _ in range(3):
        with pytest.raises(Exporting):
            exported(client, ARN, bucket=BUCKET, run_id="run-1")
    assert client.requests == {
        "run-1": {
            "TableArn": ARN,
            "S3Bucket": BUCKET,
            "S3Prefix": "exports/run-1",
            "ExportFormat": "DYNAMODB_JSON",
            "ClientToken": "run-1",
        }
    }
    client.described = {"ExportStatus": "COMPLETED", "ExportManifest": SUMMARY}
    assert exported(client, ARN, bucket=BUCKET, run_id="run-1") == SUMMARY


def test_a_failed_export_stops_the_run() -> None:
    client: Any = Exports()
    client.described = {"ExportStatus": "FAILED", "FailureCode": "S3AccessDenied"}
    with pytest.raises(Systemic) as stopped:
        exported(client, ARN, bucket=BUCKET, run_id="run-1")
    assert stopped.value.code == "S3AccessDenied"


@given(
    st.lists(st.lists(st.booleans(), max_size=9), max_size=5),
    st.integers(1, 4),
    st.integers(1, 5),
    st.randoms(use_true_random=False),
)
def test_segments_read_every_line_once_however_often_they_are_cut_off(
    files: list[list[bool]], of: int, size: int, rng: Any
) -> None:
    bucket = ReportsBucket()
    numbers = iter(range(100))
    items = [[thing(next(numbers), **({"test": OTHER} if given else {})) for given in file] for file in files]
    put_export(bucket, *items)
    found: list[Any] = []
    scanned = 0

    for segment in range(of):
        cursor: Any = None
        ended = False
        while not ended:
            for page in source(bucket, segment=segment, of=of, size=size).pages(cursor, consistent=False):
                found += page.work
                scanned += page.scanned
                cursor, ended = page.cursor, page.cursor is None
                if rng.random() < 0.4:
                    break

    every = [item for file in items for item in file]
    assert scanned == len(every)
    assert sorted(found) == sorted(THINGS.key(item) for item in every if "test" not in item)


def test_a_prefix_leaves_items_out() -> None:
    bucket = ReportsBucket()
    put_export(bucket, things(10))
    pages = source(bucket, job=SetAttribute(THINGS, "test", VALUE, prefix="p1"))
    assert [key for page in pages.pages(None, consistent=False) for key in page.work] == [THINGS.key(thing(1))]


def test_later_passes_and_the_count_ask_the_table_itself() -> None:
    live = Live()
    pages = source(ReportsBucket(), live=live)
    assert [page.scanned for page in pages.pages({"k": {"S": "1"}}, consistent=True)] == [7]
    assert [page.scanned for page in pages.missing(None)] == [8]
    assert live.asked == [("pages", {"k": {"S": "1"}}, True), ("missing", None)]


class Breaking(ReportsBucket):
    """Whose data is cut off after so many bytes, as often as `breaks` says."""

    def __init__(self, breaks: int) -> None:
        super().__init__()
        self.breaks = breaks

    def get_object(self, **request: Any) -> dict[str, Any]:
        answer = super().get_object(**request)
        if self.breaks and request["Key"].endswith(".gz"):
            self.breaks -= 1
            answer["Body"] = _Broken(answer["Body"].read()[:-12])
        return answer


class _Broken(io.BytesIO):
    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        if not data:
            raise ReadTimeoutError(endpoint_url="here")
        return data


def test_a_connection_that_was_cut_off_is_made_again_from_the_same_line() -> None:
    bucket = Breaking(2)
    items = things(2_000)
    put_export(bucket, items)
    keys = [key for page in source(bucket, size=100).pages(None, consistent=False) for key in page.work]
    assert keys == [THINGS.key(item) for item in items if "test" not in item]
    assert bucket.breaks == 0


def test_one_that_stays_broken_ends_the_worker() -> None:
    bucket = Breaking(100)
    put_export(bucket, things(3))
    with pytest.raises(ReadTimeoutError):
        list(source(bucket).pages(None, consistent=False))
    assert bucket.breaks == 97


def test_a_bucket_that_may_not_be_read_stops_the_run() -> None:
    bucket = ReportsBucket()

    def deny(_name: str, _request: dict[str, Any]) -> None:
        raise client_error("AccessDenied", "GetObject")

    bucket.before = deny
    with pytest.raises(Systemic):
        list(source(bucket).pages(None, consistent=False))


def test_a_run_from_an_export_reads_no_item_of_the_table_and_replaces_nothing() -> None:
    table = BackfillTable(things(30))
    bucket = ReportsBucket()
    put_export(bucket, *([item for number, item in enumerate(things(30)) if number % 3 == file] for file in range(3)))
    changed = next(key for key, value in holds(table).items() if value is None)
    gone = next(key for key, value in holds(table).items() if value is None and key != changed)
    table.items[changed]["test"] = OTHER
    del table.items[gone]
    client: Any = table
    writer = Writer(client, SET, write_units=unlimited(), read_units=unlimited(), waiting=waiting(Clock()))
    live = Source(client, SET, units=unlimited(), waiting=waiting(Clock()))

    at = list(work(source(bucket, live=live), writer, Checkpoint()))[-1]

    assert table.calls["scan"] == 0
    assert table.items[changed]["test"] == OTHER
    assert gone not in table.items
    assert all(holds(table).values())
    assert (at.counters.scanned, at.counters.deleted, at.passes) == (30, 1, 1)
    assert at.counters.add_up
