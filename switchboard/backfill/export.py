"""The items of a table from an export to S3, so that finding what lacks the attribute takes no read units from it.

An export is older than the table. What was written since is found as after any first pass, by a strongly consistent
count and further passes over the table itself; and a change stays conditional on the item as it is.
Source of the format: DynamoDB developer guide, "DynamoDB table export output format".
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import HTTPClientError, IncompleteReadError

from switchboard.backfill.engine import Page
from switchboard.backfill.errors import Systemic, systemic
from switchboard.schema import runs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

    from switchboard.backfill.engine import Cursor, Pages
    from switchboard.backfill.job import Key, SetAttribute
    from switchboard.backfill.pace import PageSize

_FILE: Final = "file"
_LINE: Final = "line"
_ATTEMPTS: Final = 3
_BROKEN: Final = (HTTPClientError, IncompleteReadError, EOFError)
"""A connection that S3 closed while a page was being settled."""


class Exporting(Exception):  # noqa: N818 - it names a state, which ends by itself
    """The export is not finished. Ask again in a minute or so: nothing is locked meanwhile."""


def exported(client: DynamoDBClient, table_arn: str, *, bucket: str, run_id: str) -> str:
    """The key of the summary of an export of the table for this run, which the first call starts.

    The run's id makes all calls of the following eight hours mean the same export. Raises `Exporting` until it is
    finished, `Systemic` where it failed, and what the client raises.
    """
    with systemic():
        started: Any = client.export_table_to_point_in_time(
            TableArn=table_arn,
            S3Bucket=bucket,
            S3Prefix=f"{runs.EXPORTS_PREFIX}{run_id}",
            ExportFormat="DYNAMODB_JSON",
            ClientToken=run_id,
        )
        arn = started["ExportDescription"]["ExportArn"]
        found: Any = client.describe_export(ExportArn=arn)["ExportDescription"]
    if found["ExportStatus"] == "IN_PROGRESS":
        raise Exporting
    if found["ExportStatus"] != "COMPLETED":
        raise Systemic(found.get("FailureCode", found["ExportStatus"]))
    manifest: str = found["ExportManifest"]
    return manifest


class Exported:
    """`Pages` of one segment: the first pass from an export, everything after it from the `live` table.

    `summary` is what `exported` answers. A segment reads every `of`-th file, and `size` says before each page how long
    it is; one line is in memory at a time.
    """

    def __init__(
        self,
        client: S3Client,
        bucket: str,
        job: SetAttribute,
        *,
        summary: str,
        live: Pages[Key],
        segment: int = 0,
        of: int = 1,
        size: PageSize,
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._job = job
        self._summary = summary
        self._live = live
        self._segment = segment
        self._of = of
        self._size = size

    def pages(self, cursor: Cursor | None, *, consistent: bool) -> Iterator[Page[Key]]:
        """The pages after `cursor`; of an export the last one is empty. Raises what the clients raise, `Systemic`."""
        return self._live.pages(cursor, consistent=True) if consistent else self._pages(cursor)

    def missing(self, cursor: Cursor | None) -> Iterator[Page[Key]]:
        """What the table itself lacks."""
        return self._live.missing(cursor)

    def _pages(self, cursor: Cursor | None) -> Iterator[Page[Key]]:
        file = int(cursor[_FILE]["N"]) if cursor else self._segment
        line = int(cursor[_LINE]["N"]) if cursor else 0
        files = self._files()
        while file < len(files):
            items = self._items(files[file], line)
            while True:
                keys, scanned, ended = self._page(items)
                line += scanned
                if ended:
                    file, line = file + self._of, 0
                yield Page(tuple(keys), scanned, _cursor(file, line))
                if ended:
                    break
        yield Page((), 0, None)

    def _page(self, items: Iterator[Any]) -> tuple[list[Key], int, bool]:
        """The keys that need something, of how many items, and whether the file ended."""
        keys: list[Key] = []
        most, scanned, ended = self._size(), 0, False
        while scanned < most and len(keys) < self._size.work and not ended:
            item = next(items, None)
            if item is None:
                ended = True
            else:
                scanned += 1
                if self._job.needs(item):
                    keys.append(self._job.table.key(item))
        self._size.fits(examined=scanned, found=len(keys))
        return keys, scanned, ended

    def _files(self) -> list[str]:
        summary = json.loads(self._read(self._summary))
        lines = self._read(summary["manifestFilesS3Key"]).splitlines()
        return [json.loads(line)["dataFileS3Key"] for line in lines if line]

    def _read(self, key: str) -> bytes:
        with systemic():
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def _items(self, key: str, start: int) -> Iterator[Any]:
        """The items of a file from a line on, read on by another request where one was cut off."""
        failures = 0
        while True:
            try:
                for line in self._lines(key, start):
                    start += 1
                    failures = 0
                    yield json.loads(line)["Item"]
            except _BROKEN:
                failures += 1
                if failures == _ATTEMPTS:
                    raise
            else:
                return

    def _lines(self, key: str, start: int) -> Iterator[bytes]:
        with systemic():
            body: Any = self._client.get_object(Bucket=self._bucket, Key=key)["Body"]
        with gzip.GzipFile(fileobj=body) as lines:
            for number, line in enumerate(lines):
                if number >= start:
                    yield line


def _cursor(file: int, line: int) -> Cursor:
    return {_FILE: {"N": str(file)}, _LINE: {"N": str(line)}}
