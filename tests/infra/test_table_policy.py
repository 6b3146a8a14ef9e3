"""The policy that each table carries itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from infra.constructs.dynamodb_actions import ON_ITEMS
from tests.infra.templates import STAGES, walk

if TYPE_CHECKING:
    from tests.infra.templates import Templates


@pytest.mark.parametrize("stage", STAGES)
def test_tables_refuse_items_to_keys_and_to_people_as_they_signed_in(templates: Templates, stage: str) -> None:
    tables = {
        name: table["Properties"]
        for name, table in templates.resources(stage, "AWS::DynamoDB::Table").items()
        if not name.startswith("LegacyTable")
    }
    assert len(tables) == 3
    for table in tables.values():
        statements = templates.statements(stage, table["ResourcePolicy"]["PolicyDocument"])
        assert [statement.condition for statement in statements] == [
            {"StringEquals": {"aws:PrincipalType": ["Account", "FederatedUser", "User"]}},
            {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:role/aws-reserved/sso.amazonaws.com/*"}},
        ]
        for statement in statements:
            assert (statement.effect, statement.resources) == ("Deny", ("*",))
            assert set(statement.actions) == {*ON_ITEMS, "dynamodb:ExportTableToPointInTime"}


@pytest.mark.parametrize("stage", STAGES)
def test_no_table_policy_can_lock_anyone_out(templates: Templates, stage: str) -> None:
    """What deployment, backup, restore, deletion and the repair of the policy call is in no statement."""
    needed = re.compile(
        r"Table$|Tables$|Backup|Restore|ResourcePolicy|Tag|TimeToLive|Stream|Replica|Kinesis|AutoScaling"
    )
    for table in templates.resources(stage, "AWS::DynamoDB::Table").values():
        for key, value in walk(table["Properties"].get("ResourcePolicy", {})):
            if key == "Action":
                assert not [action for action in value if needed.search(action) or "*" in action]
            assert key not in {"NotAction", "NotPrincipal"}
