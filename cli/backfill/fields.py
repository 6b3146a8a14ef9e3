"""What the commands of a backfill share: their options, the tables they may change, and how a refusal ends them."""

from __future__ import annotations

import json
import random
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from botocore.exceptions import ClientError

from cli import direct
from cli.errors import Code, Failure
from switchboard.backfill.errors import NotATarget, Refused, Systemic
from switchboard.backfill.set_attribute import EXPORT, SCAN
from switchboard.backfill.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cli.session import Target
    from cli.tools import Tools

_NOT_TARGETS: Final = ("cdr", "runs")
"""Call data records are never changed; the runs table is the backfill's own."""

DEFAULT_UNITS: Final = 500.0
"""Units per second that a backfill takes where nobody said how many."""

Job = Annotated[str, typer.Option("--job", metavar="JOB", help="set_attribute, import_legacy_cdr or rename_user.")]
TableName = Annotated[
    str | None,
    typer.Option(
        "--table", metavar="TABLE", help="messages, or a table's exact name; of an import, the table to import."
    ),
]
AttributeName = Annotated[str | None, typer.Option("--attribute", metavar="NAME", help="The attribute.")]
Value = Annotated[
    str | None,
    typer.Option(
        "--value",
        metavar="VALUE",
        help='A text; or, beginning with {, a value in DynamoDB\'s JSON form, such as {"N": "1"}.',
    ),
]
Prefix = Annotated[
    str | None,
    typer.Option(
        "--prefix", metavar="TEXT", help="Only items whose partition key begins so; the others are read, too."
    ),
]
ReadFrom = Annotated[
    str | None,
    typer.Option(
        "--read-from",
        metavar="SOURCE",
        help="Of set_attribute, for its first pass: scan, as always; or export, which takes no read units.",
    ),
]
Before = Annotated[
    str | None,
    typer.Option(
        "--before", metavar="TIME", help="Of an import: the cut-over; items from then on stay where they are."
    ),
]
Mapping = Annotated[
    str | None,
    typer.Option("--mapping", metavar="KEY", help="Of an import: the mapping file's key in the reports bucket."),
]
User = Annotated[str | None, typer.Option("--user", metavar="UUID", help="Of rename_user: whose name.")]
WriteUnits = Annotated[
    float | None,
    typer.Option("--max-write-units", metavar="N", min=1, help="At most so many write units per second."),
]
ReadUnits = Annotated[
    float | None, typer.Option("--max-read-units", metavar="N", min=1, help="At most so many read units per second.")
]
Checkpoint = Annotated[
    Path | None,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help="Of --inline: where an interrupted run goes on; removed once there is a verdict.",
    ),
]
RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run's id.", show_default=False)]
Wait = Annotated[bool, typer.Option("--wait", help="Watch it to its end.")]


def waiting_of(tools: Tools) -> Waiting:
    """How a backfill in this process waits."""
    return Waiting(clock=time.monotonic, sleep=tools.sleep, jitter=random.SystemRandom().random)


def target_table(target: Target, table: str) -> str:
    """The name of a table that may be changed, however it is called. Raises `NotATarget`."""
    name = direct.table_name(target, table)
    if name in {direct.table_name(target, each) for each in _NOT_TARGETS}:
        raise NotATarget("table: expected one that may be changed: neither call data records nor runs")
    return name


def value_of(text: str) -> Any:
    """The value that an option means, in DynamoDB's JSON form. Raises `Failure` (refused)."""
    if not text.startswith("{"):
        return {"S": text}
    try:
        return json.loads(text)
    except ValueError:
        raise Failure(
            Code.REFUSED, "The value begins like JSON and is none.", remedy='Write it like {"S": "text"}.'
        ) from None


def needed(value: str | None, option: str) -> str:
    """An option that this job needs. Raises `Failure` (usage) without it."""
    if value is None:
        raise Failure(Code.USAGE, f"This job needs {option}.", remedy=f"Give {option}; --help says what it means.")
    return value


def source_of(text: str | None) -> str | None:
    """Where a first pass reads. Raises `Failure` (usage) for what is neither of the two."""
    if text not in {None, SCAN, EXPORT}:
        raise Failure(Code.USAGE, "There is no such source to read from.", remedy=f"Give {SCAN} or {EXPORT}.")
    return text


def scanned(read_from: str | None) -> None:
    """Return where this process may read from what was asked for. Raises `Failure` (usage) for an export."""
    if read_from == EXPORT:
        raise Failure(
            Code.USAGE, "An export is read in the stage only.", remedy="Leave out --inline, or read from a scan."
        )


@contextmanager
def on_table(table: str) -> Iterator[None]:
    """Work on the table in this process: what refuses or stops it becomes a `Failure`."""
    try:
        yield
    except Refused as refused:
        raise Failure(
            Code.REFUSED,
            f"The backfill is refused: {refused.code}.",
            remedy="Nothing was changed. Correct that, and start again.",
            details=(str(refused),),
        ) from refused
    except Systemic as stopped:
        missing = stopped.code.startswith("ResourceNotFound")
        raise Failure(
            Code.NOT_FOUND if missing else Code.REFUSED,
            f"The backfill stopped: {stopped}.",
            remedy="What was done stays done.",
        ) from stopped
    except ClientError as error:
        raise direct.no_table(table) if direct.is_missing(error) else error from error
