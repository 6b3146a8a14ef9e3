"""What is left in an account of the time before roles: keys of IAM users, and tables with the old key."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cli.doctor_findings import Finding, State, amiss, well
from cli.errors import Code, Failure
from switchboard.schema import deployment, legacy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cli.session import Target

NEVER: Final = frozenset({"", "N/A", "no_information", "not_supported"})
REPORT_ATTEMPTS: Final = 30
"""Seconds to wait for a credential report; AWS takes some, and makes a new one every four hours at most."""
WATCHED: Final = timedelta(days=14)
KEYS: Final = ("1", "2")
"""An IAM user has two keys at most."""


def keys_of_people(target: Target, *, now: datetime, sleep: Callable[[float], None]) -> Iterable[Finding]:
    """Every key that is still active, with its age and when it was last used, from the credential report."""
    found = [
        _key(row, number, now)
        for row in csv.DictReader(io.StringIO(_report(target, sleep)))
        for number in KEYS
        if row[f"access_key_{number}_active"] == "true"
    ]
    return found or [well("keys", "No IAM user has an active access key.")]


def _report(target: Target, sleep: Callable[[float], None]) -> str:
    client = target.client("iam")
    for _ in range(REPORT_ATTEMPTS):
        if client.generate_credential_report()["State"] == "COMPLETE":
            return bytes(client.get_credential_report()["Content"]).decode()
        sleep(1.0)
    raise Failure(Code.UNAVAILABLE, "AWS is still making the credential report.", remedy="Ask again in a minute.")


def _key(row: Mapping[str, str], number: str, now: datetime) -> Finding:
    made = row[f"access_key_{number}_last_rotated"]
    used = row[f"access_key_{number}_last_used_date"]
    age = "of unknown age" if made in NEVER else f"{(now - datetime.fromisoformat(made)).days} days old"
    if used in NEVER:
        use = "never used"
    else:
        service = row.get(f"access_key_{number}_last_used_service", "")
        use = f"last used {(now - datetime.fromisoformat(used)).days} days ago"
        use += "" if service in NEVER else f" with {service}"
    return amiss(
        f"keys of {row['user']}",
        f"Key {number} is active, {age}, {use}.",
        "Replace it with a role: docs/migration-from-personal-keys.md",
    )


def legacy_tables(target: Target, *, now: datetime) -> Iterator[Finding]:
    """Every table with the old key, and whether anybody used it in the last 14 days."""
    client = target.client("dynamodb")
    ours = {target.published(path) for path in deployment.TABLE_PATHS.values()}
    found = 0
    for page in client.get_paginator("list_tables").paginate():
        for name in page["TableNames"]:
            if name not in ours and _is_legacy(client.describe_table(TableName=name)["Table"]):
                found += 1
                yield _use(target, name, now)
    if not found:
        yield well("legacy tables", "No table has the old key.")


def _is_legacy(table: Mapping[str, Any]) -> bool:
    keys = {key["KeyType"]: key["AttributeName"] for key in table["KeySchema"]}
    return keys == {"HASH": legacy.TIMESTAMP, "RANGE": legacy.SPONSOR_ID}


def _use(target: Target, name: str, now: datetime) -> Finding:
    about = f"legacy table {name}"
    if target.stage == deployment.LOCAL_STAGE:
        return Finding(about, State.ABSENT, "It is there; the local cloud does not count who uses it.")
    read, written = (_consumed(target, name, f"Consumed{kind}CapacityUnits", now) for kind in ("Read", "Write"))
    if not read and not written:
        return Finding(
            about, State.WELL, f"Nobody used it in the last {WATCHED.days} days: import it, back it up, delete it."
        )
    return amiss(
        about,
        f"In the last {WATCHED.days} days {written:,.0f} units were written and {read:,.0f} read.",
        "Find who still uses it, and give that service a role and the CDR writer.",
    )


def _consumed(target: Target, name: str, metric: str, now: datetime) -> float:
    answer = target.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/DynamoDB",
        MetricName=metric,
        Dimensions=[{"Name": "TableName", "Value": name}],
        StartTime=now - WATCHED,
        EndTime=now,
        Period=86_400,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in answer["Datapoints"]))
