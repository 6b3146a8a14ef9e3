"""`switchboard users sync` as a person types it: from files, a user pool and a real PostgreSQL server."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from local_cloud.paths import ROOT
from switchboard.schema import deployment
from switchboard.schema import messages as schema
from tests.fakes.postgres import postgres
from tests.integration.calls import invoke, unique

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local_cloud.stage import DeployedStage
    from tests.fakes.postgres import Postgres

    Sync = Callable[..., tuple[int, list[dict[str, Any]], dict[str, int]]]

SWITCHBOARD = ROOT / ".venv" / "bin" / "switchboard"


@pytest.fixture
def sync(local: DeployedStage) -> Sync:
    """Run the command with `--json`: its exit code, a result per row, the summary."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **local.cloud.environment()}

    def run(*words: str) -> tuple[int, list[dict[str, Any]], dict[str, int]]:
        command = [str(SWITCHBOARD), "users", "sync", *words, "--json", "--endpoint-url", local.endpoint_url]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.stdout, done.stderr
        *results, last = map(json.loads, done.stdout.splitlines())
        return done.returncode, results, last["summary"]

    return run


@pytest.fixture(scope="module")
def database() -> Iterator[Postgres]:
    with postgres() as server:
        yield server


def profile(local: DeployedStage, user: str) -> dict[str, Any]:
    """What the function shows somebody of themselves, without the version."""
    request = {"operation": "get_user", schema.USER_UUID: user}
    answer, error = invoke(local, deployment.MESSAGES_FUNCTION_PATH, request, deployment.MESSAGING_SERVICE)
    assert error is None, answer
    return {name: value for name, value in answer.items() if name != schema.PROFILE_VERSION}


def statuses(results: list[dict[str, Any]]) -> list[str]:
    return [result["status"] for result in results]


def test_a_user_pool_and_again(local: DeployedStage, sync: Sync, rng: random.Random) -> None:
    cognito = local.client("cognito-idp")
    pool = cognito.create_user_pool(PoolName=unique(rng, "pool"))["UserPool"]["Id"]
    people = {unique(rng, "u")[:20]: f"Person {number}" for number in range(70)}
    for handle, name in people.items():
        attributes = {"preferred_username": handle.upper(), "name": name, "email": f"{handle}@example.com"}
        cognito.admin_create_user(
            UserPoolId=pool,
            Username=handle,
            MessageAction="SUPPRESS",
            UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
        )
    stranger = unique(rng, "u")
    client = cognito.create_user_pool_client(UserPoolId=pool, ClientName="web")["UserPoolClient"]["ClientId"]
    cognito.sign_up(ClientId=client, Username=stranger, Password=unique(rng, "Aa1"))
    source = ("--user-pool", pool)

    rehearsed = sync(*source, "--dry-run")
    first = sync(*source)
    second = sync(*source)

    assert rehearsed == first
    assert (first[0], first[2]["created"], first[2]["rows"]) == (0, 70, 70)
    assert (second[0], second[2]["unchanged"], second[2]["rows"]) == (0, 70, 70)
    one = first[1][-1]
    found = cognito.admin_get_user(UserPoolId=pool, Username=one["handle"])
    (subject,) = [each["Value"] for each in found["UserAttributes"] if each["Name"] == "sub"]
    assert profile(local, one["user_uuid"]) == {
        "user_uuid": subject,
        "handle": one["handle"],
        "display_name": people[one["handle"]],
        "email": f"{one['handle']}@example.com",
        "cognito_sub": subject,
    }

    # An attribute that is set to nothing is removed (AWS, AdminUpdateUserAttributes).
    renamed = [{"Name": "name", "Value": "Another"}, {"Name": "email", "Value": ""}]
    cognito.admin_update_user_attributes(UserPoolId=pool, Username=one["handle"], UserAttributes=renamed)
    code, results, summary = sync(*source)
    assert (code, summary["changed"], summary["unchanged"]) == (0, 1, 69)
    (changed,) = [result for result in results if result["status"] == "changed"]
    assert (changed["handle"], changed["fields"]) == (one["handle"], ["display_name", "email"])
    assert "email" not in profile(local, subject)


