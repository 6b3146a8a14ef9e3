"""Copies of tables: what is copied, by whom, and that nobody removes a copy before its time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infra.constructs.shapes import UUID

if TYPE_CHECKING:
    from tests.infra.templates import Templates


def test_only_prod_has_a_backup_plan_and_it_covers_what_cannot_be_made_again(templates: Templates) -> None:
    for stage in ("local", "dev"):
        assert not templates.resources(stage, "AWS::Backup::BackupPlan")
    (plan,) = templates.resources("prod", "AWS::Backup::BackupPlan").values()
    (rule,) = plan["Properties"]["BackupPlan"]["BackupPlanRule"]
    assert rule["Lifecycle"] == {"DeleteAfterDays": 365}
    (selection,) = templates.resources("prod", "AWS::Backup::BackupSelection").values()
    chosen = selection["Properties"]["BackupSelection"]
    assert [templates.text("prod", arn) for arn in chosen["Resources"]] == [
        f"${{{table}.Arn}}" for table in ("CdrTable", "MessagesTable", "RunsTable")
    ]
    assert [dependency[:12] for dependency in selection["DependsOn"]] == ["BackupPolicy"]


def test_copies_are_tagged_as_their_tables_are(templates: Templates) -> None:
    for table in templates.resources("prod", "AWS::DynamoDB::Table").values():
        assert table["Properties"]["Tags"], "a copy of a table with tags fails unless it can be tagged, too"
    (copy,) = templates.allowed("prod", "Backup")["backup:TagResource"]
    assert re.fullmatch(rf"arn:\S+:backup:\S+:\d{{12}}:recovery-point:{re.escape(UUID)}", copy)


def test_the_vault_refuses_to_delete_a_copy_before_its_time(templates: Templates) -> None:
    (vault,) = templates.resources("prod", "AWS::Backup::BackupVault").values()
    (deny,) = templates.statements("prod", vault["Properties"]["AccessPolicy"])
    assert deny.effect == "Deny"
    assert "backup:DeleteRecoveryPoint" in deny.actions
    assert templates.text("prod", vault["Properties"]["EncryptionKeyArn"]) == "${BackupKey.Arn}"
