"""What a run says at its end."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from switchboard.backfill.engine import Outcome
from switchboard.backfill.errors import systemic
from switchboard.backfill.runs_table import totals
from switchboard.backfill.worker import SAMPLES
from switchboard.schema import runs
from switchboard.times import from_fixed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from switchboard.backfill.kinds import Tools
    from switchboard.backfill.records import RunRecord, SegmentRecord

MAX_FAILED_KEYS: Final = 1_000
"""So many failed keys are listed in the report's object; all of them are beside it."""


def verdict(run: RunRecord, segments: Sequence[SegmentRecord]) -> str:
    """The status of a run whose segments stand so: `paused` where they have not all been counted."""
    counted = [each for each in segments if each.done and each.is_at(runs.COUNT, run.number_of_pass)]
    if run.phase != runs.COUNT or len(counted) < run.segments:
        return runs.PAUSED
    counters = totals(segments).counters
    if counters.failed or not counters.add_up:
        return runs.FAILED
    return runs.INCOMPLETE if sum(each.missing for each in segments) else runs.SUCCEEDED


def reported(run: RunRecord, segments: Sequence[SegmentRecord], *, now: datetime) -> dict[str, Any]:
    """The report. Units are capacity units, `seconds` those since the run was started.

    `missing_after` is None where nothing was counted. An `incomplete` run's has `sample_keys`, some keys of missing
    items, and `rate`: so many items per second appeared at least since the pass began that should have found them. A
    run that only counts has no such pass: when they appeared is not known.
    """
    status = verdict(run, segments)
    at = totals(segments)
    missing = sum(each.missing for each in segments)
    report: dict[str, Any] = {
        "run_id": run.run_id,
        "status": status,
        "counters": asdict(at.counters),
        "missing_after": None if status == runs.PAUSED else missing,
        "write_units": round(at.write_units, 1),
        "read_units": round(at.read_units, 1),
        "seconds": round((now - from_fixed(run.started_at)).total_seconds(), 3),
        "passes": at.passes,
    }
    if status == runs.INCOMPLETE:
        seconds = max(1.0, (now - from_fixed(run.pass_started_at)).total_seconds())
        samples = [key for each in segments for key in each.samples]
        rate = {} if run.job == runs.VERIFY else {"rate": round(missing / seconds, 3)}
        report |= {**rate, "sample_keys": samples[:SAMPLES]}
    return report


def keep(tools: Tools, report: dict[str, Any]) -> None:
    """Write a report's object, with the failed keys. Raises `Systemic`, and what the client raises."""
    document = report
    if report["counters"]["failed"]:
        keys = []
        for key in _failed_keys(tools, report["run_id"]):
            keys.append(key)
            if len(keys) == MAX_FAILED_KEYS:
                break
        document = {**report, "failed_keys": keys}
    with systemic():
        tools.s3.put_object(
            Bucket=tools.names.reports_bucket,
            Key=runs.objects_prefix(report["run_id"]) + runs.REPORT_OBJECT,
            Body=json.dumps(document, indent=1).encode(),
            ContentType="application/json",
        )


def _failed_keys(tools: Tools, run_id: str) -> Iterator[Any]:
    bucket, prefix = tools.names.reports_bucket, runs.objects_prefix(run_id) + runs.FAILED_PREFIX
    request: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix}
    while True:
        with systemic():
            answer = tools.s3.list_objects_v2(**request)
        for each in answer.get("Contents", ()):
            with systemic():
                body = tools.s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
            yield from json.loads(body)[Outcome.FAILED.value]
        if not answer.get("IsTruncated"):
            return
        request["ContinuationToken"] = answer["NextContinuationToken"]
