"""Old items whose import has a known answer: the same ones however often they are written."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from switchboard.backfill.job import Table
from switchboard.backfill.sample import put_all
from switchboard.schema import cdr, legacy

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb import DynamoDBClient

    from switchboard.backfill.waiting import Waiting
    from switchboard.dynamo.values import AttributeValue

SAMPLE_SPONSOR: Final = "sample-"
"""How the sponsors of these items begin: nothing else is ever written or replaced."""

_FIRST_SECOND: Final = 1_700_000_000
"""2023-11-14: the items lie one minute apart from here on."""
_APART_SECONDS: Final = 60
_SPONSORS: Final = 7
_PER_SPONSORSHIP: Final = 5
_UNITS: Final = (1, 1_000, 1_000_000, 1_000_000_000)
_PAGE: Final = 1_000


def legacy_sample(number: int, share: float) -> dict[str, AttributeValue]:
    """Item `number`: of all numbers a `share` between 0 and 1 can become no record with the default mapping.

    The units of the timestamps and the types of the attributes take turns; sets and binary values are among them.
    """
    sponsorship, place = divmod(number, _PER_SPONSORSHIP)
    seconds = _FIRST_SECOND + _APART_SECONDS * number
    item: dict[str, AttributeValue] = {
        legacy.TIMESTAMP: {"N": str(seconds * _UNITS[number % len(_UNITS)])},
        legacy.SPONSOR_ID: {"S": f"{SAMPLE_SPONSOR}{sponsorship % _SPONSORS}"},
        cdr.TYPE: {"S": cdr.RECORD_TYPES[place]},
        cdr.SPONSORSHIP_ID: {"S": f"{SAMPLE_SPONSOR}sp-{sponsorship}"},
        cdr.SUBSCRIBER_ID: {"S": f"p-{number}"},
        "bytes": {"N": str(number * 1_024)},
        **_MIXED[number % len(_MIXED)],
    }
    why = _unfit(number, share)
    if why == legacy.UNMAPPED:
        del item[cdr.SPONSORSHIP_ID]
    elif why == cdr.REJECTED:
        item[cdr.TYPE] = {"S": "unheard of"}
    return item


def write_legacy_samples(
    client: DynamoDBClient,
    table: str,
    *,
    items: int,
    share: float,
    waiting: Waiting,
    written: Callable[[int], None],
) -> dict[str, Any]:
    """Write the first `items` samples, anew where they stand; answers what an import makes of them.

    The answer is `items`, `records`, and `kept` by reason. `written` is told how many more are written. Raises
    `Refused` and `Systemic` as `write_samples` does.
    """
    keyed = Table(table, (legacy.TIMESTAMP, legacy.SPONSOR_ID))
    for start in range(0, items, _PAGE):
        samples = [legacy_sample(number, share) for number in range(start, min(start + _PAGE, items))]
        put_all(client, keyed, samples, waiting=waiting)
        written(len(samples))
    kept = Counter(filter(None, (_unfit(number, share) for number in range(items))))
    return {"items": items, "records": items - kept.total(), "kept": dict(kept)}


def _unfit(number: int, share: float) -> str | None:
    """Why item `number` becomes no record, if it does not; both reasons are about as frequent."""
    if crc32(str(number).encode()) >= share * 2**32:
        return None
    return legacy.UNMAPPED if number % 2 else cdr.REJECTED


_MIXED: Final[tuple[dict[str, AttributeValue], ...]] = (
    {"regions": {"SS": ["north", "south"]}, "raw": {"B": b"\x00\xff"}},
    {"sizes": {"NS": ["3", "1.5"]}, "free": {"BOOL": True}},
    {"parts": {"BS": [b"a", b"b"]}, "note": {"NULL": True}},
    {"detail": {"M": {"plan": {"S": "basic"}, "steps": {"L": [{"N": "1"}, {"S": "two"}]}}}},
    {},
)
