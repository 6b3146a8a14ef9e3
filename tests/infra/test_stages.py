from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from infra.config import (
    DEV,
    LOCAL,
    PLACEHOLDER_ACCOUNT,
    PLACEHOLDER_SUBJECT,
    Ci,
    Create,
    Place,
    Provisioned,
    prod,
    stages,
)
from switchboard.schema import deployment
from tests.infra.templates import STACKS, STAGES, stacks_of, synthesize

if TYPE_CHECKING:
    from pathlib import Path

    from tests.infra.templates import Templates

PROD = prod(Place("123456789012", "eu-central-1"), PLACEHOLDER_SUBJECT)
SUBJECT = "repo:acme/switchboard:environment:prod"
INPUTS = {"prod-account": "123456789012", "prod-region": "eu-west-1", "prod-ci-subject": SUBJECT}
GUARD = "RefuseToDeployPlaceholder"

LOCAL_DIFFERS_IN = {
    "name",
    "place",
    "retain_data",
    "backup_plan",
    "bind_to_network",
    "cdr_retention_days",
    "log_retention",
    "reserved_concurrency",
    "log_bucket",
    "trust_account_root",
    "example_data",
    "legacy_tables",
    "make_legacy_tables",
}
"""What the local cloud cannot show of prod, because the stage says something else there."""


def test_every_stage_has_its_stacks_in_order_of_deployment(templates: Templates) -> None:
    assert set(templates.by_stack) == {(stage, stack) for stage in STAGES for stack in stacks_of(stage)}
    for stage in STAGES:
        for position, stack in enumerate(stacks_of(stage)):
            artifact = templates.artifact(stage, stack)
            assert artifact["properties"]["stackName"] == f"switchboard-{stage}-{stack}"
            if position:
                before = templates.artifact(stage, STACKS[position - 1])["properties"]["templateFile"]
                assert before.removesuffix(".template.json") in artifact["dependencies"]


def test_only_the_stage_that_keeps_its_data_is_protected_from_termination(templates: Templates) -> None:
    protected = {
        (stage, stack)
        for stage in STAGES
        for stack in stacks_of(stage)
        if templates.artifact(stage, stack)["properties"].get("terminationProtection")
    }
    assert protected == {("prod", stack) for stack in STACKS}


def test_local_differs_from_prod_in_the_listed_fields_only() -> None:
    different = {field.name for field in fields(LOCAL) if getattr(LOCAL, field.name) != getattr(PROD, field.name)}
    assert different == LOCAL_DIFFERS_IN


def test_the_commands_know_which_stages_take_example_data() -> None:
    assert tuple(stage.name for stage in (LOCAL, DEV, PROD) if stage.example_data) == deployment.EXAMPLE_STAGES


def test_dev_uses_exactly_the_free_tier(templates: Templates) -> None:
    assert isinstance(DEV.billing, Provisioned)
    written = read = 0
    for table in templates.resources("dev", "AWS::DynamoDB::Table").values():
        properties = table["Properties"]
        for holder in (properties, *properties.get("GlobalSecondaryIndexes", [])):
            written += holder["ProvisionedThroughput"]["WriteCapacityUnits"]
            read += holder["ProvisionedThroughput"]["ReadCapacityUnits"]
    assert (written, read) == (25, 25)
    assert written == sum(units.write for units in DEV.billing.planned.values())


def test_local_and_dev_go_wherever_the_callers_credentials_belong(templates: Templates) -> None:
    for stage in ("local", "dev"):
        for stack in stacks_of(stage):
            assert templates.artifact(stage, stack)["environment"] == "aws://unknown-account/unknown-region"
            assert GUARD not in templates.by_stack[stage, stack].get("Rules", {})


def test_prod_without_its_inputs_is_refused_by_cloudformation(templates: Templates) -> None:
    for stack in STACKS:
        template = templates.by_stack["prod", stack]
        (assertion,) = template["Rules"][GUARD]["Assertions"]
        reference, wanted = assertion["Assert"]["Fn::Equals"]
        parameter = template["Parameters"][reference["Ref"]]
        assert templates.artifact("prod", stack)["environment"].startswith(f"aws://{PLACEHOLDER_ACCOUNT}/")
        assert parameter["AllowedValues"] == [parameter["Default"]]
        assert wanted not in parameter["AllowedValues"]
        assert "-c prod-account=" in assertion["AssertDescription"]


def test_prod_with_its_inputs_is_deployable(tmp_path: Path) -> None:
    given = synthesize(tmp_path, **INPUTS)
    for stack in STACKS:
        assert given.artifact("prod", stack)["environment"] == "aws://123456789012/eu-west-1"
        assert GUARD not in given.by_stack["prod", stack].get("Rules", {})


@pytest.mark.parametrize(
    ("account", "region", "subject"),
    [
        ("123456789012", None, None),
        (None, "eu-west-1", None),
        (None, None, SUBJECT),
        ("123456789012", "eu-west-1", None),
        ("12345678901", "eu-west-1", SUBJECT),
        ("1234567890123", "eu-west-1", SUBJECT),
        ("123456789012", "Frankfurt", SUBJECT),
        ("123456789012", "eu-west-1", "acme"),
        ("123456789012", "eu-west-1", "repo:acme/*"),
        ("", "", ""),
    ],
)
def test_inputs_that_cannot_be_right_name_all(account: str | None, region: str | None, subject: str | None) -> None:
    with pytest.raises(ValueError, match=r"-c prod-account=<12 digits> -c prod-region=.* -c prod-ci-subject="):
        stages(prod_account=account, prod_region=region, prod_ci_subject=subject)


@pytest.mark.parametrize("subject", ["repo:acme/*:environment:prod", "repo:acme/switchboar?:ref:refs/heads/main"])
def test_a_pipeline_is_named_exactly(subject: str) -> None:
    with pytest.raises(ValueError, match="exact subject"):
        Ci(subject, Create())
