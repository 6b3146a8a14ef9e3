"""The previous release deployed for real, filled with data, and today's app deployed over it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from cli.review.protection import STATEFUL
from local_cloud.cloud import LocalCloud
from local_cloud.stage import DeployedStage
from switchboard.ids import compose_uuid7
from switchboard.messages.sort_keys import milliseconds
from switchboard.schema import cdr, deployment
from tests.conftest import SEED
from tests.integration import calls
from tests.upgrade.stages import PREVIOUS, Identity, changed, holding_data, renamed, stages
from tools import release

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.calls import Json

SPONSORSHIP = "sp-upgraded"
TALK = ("Are you there?", "I am.", "Then hold on.")
TABLE = "CdrTable68FB5C79"


def record(record_id: str, record_type: str = cdr.CONSUME, **fields: Any) -> Json:
    return calls.record(record_id, record_type, sponsorship_id=SPONSORSHIP, sponsor_id="s-upgraded", **fields)


RECORDS = (
    record("create", cdr.CREATE),
    record("retrieve", cdr.FIRST_RETRIEVE, subscriber_id="p-7"),
    record("earlier", cdr.FIRST_RETRIEVE, subscriber_id="p-7", time="2026-11-20T11:00:00Z"),
    *(record(f"consume-{number}", data={"bytes_down": number}) for number in range(30)),
    record("expire", cdr.EXPIRE),
)


def ask(local: DeployedStage, operation: str, user: str, **fields: Any) -> Json:
    request = {"operation": operation, "user_uuid": user, **fields}
    answer, error = calls.invoke(local, deployment.MESSAGES_FUNCTION_PATH, request, deployment.MESSAGING_SERVICE)
    assert error is None, answer
    assert "error" not in answer, answer
    return answer


def groups(local: DeployedStage, user: str) -> list[Json]:
    found: list[Json] = ask(local, "list_message_groups", user)["message_groups"]
    return found


def last_message(local: DeployedStage, user: str) -> str:
    return str(groups(local, user)[0]["last_message"])


@dataclass(frozen=True, slots=True)
class Seen:
    """What a stage holds and what its callers read of it."""

    resources: dict[str, Identity]
    answers: dict[str, Any]

    @classmethod
    def of(cls, local: DeployedStage, people: tuple[str, str], group: str) -> Seen:
        window = {"from": "2026-11-20T00:00:00Z", "to": "2026-11-21T00:00:00Z"}
        first = {"sponsorship_id": SPONSORSHIP, "type": cdr.FIRST_RETRIEVE, "subscriber_id": "p-7"}
        answers = {
            "history": calls.history(local, SPONSORSHIP),
            "first": calls.query(local, query="first", **first)["record"],
            "by_sponsor": calls.query(local, query="by_sponsor", sponsor_id="s-upgraded", **window)["records"],
            "by_time": calls.query(local, query="by_time", **window)["records"],
            "messages": ask(local, "list_messages", people[0], group_uuid=group)["messages"],
            "profile": ask(local, "get_user", people[1]),
            "groups": [groups(local, person) for person in people],
            "quarantine": calls.quarantined(local),
        }
        return cls(holding_data(local.cloud), answers)


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A stage after its upgrade, and what it was before."""

    local: DeployedStage
    people: tuple[str, str]
    group: str
    before: Seen


