"""What cannot be processed is kept whole, with the reason, until a person has looked at it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

from switchboard.clients import client
from switchboard.concurrency import IN_FLIGHT
from switchboard.dynamo.rounds import Refusal, settle
from switchboard.schema.deployment import QUARANTINE_SCHEMA
from switchboard.times import to_fixed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from mypy_boto3_s3 import S3Client

    from switchboard.dynamo.budget import Budget

CONNECT_SECONDS: Final = 0.5
READ_SECONDS: Final = 2.0
CONTINUE_SECONDS: Final = 1.0
"""How long botocore waits for S3 to ask for a body before it sends it unasked (its `awsrequest`)."""

RESERVE_SECONDS: Final = 4.5
"""With less time left no object is begun: one takes up to 3.5 s, and what became of it must still be reported."""

_UNWRITABLE: Final = "Unwritable"


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

    def keep(self, entries: Sequence[Unprocessable], *, now: datetime, budget: Budget) -> list[bool]:
        """Keep each of `entries`, in their order and while the budget lasts; for each whether that succeeded."""
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
        # One attempt: what is tried again is tried within the budget, of which botocore knows nothing.
        made: S3Client = client(
            "s3", connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, attempts=1, connections=IN_FLIGHT
        )
        return made

    def keep(self, entries: Sequence[Unprocessable], *, now: datetime, budget: Budget) -> list[bool]:
        """Write one object per entry; a redelivery of the same day overwrites instead of multiplying.

        What S3 refuses for the moment is written again while the budget lasts. An entry that was not begun in time
        counts as not kept, and so does one nested too deep to be written back as JSON.
        """

        def put(places: Sequence[int]) -> Mapping[int, bool | Refusal]:
            (place,) = places
            try:
                body = _document(entries[place], now)
                key = object_key(self._function, now, entries[place].payload)
            except RecursionError:
                return {place: Refusal(_UNWRITABLE)}
            s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=body,
                ContentType="application/json",
            )
            return {place: True}

        if not entries:
            return []
        s3 = self._s3
        kept = settle(range(len(entries)), put, per_request=1, budget=budget.leaving(RESERVE_SECONDS))
        return [kept[place] is True for place in range(len(entries))]


def object_key(function: str, now: datetime, payload: Any) -> str:
    """Where a function keeps a payload: a folder for each day, and a name that is the payload's own."""
    _, text = _strict(payload)
    return f"{function}/{now:%Y/%m/%d}/{hashlib.sha256(text.encode(errors='surrogatepass')).hexdigest()}.json"


def _document(entry: Unprocessable, now: datetime) -> bytes:
    """The object that keeps an entry. Raises `RecursionError` where its payload is nested too deep to be written."""
    payload, _ = _strict(entry.payload)
    document = {
        "schema": QUARANTINE_SCHEMA,
        "reason": entry.reason,
        "code": entry.code,
        "errors": list(entry.errors),
        "source": entry.source,
        "received_at": to_fixed(now),
        "payload": payload,
    }
    return json.dumps(document, allow_nan=False).encode()


def _strict(payload: Any) -> tuple[Any, str]:
    """The payload as strict JSON can carry it, and its canonical text: what is not JSON is kept as text."""
    if isinstance(payload, str):
        return payload, payload
    try:
        return payload, json.dumps(payload, allow_nan=False, separators=(",", ":"), sort_keys=True)
    except ValueError:
        text = json.dumps(payload, separators=(",", ":"), sort_keys=True)
        return text, text
