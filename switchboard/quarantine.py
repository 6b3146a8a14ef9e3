"""What cannot be processed is kept whole, with the reason, until a person has looked at it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from switchboard.clients import client
from switchboard.concurrency import IN_FLIGHT, in_flight
from switchboard.schema.deployment import QUARANTINE_SCHEMA
from switchboard.times import to_fixed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from mypy_boto3_s3 import S3Client


class QuarantineUnavailable(Exception):  # noqa: N818 - it names a state, which a redelivery outlives
    """Something could not be kept, so its delivery must not count as done."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} payload(s) could not be written to the quarantine bucket: deliver them again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprocessable:
    """One payload and why it is kept: `code` and `errors` are those its sender was given, `source` is the way in."""

    reason: str
    code: str
    errors: Sequence[dict[str, str]]
    source: str
    payload: Any


class Quarantine(Protocol):
    """Where unprocessable payloads are kept."""

    def keep(self, entries: Sequence[Unprocessable], *, now: datetime) -> list[bool]:
        """Keep each of `entries`; for each whether that succeeded."""
        ...


class BucketQuarantine:
    """A quarantine in S3, under `<function>/<yyyy>/<mm>/<dd>/<SHA-256 of the payload>.json`.

    The client is made at the first use: most invocations never need it.
    """

    def __init__(self, bucket: str, *, function: str) -> None:
        self._bucket = bucket
        self._function = function

    @cached_property
    def _s3(self) -> S3Client:
        made: S3Client = client("s3", connect_timeout=1.0, read_timeout=3.0, attempts=3, connections=IN_FLIGHT)
        return made

    def keep(self, entries: Sequence[Unprocessable], *, now: datetime) -> list[bool]:
        """Write one object per entry; a redelivery of the same day overwrites instead of multiplying.

        An entry nested too deep to be written back as JSON counts as not kept, like one S3 did not take.
        """

        def put(entry: Unprocessable) -> bool:
            try:
                payload, text = _strict(entry.payload)
                digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
                document = {
                    "schema": QUARANTINE_SCHEMA,
                    "reason": entry.reason,
                    "code": entry.code,
                    "errors": list(entry.errors),
                    "source": entry.source,
                    "received_at": to_fixed(now),
                    "payload": payload,
                }
                s3.put_object(
                    Bucket=self._bucket,
                    Key=f"{self._function}/{now:%Y/%m/%d}/{digest}.json",
                    Body=json.dumps(document, allow_nan=False).encode(),
                    ContentType="application/json",
                )
            except (BotoCoreError, ClientError, RecursionError):
                return False
            return True

        if not entries:
            return []
        s3 = self._s3
        return in_flight(put, entries)


def _strict(payload: Any) -> tuple[Any, str]:
    """The payload as strict JSON can carry it, and its canonical text: what is not JSON is kept as text."""
    if isinstance(payload, str):
        return payload, payload
    try:
        return payload, json.dumps(payload, allow_nan=False, separators=(",", ":"), sort_keys=True)
    except ValueError:
        text = json.dumps(payload, separators=(",", ":"), sort_keys=True)
        return text, text