@pytest.fixture(scope="module")
def previous(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assembly of the previous release."""
    return release.unpacked(release.RELEASES / PREVIOUS, tmp_path_factory.mktemp("previous"), today=assembly)


@pytest.fixture(scope="module")
def upgraded(previous: Path, assembly: Path) -> Iterator[Upgraded]:
    """The previous release with data in it, and today's app over it."""
    rng = random.Random(f"{SEED}:upgrade")
    with LocalCloud.start() as cloud:
        cloud.deploy(previous)
        old = DeployedStage(cloud)
        people, group = filled(old, rng)
        before = Seen.of(old, people, group)
        cloud.deploy(assembly)
        yield Upgraded(DeployedStage(cloud), people, group, before)


def filled(local: DeployedStage, rng: random.Random) -> tuple[tuple[str, str], str]:
    """Write records, a conversation and something for the quarantine; the two people and their group."""
    for part in (RECORDS[:2], RECORDS[2:]):
        answer = calls.write(local, calls.envelope(*part))
        assert set(calls.statuses(answer)) <= {cdr.STORED, cdr.EARLIER}, answer
    calls.write(local, calls.envelope(record("refused", colour="red"), on_failed="raise"))
    now = milliseconds(datetime.now(UTC))
    ann, ben = (compose_uuid7(now, rng.getrandbits(74)) for _ in range(2))
    for user, handle in ((ann, "ann"), (ben, "ben")):
        ask(local, "put_user", user, handle=handle, display_name=handle.title())
    group = str(ask(local, "create_message_group", ann, other_user_uuid=ben, message=TALK[0])["group_uuid"])
    for user, text in ((ben, TALK[1]), (ann, TALK[2])):
        ask(local, "create_message", user, group_uuid=group, message=text)
    calls.eventually(lambda: last_message(local, ben) == TALK[-1], "the list shows the newest message")
    return (ann, ben), group


def test_what_holds_data_is_the_very_same(upgraded: Upgraded) -> None:
    after = holding_data(upgraded.local.cloud)
    expected = stages(release.RELEASES / PREVIOUS)["local"].of_type(*STATEFUL)
    assert set(upgraded.before.resources) == {f"{each.stack}/{each.logical_id}" for each in expected}
    assert {place: after.get(place) for place in upgraded.before.resources} == upgraded.before.resources


def test_every_stack_of_today_is_deployed(upgraded: Upgraded, assembly: Path) -> None:
    client = upgraded.local.cloud.client("cloudformation")
    for stack in stages(assembly)["local"].templates:
        (found,) = client.describe_stacks(StackName=f"switchboard-local-{stack}")["Stacks"]
        assert found["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, stack


def test_all_that_was_written_reads_the_same(upgraded: Upgraded) -> None:
    after = Seen.of(upgraded.local, upgraded.people, upgraded.group)
    for question, answer in upgraded.before.answers.items():
        assert answer, question
        assert after.answers[question] == answer, question
    assert [message["message"] for message in after.answers["messages"]] == list(TALK)


def test_a_retry_across_the_upgrade_is_the_same_record(upgraded: Upgraded) -> None:
    for part in (RECORDS[:2], RECORDS[2:]):
        answer = calls.write(upgraded.local, calls.envelope(*part))
        assert calls.statuses(answer) == [cdr.DUPLICATE] * len(part), answer


def test_the_conversation_goes_on(upgraded: Upgraded) -> None:
    ann, ben = upgraded.people
    ask(upgraded.local, "create_message", ben, group_uuid=upgraded.group, message="Still here?")
    calls.eventually(
        lambda: last_message(upgraded.local, ann) == "Still here?",
        "the stream of the table that was there before reaches today's handler",
    )


def without_sort_key(template: Any) -> Any:
    template["Resources"][TABLE]["Properties"]["KeySchema"] = [{"AttributeName": "pk", "KeyType": "HASH"}]
    return template


@pytest.mark.parametrize(
    "change", [lambda template: renamed(template, TABLE), without_sort_key], ids=["logical id", "key schema"]
)
def test_a_planted_replacement_is_seen_after_its_deployment(
    previous: Path, tmp_path: Path, change: Callable[[Any], Any]
) -> None:
    planted = changed(previous, tmp_path / "planted", "local/data", change)
    with LocalCloud.start() as cloud:
        cloud.deploy(previous, stacks="local/data")
        before = holding_data(cloud)
        cloud.deploy(planted, stacks="local/data")
        after = holding_data(cloud)
    assert [place for place in before if after.get(place) != before[place]] == [f"data/{TABLE}"]
