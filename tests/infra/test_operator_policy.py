"""The platform team's permission set does what the runbook asks for, and touches no data but through its roles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.infra.templates import HASH, ROOT, STAGES
from tests.infra.test_execution_policy import says, statements_of

if TYPE_CHECKING:
    from tests.infra.templates import Templates

EXAMPLE: Final = "examples/operator-policy.json"
POLICY: Final = statements_of("operator-policy.json")
HERE: Final = "eu-central-1:123456789012"
LAST_QUEUES: Final = ("cdr-ingest-dead-letters", "failed-invocations")


def may(action: str, arn: str) -> bool:
    return says("Allow", action, arn, POLICY)


@pytest.mark.parametrize("stage", STAGES)
def test_it_works_off_what_nobody_else_takes_from_queues(templates: Templates, stage: str) -> None:
    names = {found["Properties"]["QueueName"] for found in templates.resources(stage, "AWS::SQS::Queue").values()}
    last = {f"switchboard-{stage}-{name}" for name in LAST_QUEUES}
    (ingest,) = names - last
    for name in last:
        for action in ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"):
            assert may(action, f"arn:aws:sqs:{HERE}:{name}"), action
        assert not may("sqs:SendMessage", f"arn:aws:sqs:{HERE}:{name}")
        assert may("sqs:StartMessageMoveTask", f"arn:aws:sqs:{HERE}:{name}") is name.endswith("dead-letters")
    assert may("sqs:SendMessage", f"arn:aws:sqs:{HERE}:{ingest}")
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:PurgeQueue"):
        assert not may(action, f"arn:aws:sqs:{HERE}:{ingest}"), action


@pytest.mark.parametrize("stage", STAGES)
def test_it_reads_the_logs_of_every_stack_and_no_others(templates: Templates, stage: str) -> None:
    names = [
        templates.text(stage, found["Properties"]["LogGroupName"])
        for found in templates.resources(stage, "AWS::Logs::LogGroup").values()
    ]
    assert len(names) > 6
    for name in names:
        assert may("logs:FilterLogEvents", f"arn:aws:logs:{HERE}:log-group:{name}"), name
    assert not may("logs:FilterLogEvents", f"arn:aws:logs:{HERE}:log-group:/aws/lambda/of-somebody-else")


@pytest.mark.parametrize("stage", STAGES)
def test_it_becomes_the_two_operators_and_nobody_else(templates: Templates, stage: str) -> None:
    roles = templates.resources(stage, "AWS::IAM::Role", "access")
    assumed = {
        HASH.sub("", name)
        for name in roles
        if may("sts:AssumeRole", f"arn:aws:iam::123456789012:role/switchboard-{stage}-access-{name}-AbCdEfGhIjKl")
    }
    assert assumed == {"DataOperatorRole", "BackfillOperatorRole"}


def test_it_touches_no_table_no_bucket_no_key_and_no_role() -> None:
    actions = {action for each in POLICY for action in _listed(each["Action"])}
    assert {action.partition(":")[0] for action in actions} == {"cloudwatch", "logs", "sqs", "sts"}
    assert not [action for action in actions if "*" in action]
    everywhere = {action for each in POLICY if each["Resource"] == "*" for action in _listed(each["Action"])}
    assert all(action.split(":")[1].startswith(("Describe", "Get", "List")) for action in everywhere)


@pytest.mark.parametrize("page", ["account-setup.md", "runbook/README.md"])
def test_the_pages_name_it(page: str) -> None:
    assert EXAMPLE in (ROOT / "docs" / page).read_text()


def _listed(value: str | list[str]) -> list[str]:
    return value if isinstance(value, list) else [value]