def test_a_database_and_again(local: DeployedStage, sync: Sync, database: Postgres, rng: random.Random) -> None:
    ann, ben, cat = (unique(rng, name) for name in ("ann", "ben", "cat"))
    name = unique(rng, "people").replace("-", "_")
    rows = [
        (1, ann, "Ann", "ann@example.com"),
        (2, ben.upper(), "Ben", None),
        (3, cat, None, None),
        (4, ann, "Eve", ""),
    ]
    database.table(name, "id int, handle text, display_name text, email text", rows)
    source = ("--postgres", database.dsn, "--query", f"SELECT * FROM {name} ORDER BY id")

    code, results, summary = sync(*source)
    again = sync(*source)

    assert (code, summary["created"], summary["refused"]) == (5, 2, 2)
    assert statuses(results) == ["created", "created", "refused", "refused"]
    assert [result["problems"][0]["code"] for result in results[2:]] == ["required", "duplicate"]
    assert (again[0], statuses(again[1])) == (5, ["unchanged", "unchanged", "refused", "refused"])
    assert profile(local, results[0]["user_uuid"]) == {
        "user_uuid": results[0]["user_uuid"],
        "handle": ann,
        "display_name": "Ann",
        "email": "ann@example.com",
    }

    database.run(f"DELETE FROM {name} WHERE id > 2", f"UPDATE {name} SET display_name = 'Benjamin' WHERE id = 2")
    code, results, summary = sync("--postgres", database.dsn, "--table", name)
    assert (code, summary["changed"], summary["unchanged"]) == (0, 1, 1)
    (changed,) = [result for result in results if result["status"] == "changed"]
    assert (changed["handle"], changed["fields"]) == (ben, ["display_name"])


def test_handles_change_hands_within_a_file(
    local: DeployedStage, sync: Sync, tmp_path: Path, rng: random.Random
) -> None:
    ann, ben, cat = (unique(rng, name) for name in ("ann", "ben", "cat"))
    one, two = unique(rng, "sub"), unique(rng, "sub")
    file = tmp_path / "people.csv"
    header = "cognito_sub,handle,display_name\n"
    file.write_text(f"{header}{one},{ann},Ann\n{two},{ben},Ben\n")
    assert sync("--file", str(file))[2]["created"] == 2

    file.write_text(f"{header}{one},{ben},Ann\n{two},{cat},Ben\n")
    rehearsed = sync("--file", str(file), "--dry-run")
    code, results, summary = sync("--file", str(file))

    assert rehearsed == (code, results, summary)
    assert (code, summary["changed"]) == (0, 2)
    users = {result["row"]: result["user_uuid"] for result in results}
    assert (profile(local, users[1])["handle"], profile(local, users[2])["handle"]) == (ben, cat)
    assert sync("--file", str(file))[2]["unchanged"] == 2


def test_a_killed_run_is_made_good_by_the_next(
    local: DeployedStage, sync: Sync, tmp_path: Path, rng: random.Random
) -> None:
    handles = [unique(rng, f"u{number}")[:30] for number in range(300)]
    file = tmp_path / "people.json"
    file.write_text(json.dumps([{"handle": handle, "display_name": "Somebody"} for handle in handles]))
    command = [str(SWITCHBOARD), "users", "sync", "--file", str(file), "--endpoint-url", local.endpoint_url]
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", **local.cloud.environment()}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline().startswith("row 1: created ")
        killed.kill()

    code, results, summary = sync("--file", str(file))

    assert (code, summary["created"] + summary["unchanged"]) == (0, 300)
    assert summary["unchanged"] > 0
    assert [result["handle"] for result in results] == handles
    assert sync("--file", str(file))[2]["unchanged"] == 300
