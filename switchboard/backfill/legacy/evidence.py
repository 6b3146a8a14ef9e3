"""What an import counted, page by page in the reports bucket, and added up for its report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.legacy.tally import VERIFIED, WORK, Tally
from switchboard.concurrency import in_flight
from switchboard.schema import legacy, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mypy_boto3_s3 import S3Client

    from switchboard.backfill.kinds import Part

_JSON: Final = "application/json"
_AT_ONCE: Final = 256
_NAMED: Final = 20


def page_writer(client: S3Client, bucket: str, part: Part) -> Callable[[str, Tally], None]:
    """Keeps the tallies of the pages of one worker, each under the checkpoint after which its page begins.

    So a page that is settled again, by this worker's successor, has a name that only the claim tells apart.
    """

    def write(done: str, tally: Tally) -> None:
        client.put_object(
            Bucket=bucket,
            Key=f"{_prefix(part.run_id, done)}{part.number_of_pass:02}-{part.segment:06}-"
            f"{part.version():09}-{part.claim:012}.json",
            Body=json.dumps(tally.as_json(), separators=(",", ":")).encode(),
            ContentType=_JSON,
        )

    return write


def evidence(client: S3Client, bucket: str, run_id: str) -> dict[str, Any]:
    """The part of a run's report that only an import has; the counts by sponsor and day become an object beside it.

    `statuses` are of all passes, everything else is of the last verification. Holds the sponsors and days of the whole
    table in memory, and the tallies of a few pages. Raises what the client raises.
    """
    worked = _last_claims(_names(client, bucket, _prefix(run_id, WORK)))
    verified = _last_claims(_names(client, bucket, _prefix(run_id, VERIFIED)))
    tally = _sum(client, bucket, [*worked, *_of_last_pass(list(verified))])
    rows = sponsor_days(tally)
    name = f"{runs.objects_prefix(run_id)}{legacy.DAYS_OBJECT}"
    client.put_object(Bucket=bucket, Key=name, Body=json.dumps(rows).encode(), ContentType=_JSON)
    return {**summary(tally), "sponsor_days_object": name}


def summary(tally: Tally) -> dict[str, Any]:
    """The counts of an import in a report.

    `source` and `target` have their number of `items` and their `checksum`; `verified` says whether they agree, also by
    sponsor and day; `differing` names up to 20 sponsors and days that do not.
    """
    rows = sponsor_days(tally)
    return {
        "statuses": dict(sorted(tally.statuses.items())),
        "places": dict(sorted(tally.places.items())),
        "source": {"items": tally.source.items, "checksum": tally.source.checksum_text},
        "target": {"items": tally.target.items, "checksum": tally.target.checksum_text},
        "verified": tally.agrees,
        "sponsor_days": len(rows),
        "differing": [row for row in rows if row["source"] != row["target"]][:_NAMED],
        "cdr_read_units": round(tally.read_units, 1),
    }


def sponsor_days(tally: Tally) -> list[dict[str, Any]]:
    """How many items each side has of each sponsor and day, in their order."""
    source, target = tally.source.days, tally.target.days
    return [
        {"sponsor_id": day[0], "day": day[1], "source": source[day], "target": target[day]}
        for day in sorted({*source, *target})
    ]


def _prefix(run_id: str, done: str) -> str:
    return f"{runs.objects_prefix(run_id)}{legacy.PAGES_PREFIX}{done}/"


def _names(client: S3Client, bucket: str, prefix: str) -> Iterator[str]:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return (found["Key"] for page in pages for found in page.get("Contents", ()))


def _last_claims(names: Iterable[str]) -> Iterator[str]:
    """Of the names of one page, which follow each other, the last: the others are of workers that did not end it."""
    last: str | None = None
    for name in names:
        if last is not None and _page(last) != _page(name):
            yield last
        last = name
    if last is not None:
        yield last


def _of_last_pass(names: list[str]) -> list[str]:
    passes = [name.rsplit("/", 1)[1].split("-")[0] for name in names]
    return [name for name, each in zip(names, passes, strict=True) if each == max(passes)]


def _page(name: str) -> str:
    return name.rsplit("-", 1)[0]


def _sum(client: S3Client, bucket: str, names: list[str]) -> Tally:
    def read(name: str) -> Tally:
        return Tally.from_json(json.loads(client.get_object(Bucket=bucket, Key=name)["Body"].read()))

    total = Tally()
    for start in range(0, len(names), _AT_ONCE):
        for tally in in_flight(read, names[start : start + _AT_ONCE]):
            total.join(tally)
    return total
